"""Writes of the catalogue that commands and other apps compose into their own transaction: set-based, found again by code."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils.text import slugify

from catalog.models import (
    Attribute,
    Brand,
    Category,
    Product,
    ProductAttribute,
    ProductFamily,
    ProductMedia,
    Seller,
)
from catalog.records import AttributeRecord, CategoryRecord, ProductRecord
from core import events
from core.transactions import require_transaction

SLUG_LENGTH = 120
_PRODUCT_FIELDS = (
    "title",
    "description",
    "eans",
    "price",
    "compare_at_price",
    "currency",
    "tax_class",
    "weight_grams",
    "rating",
    "review_count",
    "max_per_order",
    "position",
    "released_at",
)


def upsert_categories(*, categories: Sequence[CategoryRecord]) -> None:
    """Add the categories that are not there yet and rename those that are; nothing is removed.

    Raises KeyError for one whose parent neither exists nor comes before it.
    """
    require_transaction("catalog.operations.upsert_categories")
    found = {node.slug_path: node for node in Category.objects.all()}
    for record in categories:
        node = found.get(record.path)
        if node is not None:
            if (node.name, node.description) != (record.name, record.description):
                Category.objects.filter(pk=node.pk).update(name=record.name, description=record.description)
            continue
        above, _, slug = record.path.rpartition("/")
        fields = {"name": record.name, "slug": slug, "slug_path": record.path, "description": record.description}
        if above:
            parent = Category.objects.get(pk=found[above].pk)
            found[record.path] = Category.objects.add_child(parent, fields)
        else:
            found[record.path] = Category.objects.add_root(fields)


def upsert_products(*, products: Sequence[ProductRecord], now: datetime) -> dict[str, int]:
    """Write products with their families, brands, attributes and pictures; the ids by SKU. A bounded number of statements.

    A product is found again by its SKU: its address stays, its attributes and announced pictures are replaced, files that staff
    uploaded stay. Publishes `product.changed` for each. Raises KeyError for a category that is not there, and IntegrityError
    for a SKU that comes twice.
    """
    require_transaction("catalog.operations.upsert_products")
    if not products:
        return {}
    families = _upsert_families(products, now)
    slugs = _slugs(products)
    rows = [
        Product(
            sku=record.sku,
            slug=slugs[record.sku],
            family_id=families[record.family_code],
            currency=record.price.currency,
            price=record.price.amount,
            eans=list(record.eans),
            updated_at=now,
            created_at=now,
            **{name: getattr(record, name) for name in _PRODUCT_FIELDS if name not in {"price", "currency", "eans"}},
        )
        for record in products
    ]
    Product.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["sku"],
        update_fields=[*_PRODUCT_FIELDS, "family", "updated_at"],
    )
    ids = dict(Product.objects.filter(sku__in=slugs).values_list("sku", "pk"))
    _replace_attributes(products, ids)
    _replace_pictures(products, ids)
    _publish(ids.values(), now)
    return ids


def announce(*, product_ids: Iterable[int], now: datetime) -> None:
    """Publish `product.changed` for products that were written otherwise, such as in the admin; locks them first."""
    require_transaction("catalog.operations.announce")
    locked = Product.objects.select_for_update(no_key=True).filter(pk__in=list(product_ids)).order_by("pk")
    _publish(locked.values_list("pk", flat=True), now)


def readdress_categories() -> None:
    """Make every category's address fit its place in the tree, after one was moved or renamed.

    Raises IntegrityError where two would have the same.
    """
    require_transaction("catalog.operations.readdress_categories")
    paths: dict[str, str] = {"": ""}
    wrong = []
    for node in Category.objects.select_for_update(no_key=True).order_by("path"):
        above = paths[node.path[: -Category.steplen]]
        paths[node.path] = f"{above}/{node.slug}" if above else node.slug
        if node.slug_path != paths[node.path]:
            node.slug_path = paths[node.path]
            wrong.append(node)
    # By way of addresses that nobody has: two that change places would meet half way.
    Category.objects.filter(pk__in=[node.pk for node in wrong]).update(
        slug_path=Concat(Value("/"), Cast("pk", TextField()))
    )
    Category.objects.bulk_update(wrong, ["slug_path"])


def _publish(product_ids: Iterable[int], now: datetime) -> None:
    events.publish_all(
        topic=events.CATALOG_EVENTS,
        type="product.changed",
        data_by_key={str(pk): {"product_id": pk} for pk in sorted(product_ids)},
        now=now,
    )


def offer_filters(*, codes: Iterable[str]) -> None:
    """Let shoppers narrow lists by these attributes; codes of nothing are left out."""
    require_transaction("catalog.operations.offer_filters")
    Attribute.objects.filter(code__in=list(codes)).update(is_filter=True)


def known_attributes() -> set[str]:
    """The codes of all attributes there are."""
    return set(Attribute.objects.values_list("code", flat=True))


def _named(model: Any, names: Iterable[str]) -> dict[str, int]:
    """The ids of brands or sellers by name, adding those that are new."""
    wanted = sorted(set(names))
    taken = set(model.objects.filter(slug__in=[_slug(name) for name in wanted]).values_list("slug", flat=True))
    known = set(model.objects.filter(name__in=wanted).values_list("name", flat=True))
    fresh = []
    for name in wanted:
        if name not in known:
            slug = _distinct(_slug(name), name, taken)
            taken.add(slug)
            fresh.append(model(name=name, slug=slug))
    model.objects.bulk_create(fresh, ignore_conflicts=True)
    return dict(model.objects.filter(name__in=wanted).values_list("name", "pk"))


def _upsert_families(products: Sequence[ProductRecord], now: datetime) -> dict[str, int]:
    brands = _named(Brand, (record.brand for record in products))
    sellers = _named(Seller, (record.seller for record in products))
    paths = {record.category for record in products}
    categories = dict(Category.objects.filter(slug_path__in=paths).values_list("slug_path", "pk"))
    families = {
        record.family_code: ProductFamily(
            code=record.family_code,
            title=record.family_title,
            category_id=categories[record.category],
            brand_id=brands[record.brand],
            seller_id=sellers[record.seller],
            variation_axes=list(record.variation_axes),
            created_at=now,
            updated_at=now,
        )
        for record in products
    }
    ProductFamily.objects.bulk_create(
        families.values(),
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["title", "category", "brand", "seller", "variation_axes", "updated_at"],
    )
    return dict(ProductFamily.objects.filter(code__in=families).values_list("code", "pk"))


def _slugs(products: Sequence[ProductRecord]) -> dict[str, str]:
    """An address for each product that is new; one that is known keeps its own."""
    skus = [record.sku for record in products]
    kept = dict(Product.objects.filter(sku__in=skus).values_list("sku", "slug"))
    drafts = {record.sku: _slug(record.title, record.sku) for record in products if record.sku not in kept}
    taken = set(Product.objects.filter(slug__in=drafts.values()).values_list("slug", flat=True))
    for sku, draft in drafts.items():
        kept[sku] = _distinct(draft, sku, taken)
        taken.add(kept[sku])
    return kept


def _slug(name: str, code: str = "") -> str:
    return "-".join(part for part in (slugify(name)[:SLUG_LENGTH].strip("-_"), slugify(code)) if part) or "x"


def _distinct(slug: str, name: str, taken: set[str]) -> str:
    """``slug``, or with a hash of what it stands for where somebody has it already."""
    return slug if slug not in taken else f"{slug}-{zlib.crc32(name.encode()):08x}"


def _upsert_attributes(records: Iterable[AttributeRecord]) -> dict[str, int]:
    wanted = {record.code: record for record in records}
    known = dict(Attribute.objects.filter(code__in=wanted).values_list("code", "pk"))
    fresh = [
        Attribute(code=code, name=record.name, kind=record.kind, unit=record.unit)
        for code, record in wanted.items()
        if code not in known
    ]
    Attribute.objects.bulk_create(fresh, ignore_conflicts=True)
    return dict(Attribute.objects.filter(code__in=wanted).values_list("code", "pk"))


def _replace_attributes(products: Sequence[ProductRecord], ids: Mapping[str, int]) -> None:
    attributes = _upsert_attributes(record for product in products for record in product.attributes)
    ProductAttribute.objects.filter(product_id__in=ids.values()).delete()
    rows = (
        (ids[product.sku], attributes[record.code], record.value, record.number, position)
        for product in products
        for position, record in enumerate(product.attributes)
    )
    _copy(ProductAttribute, ("product_id", "attribute_id", "value", "number", "position"), rows)


def _replace_pictures(products: Sequence[ProductRecord], ids: Mapping[str, int]) -> None:
    """Announced addresses are replaced; a product with files of its own keeps them, unless the record brings files."""
    with_files = [ids[product.sku] for product in products if any(picture.file for picture in product.pictures)]
    announced = Q(product_id__in=ids.values(), file="")
    ProductMedia.objects.filter(announced | Q(product_id__in=with_files)).delete()
    kept = set(ProductMedia.objects.filter(product_id__in=ids.values()).values_list("product_id", flat=True))
    rows = (
        (ids[product.sku], picture.file, picture.source_url, picture.alt, position)
        for product in products
        if ids[product.sku] not in kept
        for position, picture in enumerate(product.pictures)
    )
    _copy(ProductMedia, ("product_id", "file", "source_url", "alt", "position"), rows)


def _copy(model: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write rows the fast way, inside the transaction that is open."""
    names = ", ".join(f'"{name}"' for name in columns)
    table = model._meta.db_table  # noqa: SLF001 - documented by Django as public
    connection.ensure_connection()
    with (
        connection.connection.cursor() as cursor,
        cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as copy,
    ):
        for row in rows:
            copy.write_row(row)
