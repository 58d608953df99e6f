"""Facets as aggregations: families by choice, each facet without its own filter."""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from catalog.types import ListingFilters
from search.elastic.queries import ATTRIBUTES, VARIANTS, Clause, fitting_variants, of_documents, only
from search.types import PRICE_STEPS, RATING_STEPS, Counts

# More than lists show; of an attribute that is chosen from, so many values more that what is chosen is among them.
CATEGORIES, BRANDS, NAMES, VALUES, OWN_VALUES = 1000, 50, 50, 30, 100
FAMILIES = "families"
_IN_FAMILIES: Clause = {FAMILIES: {"reverse_nested": {}}}


def aggregations(filters: ListingFilters) -> Clause:
    """All facets of a search, and the average rating."""
    found = {
        "categories": _of(filters, "category", {"by": {"terms": _categories(filters.category)}}),
        "brands": _of(filters, "brand", {"by": {"terms": {"field": "brand", "size": BRANDS}}, **_chosen(filters)}),
        "ratings": _of(filters, "rating", {"by": {"range": {"field": "rating", "ranges": _rating_ranges()}}}),
        "price_ranges": _of(filters, "price", _among_variants(filters, "price", {"by": _price_ranges()})),
        "in_stock": {
            "filter": {"bool": {"filter": [*of_documents(filters).values(), _available(filters)]}},
        },
        "average_rating": {
            "filter": {"bool": {"filter": [*only(filters), {"range": {"review_count": {"gt": 0}}}]}},
            "aggs": {"rating": {"avg": {"field": "rating"}}},
        },
        "attributes": _of(filters, "", _among_variants(filters, "", _attributes(filters))),
    }
    for code, _values in filters.attributes:
        name = f"attr.{code}"
        found[name] = _of(filters, name, _among_variants(filters, name, _values_of(code)))
    return found


def counts_of(told: Mapping[str, Any], filters: ListingFilters) -> Counts:
    """What Elasticsearch answered to `aggregations`; nothing where it was not asked."""
    if not told:
        return Counts()
    attributes = {
        bucket["key"]: _families(bucket["by"])
        for bucket in told["attributes"]["variants"]["fit"]["all"]["by"]["buckets"]
    }
    for code, _values in filters.attributes:
        attributes[code] = _families(told[f"attr.{code}"]["variants"]["fit"]["all"]["one"]["by"])
    prices = told["price_ranges"]["variants"]["fit"]["by"]["buckets"]
    ratings = {bucket["key"]: bucket["doc_count"] for bucket in told["ratings"]["by"]["buckets"]}
    brands = [*told["brands"]["by"]["buckets"], *told["brands"].get("chosen", {}).get("buckets", ())]
    return Counts(
        categories={bucket["key"]: bucket["doc_count"] for bucket in told["categories"]["by"]["buckets"]},
        brands={bucket["key"]: bucket["doc_count"] for bucket in brands},
        price_ranges=tuple(bucket[FAMILIES]["doc_count"] for bucket in prices),
        ratings=tuple(ratings[str(step)] for step in RATING_STEPS),
        in_stock=told["in_stock"]["doc_count"],
        attributes={code: values for code, values in attributes.items() if values},
    )


def _of(filters: ListingFilters, facet: str, inner: Clause) -> Clause:
    """``inner`` over what all filters leave but the facet's own."""
    return {"filter": {"bool": {"filter": only(filters, without=(facet,))}}, "aggs": inner}


def _among_variants(filters: ListingFilters, facet: str, inner: Clause) -> Clause:
    fit = {"filter": fitting_variants(filters, without=(facet,)), "aggs": inner}
    return {"variants": {"nested": {"path": VARIANTS}, "aggs": {"fit": fit}}}


def _categories(chosen: str) -> Clause:
    """Those that are shown: at the root, and right below each category on the way to the one chosen."""
    way = [part for part in chosen.split("/") if part]
    levels = ["/".join([*(re.escape(part) for part in way[:depth]), "[^/]+"]) for depth in range(len(way) + 1)]
    return {"field": "category_path", "size": CATEGORIES, "include": "|".join(levels)}


def _chosen(filters: ListingFilters) -> Clause:
    """The brands chosen, however rare."""
    wanted = {"field": "brand", "include": list(filters.brands), "size": max(1, len(filters.brands))}
    return {"chosen": {"terms": wanted}} if filters.brands else {}


def _rating_ranges() -> list[Clause]:
    return [{"key": str(step), "from": step} for step in RATING_STEPS]


def _price_ranges() -> Clause:
    bounds = pairwise(PRICE_STEPS)
    ranges = [
        {
            "key": str(place),
            **({} if low is None else {"from": float(low)}),
            **({} if high is None else {"to": float(high)}),
        }
        for place, (low, high) in enumerate(bounds)
    ]
    return {"range": {"field": "variants.price", "ranges": ranges}, "aggs": _IN_FAMILIES}


def _available(filters: ListingFilters) -> Clause:
    fitting = fitting_variants(filters, without=("in_stock",))
    available = [*fitting["bool"]["filter"], {"term": {"variants.in_stock": True}}]
    return {"nested": {"path": VARIANTS, "query": {"bool": {"filter": available}}}}


def _attributes(filters: ListingFilters) -> Clause:
    names: Clause = {"field": "variants.attributes.name", "size": NAMES}
    if filters.attributes:
        names["exclude"] = [code for code, _values in filters.attributes]
    return {"all": {"nested": {"path": ATTRIBUTES}, "aggs": {"by": {"terms": names, "aggs": {"by": _values(VALUES)}}}}}


def _values_of(code: str) -> Clause:
    one = {"filter": {"term": {"variants.attributes.name": code}}, "aggs": {"by": _values(OWN_VALUES)}}
    return {"all": {"nested": {"path": ATTRIBUTES}, "aggs": {"one": one}}}


def _values(most: int) -> Clause:
    most_families_first = [{FAMILIES: "desc"}, {"_key": "asc"}]
    terms = {"field": "variants.attributes.value", "size": most, "order": most_families_first}
    return {"terms": terms, "aggs": _IN_FAMILIES}


def _families(values: Mapping[str, Any]) -> dict[str, int]:
    return {bucket["key"]: bucket[FAMILIES]["doc_count"] for bucket in values["buckets"]}
