"""Both engines, and what each should find, thought out in Python from the documents themselves."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

from catalog.types import ListingFilters, SortOrder
from search.models import SearchDocument
from search.types import PRICE_STEPS, RATING_STEPS, Counts, SearchRequest

Document = Mapping[str, Any]
Condition = Callable[[Document], bool]


@dataclass(frozen=True, slots=True)
class Expected:
    """What an engine should answer, to a query without words or with words that stand as they are in titles."""

    ids: list[tuple[int, int]]
    counts: Counts
    average_rating: Decimal | None


def expected(request: SearchRequest) -> Expected:
    """By looking at every document."""
    live = [row.document for row in SearchDocument.objects.filter(is_live=True)]
    found = [document for document in live if _says(document, request.words)]
    filters = request.filters
    fitting = [document for document in found if fits(document, filters)]
    fitting.sort(key=lambda document: _order(document, filters))
    rated = [Decimal(str(document["rating"])) for document in fitting if document["review_count"]]
    return Expected(
        ids=[(document["family_id"], shown(document, filters)["product_id"]) for document in fitting],
        counts=_counts(found, filters),
        average_rating=round(sum(rated, Decimal(0)) / len(rated), 2) if rated else None,
    )


def fits(document: Document, filters: ListingFilters, *, without: str = "") -> bool:
    """Whether a family fulfils all filters but the one named."""
    of_document = {
        "category": not filters.category or filters.category in document["category_path"],
        "brand": not filters.brands or document["brand"] in filters.brands,
        "rating": filters.rating is None or document["rating"] >= filters.rating,
    }
    return all(held for name, held in of_document.items() if name != without) and bool(
        variants(document, filters, without=without)
    )


def variants(document: Document, filters: ListingFilters, *, without: str = "") -> list[Any]:
    """The variants that fulfil all filters but the one named."""

    def one(variant: Mapping[str, Any]) -> bool:
        values = {(item["name"], item["value"]) for item in variant["attributes"]}
        price = Decimal(str(variant["price"]))
        held = {
            "price": (filters.price_min is None or price >= filters.price_min)
            and (filters.price_max is None or price <= filters.price_max),
            "in_stock": variant["in_stock"] or not filters.in_stock,
            **{f"attr.{code}": any((code, value) in values for value in wanted) for code, wanted in filters.attributes},
        }
        return all(fulfilled for name, fulfilled in held.items() if name != without)

    return [variant for variant in document["variants"] if one(variant)]


def shown(document: Document, filters: ListingFilters) -> Mapping[str, Any]:
    """The variant that is shown."""
    found: Mapping[str, Any] = min(
        variants(document, filters),
        key=lambda variant: (not variant["in_stock"], variant["position"], variant["product_id"]),
    )
    return found


def _says(document: Document, words: tuple[str, ...]) -> bool:
    return all(word in document["title"].lower().split() for word in words)


def _order(document: Document, filters: ListingFilters) -> tuple[Any, ...]:
    prices = [variant["price"] for variant in variants(document, filters)]
    popular = -document["popularity"]
    orders: dict[str, tuple[Any, ...]] = {
        SortOrder.PRICE_ASC: (min(prices),),
        SortOrder.PRICE_DESC: (-max(prices),),
        SortOrder.RATING: (-document["rating"], -document["review_count"]),
        SortOrder.NEWEST: (document["released_at"] is None, _newest_first(document["released_at"] or "")),
        SortOrder.BEST_SELLING: (-document["units_sold"], popular),
    }
    return (*orders.get(filters.sort, (not document["in_stock"], popular)), -document["family_id"])


def _newest_first(instant: str) -> tuple[int, ...]:
    return tuple(-ord(sign) for sign in instant)


def _counts(found: list[Any], filters: ListingFilters) -> Counts:
    attributes: dict[str, Counter[str]] = {}
    chosen = {f"attr.{code}" for code, _values in filters.attributes}
    codes = {item["name"] for row in found for variant in row["variants"] for item in variant["attributes"]}
    for code in sorted(codes | {name[5:] for name in chosen}):
        without = f"attr.{code}" if f"attr.{code}" in chosen else ""
        counted: Counter[str] = Counter()
        for document in found:
            if fits(document, filters, without=without):
                having = variants(document, filters, without=without)
                counted.update({i["value"] for v in having for i in v["attributes"] if i["name"] == code})
        if counted:
            attributes[code] = counted
    return Counts(
        categories=Counter(
            path for row in found if fits(row, filters, without="category") for path in row["category_path"]
        ),
        brands=Counter(row["brand"] for row in found if fits(row, filters, without="brand")),
        price_ranges=tuple(
            sum(_has_price(row, filters, low, high) for row in found) for low, high in pairwise(PRICE_STEPS)
        ),
        ratings=tuple(
            sum(row["rating"] >= step for row in found if fits(row, filters, without="rating")) for step in RATING_STEPS
        ),
        in_stock=sum(
            any(variant["in_stock"] for variant in variants(row, filters, without="in_stock"))
            for row in found
            if fits(row, filters, without="in_stock")
        ),
        attributes={code: dict(values) for code, values in attributes.items()},
    )


def _has_price(document: Document, filters: ListingFilters, low: Decimal | None, high: Decimal | None) -> bool:
    prices = [Decimal(str(v["price"])) for v in variants(document, filters, without="price")]
    return fits(document, filters, without="price") and any(
        (low is None or price >= low) and (high is None or price < high) for price in prices
    )
