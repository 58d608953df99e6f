"""Writes of the catalogue that commands and other apps compose into their own transaction: set-based, found again by code."""

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db.models import TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils.text import slugify

from catalog import locks, writes
from catalog.events import PartChanged, ProductChanged
from catalog.feeds.merging import ALL_FIELDS, FAMILY_FIELDS, changes, kept_pictures
from catalog.feeds.stored import by_sku
from catalog.models import Attribute, Brand, Category, FormerCategoryAddress, Product, ProductFamily, Seller
from catalog.records import AttributeRecord, CategoryRecord, ProductRecord, StoredProduct
from catalog.types import PartKind
from core import events
from core.transactions import require_transaction

SLUG_LENGTH = 120


def upsert_categories(*, categories: Sequence[CategoryRecord]) -> list[int]:
    """Add the categories that are not there yet and rename those that are; nothing is removed. Returns which were renamed.

    One that staff have moved or readdressed is found by the address it had, and stays as they made it. Raises KeyError for
    one whose parent neither exists nor comes before it.
    """
    require_transaction("catalog.operations.upsert_categories")
    if categories:
        locks.category_tree()
    found = {node.slug_path: node for node in Category.objects.all()}
    moved = {former.slug_path: former.category for former in FormerCategoryAddress.objects.select_related("category")}
    fresh: dict[str, list[CategoryRecord]] = {}
    renamed: list[int] = []
    for record in categories:
        node = found.get(record.path)
        if node is None and record.path in moved:
            found[record.path] = moved[record.path]
        elif node is None:
            fresh.setdefault(record.path.rpartition("/")[0], []).append(record)
        elif (node.name, node.description) != (record.name, record.description):
            Category.objects.filter(pk=node.pk).update(name=record.name, description=record.description)
            renamed.append(node.pk)
    has_roots = any(node.depth == 1 for node in found.values())
    for above, records in fresh.items():
        # Read again: one that was added in front of it has moved its place.
        parent = Category.objects.get(pk=found[above].pk) if above else None
        is_bare = parent.numchild == 0 if parent else not has_roots
        add = _add_first if is_bare else _add_among
        found |= zip((record.path for record in records), add(parent, records), strict=True)
    return renamed


def _add_first(parent: Category | None, records: Sequence[CategoryRecord]) -> list[Category]:
    """Add the first categories below ``parent``, all at once: nothing has to make way."""
    path, depth = (parent.path, parent.depth + 1) if parent else ("", 1)
    steps = {record.path: step for step, record in enumerate(sorted(records, key=lambda record: record.name), start=1)}
    nodes = [
        Category(
            path=Category._get_path(path, depth, steps[record.path]),  # noqa: SLF001 - there is no public way to add many
            depth=depth,
            numchild=0,
            **_columns_of(record, parent),
        )
        for record in records
    ]
    Category.objects.bulk_create(nodes)
    if parent:
        Category.objects.filter(pk=parent.pk).update(numchild=len(nodes))
    return nodes


def _add_among(parent: Category | None, records: Sequence[CategoryRecord]) -> list[Category]:
    """Add categories between those there are, in the order of their names."""
    if parent is None:
        return [Category.objects.add_root(_columns_of(record, None)) for record in records]
    return [
        Category.objects.add_child(Category.objects.get(pk=parent.pk), _columns_of(record, parent))
        for record in records
    ]


def _columns_of(record: CategoryRecord, parent: Category | None) -> dict[str, str]:
    slug = record.path.rpartition("/")[2]
    path = f"{parent.slug_path}/{slug}" if parent else slug
    return {"name": record.name, "slug": slug, "slug_path": path, "description": record.description}


def upsert_products(
    *, products: Sequence[ProductRecord], now: datetime, stored: Mapping[str, StoredProduct] | None = None
) -> dict[str, int]:
    """Write products with their families, brands, attributes and pictures; the ids by SKU. A bounded number of statements.

    A product is found again by its SKU, and one that is as it should be is left alone. What a product no longer has is removed;
    an address that changes is remembered. Publishes `product.changed` for whatever changed, siblings of a changed family too.
    ``stored`` is what the caller has read and locked of them. Raises KeyError for a category that is not there, and ValueError
    for a SKU that comes twice.
    """
    require_transaction("catalog.operations.upsert_products")
    if len({record.sku for record in products}) < len(products):
        raise ValueError("a SKU comes twice")
    known = lock_products(skus=[record.sku for record in products]) if stored is None else stored
    found = [_Change(record, known.get(record.sku)) for record in products]
    ids = {sku: product.id for sku, product in known.items()}
    ids |= _write([change for change in found if change.fields], now)
    return {record.sku: ids[record.sku] for record in products}


def lock_products(*, skus: Collection[str]) -> dict[str, StoredProduct]:
    """The products with these SKUs as they are, and as they stay until the transaction ends. Four queries."""
    require_transaction("catalog.operations.lock_products")
    return by_sku(skus) if locks.products_by_sku(skus) else {}


class _Change:
    """A product to be written, what it was, and in which fields the two differ."""

    def __init__(self, record: ProductRecord, before: StoredProduct | None) -> None:
        was = before.record if before else None
        self.record = replace(record, pictures=kept_pictures(record.pictures, was)) if was else record
        self.before = before
        self.fields: Collection[str] = changes(was, self.record) if was else ALL_FIELDS

    @property
    def is_of_family(self) -> bool:
        """Whether the family is new or changed."""
        return self.before is None or not {"family_code", *FAMILY_FIELDS}.isdisjoint(self.fields)


def _write(found: Sequence[_Change], now: datetime) -> dict[str, int]:
    """Write what is in ``found``; the ids by SKU."""
    if not found:
        return {}
    records = [change.record for change in found]
    codes = _family_ids(record.family_code for record in records)
    of_family = [change.record for change in found if change.is_of_family]
    siblings = _products_of(codes[record.family_code] for record in of_family if record.family_code in codes)
    codes |= writes.write_families(records=of_family, places=_places(of_family), now=now)
    ids = writes.write_products(records=records, slugs=_slugs(records), families=codes, now=now)
    _write_attributes([change for change in found if "attributes" in change.fields], ids)
    _write_pictures([change for change in found if "pictures" in change.fields], ids)
    _publish({*ids.values(), *siblings}, now)
    return ids


def _write_attributes(found: Sequence[_Change], ids: Mapping[str, int]) -> None:
    records = [change.record for change in found]
    attributes = _upsert_attributes(value for record in records for value in record.attributes)
    known = [change.before.id for change in found if change.before]
    writes.write_attributes(records=records, ids=ids, attributes=attributes, known=known)


def _write_pictures(found: Sequence[_Change], ids: Mapping[str, int]) -> None:
    known = [change.before.id for change in found if change.before]
    writes.write_pictures(records=[change.record for change in found], ids=ids, known=known)


def _family_ids(codes: Iterable[str]) -> dict[str, int]:
    return dict(ProductFamily.objects.filter(code__any_of=codes).values_list("code", "pk"))


def _products_of(family_ids: Iterable[int]) -> list[int]:
    return list(Product.objects.filter(family__pk__any_of=family_ids).values_list("pk", flat=True))


def _places(records: Sequence[ProductRecord]) -> dict[str, dict[str, int]]:
    """The ids of the categories, brands and sellers that ``records`` name; brands and sellers that are new are added."""
    paths = {record.category for record in records}
    return {
        "category": dict(Category.objects.filter(slug_path__in=paths).values_list("slug_path", "pk")),
        "brand": _named(Brand, (record.brand for record in records)),
        "seller": _named(Seller, (record.seller for record in records)),
    }


def announce(*, product_ids: Iterable[int], now: datetime) -> None:
    """Publish `product.changed` for products that were written otherwise, such as in the admin; locks them first."""
    require_transaction("catalog.operations.announce")
    locked = Product.objects.select_for_update(no_key=True).filter(pk__any_of=list(product_ids)).order_by("pk")
    _publish(locked.values_list("pk", flat=True), now)


def announce_part(*, kind: PartKind, ids: Iterable[int], now: datetime) -> None:
    """Tell that these categories, brands, sellers or attributes are not what they were."""
    require_transaction("catalog.operations.announce_part")
    told = {f"{kind}-{part_id}": PartChanged(kind=kind, id=part_id) for part_id in sorted(set(ids))}
    events.publish_all(told, now=now)


def hold_categories() -> None:
    """Let nobody else change the tree until the transaction ends; to be called before what is to be changed is read."""
    require_transaction("catalog.operations.hold_categories")
    locks.category_tree()


def readdress_categories() -> list[int]:
    """Make every category's address fit its place in the tree, after one was moved or renamed; whose were changed.

    Raises IntegrityError where two would have the same.
    """
    require_transaction("catalog.operations.readdress_categories")
    locks.category_tree()
    paths: dict[str, str] = {"": ""}
    wrong = []
    for node in Category.objects.order_by("path"):
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
    return [node.pk for node in wrong]


def _publish(product_ids: Iterable[int], now: datetime) -> None:
    events.publish_all({str(pk): ProductChanged(product_id=pk) for pk in sorted(product_ids)}, now=now)


def offer_filters(*, codes: Iterable[str]) -> list[int]:
    """Let shoppers narrow lists by these attributes; codes of nothing are left out. Returns those they could not use before."""
    require_transaction("catalog.operations.offer_filters")
    fresh = list(Attribute.objects.filter(code__any_of=codes, is_filter=False).values_list("pk", flat=True))
    Attribute.objects.filter(pk__in=fresh).update(is_filter=True)
    return fresh


def known_attributes() -> set[str]:
    """The codes of all attributes there are."""
    return set(Attribute.objects.values_list("code", flat=True))


def _named(model: Any, names: Iterable[str]) -> dict[str, int]:
    """The ids of brands or sellers by name, adding those that are new."""
    wanted = set(names)
    known = dict(model.objects.filter(name__any_of=wanted).values_list("name", "pk"))
    missing = sorted(wanted - known.keys())
    if not missing:
        return known
    taken = set(model.objects.filter(slug__any_of=[_slug(name) for name in missing]).values_list("slug", flat=True))
    fresh = []
    for name in missing:
        slug = _distinct(_slug(name), name, taken)
        taken.add(slug)
        fresh.append(model(name=name, slug=slug))
    model.objects.bulk_create(fresh, ignore_conflicts=True)
    return dict(model.objects.filter(name__any_of=wanted).values_list("name", "pk"))


def _slugs(products: Sequence[ProductRecord]) -> dict[str, str]:
    """An address for each product: the one its record names, the one it has, or a new one."""
    found = {record.sku: record.slug for record in products if record.slug}
    drafts = {record.sku: _slug(record.title, record.sku) for record in products if not record.slug}
    found |= dict(Product.objects.filter(sku__any_of=drafts).values_list("sku", "slug"))
    taken = {*found.values(), *Product.objects.filter(slug__any_of=drafts.values()).values_list("slug", flat=True)}
    for sku, draft in drafts.items():
        if sku not in found:
            found[sku] = _distinct(draft, sku, taken)
            taken.add(found[sku])
    return found


def _slug(name: str, code: str = "") -> str:
    return "-".join(part for part in (slugify(name)[:SLUG_LENGTH].strip("-_"), slugify(code)) if part) or "x"


def _distinct(slug: str, name: str, taken: set[str]) -> str:
    """``slug``, or with a hash of what it stands for where somebody has it already."""
    return slug if slug not in taken else f"{slug}-{zlib.crc32(name.encode()):08x}"


def _upsert_attributes(records: Iterable[AttributeRecord]) -> dict[str, int]:
    wanted = {record.code: record for record in records}
    known = _attribute_ids(wanted)
    fresh = [
        Attribute(code=code, name=record.name, kind=record.kind, unit=record.unit, is_filter=record.is_filter)
        for code, record in sorted(wanted.items())
        if code not in known
    ]
    if fresh:
        Attribute.objects.bulk_create(fresh, ignore_conflicts=True)
        known |= _attribute_ids(attribute.code for attribute in fresh)
    return known


def _attribute_ids(codes: Iterable[str]) -> dict[str, int]:
    return dict(Attribute.objects.filter(code__any_of=codes).values_list("code", "pk"))
