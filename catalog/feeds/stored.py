"""Products as they are in the shop, in the form in which files bring them."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any

from django.db.models import F, QuerySet

from catalog.models import Category, FormerCategoryAddress, Product, ProductAttribute, ProductMedia
from catalog.records import AttributeRecord, CategoryRecord, PictureRecord, ProductRecord, StoredProduct
from core.money import Money

_OWN = (
    "sku",
    "slug",
    "title",
    "description",
    "compare_at_price",
    "tax_class",
    "weight_grams",
    "rating",
    "review_count",
    "max_per_order",
    "position",
    "released_at",
    "is_active",
)
_ALSO = {
    "family_code": F("family__code"),
    "family_title": F("family__title"),
    "family_active": F("family__is_active"),
    "category": F("family__category__slug_path"),
    "brand": F("family__brand__name"),
    "seller": F("family__seller__name"),
    "axes": F("family__variation_axes"),
}


def by_sku(skus: Collection[str]) -> dict[str, StoredProduct]:
    """The products with these SKUs. Three queries, or one where there are none."""
    return {stored.record.sku: stored for stored in _read(Product.objects.filter(sku__any_of=skus))}


def of_families(codes: Collection[str]) -> dict[str, ProductRecord]:
    """One product of each of these families that has any, by the family's code. Three queries, or one where there are none."""
    firsts = Product.objects.filter(family__code__any_of=codes).order_by("family_id", "position", "pk")
    return {stored.record.family_code: stored.record for stored in _read(firsts.distinct("family_id"))}


def owners_of_slugs(slugs: Collection[str]) -> dict[str, str]:
    """The SKUs of the products that have these addresses, by address. One query."""
    return dict(Product.objects.filter(slug__any_of=slugs).values_list("slug", "sku"))


def everything(*, batch: int) -> Iterator[list[StoredProduct]]:
    """All products by SKU, so many at a time: three queries each."""
    last = ""
    while found := _read(Product.objects.filter(sku__gt=last).order_by("sku")[:batch]):
        yield found
        last = found[-1].record.sku


def categories() -> list[CategoryRecord]:
    """All categories, each after its parent. One query."""
    rows = Category.objects.order_by("path").values_list("slug_path", "name", "description")
    return [CategoryRecord(path=path, name=name, description=description) for path, name, description in rows]


def known_categories() -> dict[str, str]:
    """The slug path of every category, by itself and by those it had formerly. Two queries."""
    former = FormerCategoryAddress.objects.values_list("slug_path", "category__slug_path")
    return {**dict(former), **{path: path for path in Category.objects.values_list("slug_path", flat=True)}}


def _read(products: "QuerySet[Product]") -> list[StoredProduct]:
    rows = list(products.values("pk", "family_id", "price", "currency", "eans", *_OWN, **_ALSO))
    if not rows:
        return []
    ids = [row["pk"] for row in rows]
    attributes, pictures = _attributes(ids), _pictures(ids)
    return [
        StoredProduct(
            id=row["pk"],
            family_id=row["family_id"],
            record=ProductRecord(
                price=Money.rounded(row["price"], row["currency"]),
                eans=tuple(row["eans"]),
                variation_axes=tuple(row["axes"]),
                attributes=tuple(attributes[row["pk"]]),
                pictures=tuple(pictures[row["pk"]]),
                **{name: row[name] for name in (*_OWN, *_ALSO) if name != "axes"},
            ),
        )
        for row in rows
    ]


def _attributes(ids: Collection[int]) -> dict[int, list[AttributeRecord]]:
    found: dict[int, list[AttributeRecord]] = defaultdict(list)
    rows: Iterator[tuple[Any, ...]] = (
        ProductAttribute.objects.filter(product__pk__any_of=ids)
        .order_by("product_id", "position", "pk")
        .values_list(
            "product_id",
            "attribute__code",
            "attribute__name",
            "attribute__kind",
            "attribute__unit",
            "value",
            "number",
        )
        .iterator(chunk_size=10_000)
    )
    for product_id, code, name, kind, unit, value, number in rows:
        found[product_id].append(
            AttributeRecord(code=code, name=name, kind=kind, unit=unit, value=value, number=number)
        )
    return found


def _pictures(ids: Collection[int]) -> dict[int, list[PictureRecord]]:
    found: dict[int, list[PictureRecord]] = defaultdict(list)
    rows = ProductMedia.objects.filter(product__pk__any_of=ids).order_by("product_id", "position")
    for product_id, file, source_url, alt in rows.values_list("product_id", "file", "source_url", "alt"):
        found[product_id].append(PictureRecord(file=file or "", source_url=source_url, alt=alt))
    return found
