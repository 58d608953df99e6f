"""What a list can be narrowed by, and how much would be left: counted in families, each facet without its own filter."""

from collections import Counter, defaultdict
from collections.abc import Collection
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django.db.models import Avg, Count, F, Q, QuerySet, TextField, Value
from django.db.models.functions import Cast

from catalog.matching import matching
from catalog.models import Category, Product
from catalog.types import AttributeFacet, CategoryLink, Facets, FacetValue, ListingFilters, PriceRange

BRANDS_SHOWN = 20
ATTRIBUTES_SHOWN = 12
VALUES_SHOWN = 15
PRICE_STEPS = (None, Decimal(25), Decimal(50), Decimal(100), Decimal(200), None)
RATING_STEPS = (Decimal(4), Decimal(3), Decimal(2), Decimal(1))


class Totals:
    """The numbers that one statement counts: all that is listed, its average rating, families per price range and rating."""

    def __init__(self, row: dict[str, Any], filters: ListingFilters) -> None:
        average = row["average"]
        self.total: int = row["total"]
        self.average_rating = None if average is None else round(Decimal(average), 2)
        self.price_ranges = tuple(
            PriceRange(
                minimum=low,
                maximum=high,
                count=row[f"price_{number}"],
                selected=(filters.price_min, filters.price_max) == (low, high),
            )
            for number, (low, high) in enumerate(_ranges())
            if row[f"price_{number}"]
        )
        self.ratings = tuple(
            FacetValue(value=str(step), label=str(step), count=row[f"rating_{step}"], selected=filters.rating == step)
            for step in RATING_STEPS
        )


def count_totals(found: dict[str, Q], filters: ListingFilters) -> Totals:
    """Count in one statement; price and rating are conditions of the single counts, so that each facet leaves its own out."""
    price, rating = found.get("price", Q()), found.get("rating", Q())
    counts: dict[str, Any] = {
        "total": _families(price & rating),
        "average": Avg("rating", filter=Q(review_count__gt=0) & price & rating),
    }
    for number, (low, high) in enumerate(_ranges()):
        least = Q() if low is None else Q(price__gte=low)
        most = Q() if high is None else Q(price__lte=high)
        counts[f"price_{number}"] = _families(rating & least & most)
    for step in RATING_STEPS:
        counts[f"rating_{step}"] = _families(price & Q(rating__gte=step))
    return Totals(matching(found, without=("price", "rating")).aggregate(**counts), filters)


def count_facets(found: dict[str, Q], filters: ListingFilters, totals: Totals) -> Facets:
    """All facets of a list, in two statements besides that of ``totals``."""
    arms = [_brands(found), _leaves(found), *_attributes(found, filters)]
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in arms[0].union(*arms[1:], all=True):
        rows[row["facet"]].append(row)
    for facet in rows.values():
        facet.sort(key=lambda row: (-row["families"], row["value"]))
    return Facets(
        categories=_branches(rows.pop("", []), filters.category),
        brands=_choices(rows.pop("brand", []), filters.brands, BRANDS_SHOWN),
        price_ranges=totals.price_ranges,
        ratings=totals.ratings,
        attributes=_attribute_facets(rows, dict(filters.attributes)),
    )


def _ranges() -> list[tuple[Decimal | None, Decimal | None]]:
    return list(pairwise(PRICE_STEPS))


def _families(condition: Q) -> Count:
    return Count("family_id", distinct=True, filter=condition) if condition else Count("family_id", distinct=True)


def _arm(products: "QuerySet[Product]", facet: Any, **columns: Any) -> "QuerySet[Product, dict[str, Any]]":
    """One arm of the union: families per group, all arms with the same five columns."""
    grouped: QuerySet[Product, dict[str, Any]] = (
        products.annotate(facet=facet, **{name: Cast(column, TextField()) for name, column in columns.items()})
        .values("facet", *columns)
        .annotate(families=_families(Q()))
    )
    return grouped


def _brands(found: dict[str, Q]) -> "QuerySet[Product, dict[str, Any]]":
    return _arm(
        matching(found, without=("brand",)),
        Value("brand", TextField()),
        value="family__brand__slug",
        label="family__brand__name",
        unit=Value(""),
    )


def _leaves(found: dict[str, Q]) -> "QuerySet[Product, dict[str, Any]]":
    return _arm(
        matching(found), Value("", TextField()), value="family__category__path", label=Value(""), unit=Value("")
    )


def _attributes(found: dict[str, Q], filters: ListingFilters) -> "list[QuerySet[Product, dict[str, Any]]]":
    """One arm for all attributes that nothing is chosen of, and one for each other: that one leaves its own choice out."""
    chosen = [code for code, _ in filters.attributes]
    # Conditions first: an attribute joined before them would take part in them.
    arms = [(matching(found), Q(attributes__attribute__is_filter=True) & ~Q(attributes__attribute__code__in=chosen))]
    arms += [(matching(found, without=(f"attr.{code}",)), Q(attributes__attribute__code=code)) for code in chosen]
    return [
        _arm(
            products.filter(own).alias(code=F("attributes__attribute__code")),
            F("code"),
            value="attributes__value",
            label="attributes__attribute__name",
            unit="attributes__attribute__unit",
        )
        for products, own in arms
    ]


def _branches(leaves: list[dict[str, Any]], category: str) -> tuple[CategoryLink, ...]:
    """Counts of the categories right below ``category``, summed up from those that products are in. One query."""
    depth = len(category.split("/")) + 1 if category else 1
    counts: Counter[str] = Counter()
    for row in leaves:
        if len(row["value"]) >= depth * Category.steplen:
            counts[row["value"][: depth * Category.steplen]] += row["families"]
    below = Category.objects.filter(path__in=counts, is_active=True).order_by("name")
    return tuple(
        CategoryLink(id=node.pk, name=node.name, path=node.slug_path, count=counts[node.path]) for node in below
    )


def _choices(rows: list[dict[str, Any]], selected: Collection[str], limit: int) -> tuple[FacetValue, ...]:
    """The most frequent values, and those chosen even when they are rare."""
    return tuple(
        FacetValue(value=row["value"], label=row["label"], count=row["families"], selected=row["value"] in selected)
        for place, row in enumerate(rows)
        if place < limit or row["value"] in selected
    )


def _attribute_facets(
    rows: dict[str, list[dict[str, Any]]], selected: dict[str, tuple[str, ...]]
) -> tuple[AttributeFacet, ...]:
    facets = [
        AttributeFacet(
            code=code,
            name=values[0]["label"],
            unit=values[0]["unit"],
            values=_choices([{**row, "label": row["value"]} for row in values], selected.get(code, ()), VALUES_SHOWN),
        )
        for code, values in rows.items()
        if len(values) > 1 or code in selected
    ]
    facets.sort(key=lambda facet: (-sum(choice.count for choice in facet.values), facet.name))
    return tuple(facet for place, facet in enumerate(facets) if place < ATTRIBUTES_SHOWN or facet.code in selected)
