"""What shoppers ask for, in Elasticsearch's words. What a shopper typed is a value here, never a part of the query's form."""

from collections.abc import Collection
from typing import Any

from catalog.types import ListingFilters, SortOrder
from search.elastic.relevance import about
from search.policies import CODE_SCORE, IN_STOCK_BOOST, PLACE_SCORE, POPULARITY_BOOST
from search.types import SearchRequest

Clause = dict[str, Any]
_BEGINNINGS = ("title.begins", "brand_name.begins", "product_type.begins")
VARIANTS, ATTRIBUTES = "variants", "variants.attributes"


def main_query(request: SearchRequest) -> Clause:
    """What is found before any filter: all that is live and has every word, or the code."""
    live: Clause = {"term": {"is_live": True}}
    if not request.words and not request.code:
        return {"bool": {"filter": [live]}}
    if not request.words:
        return {"match_none": {}}
    named: Clause = {"constant_score": {"filter": {"term": {"codes": request.code}}, "boost": CODE_SCORE}}
    fits = _liked(about(request.meant))
    if request.buried:
        last: Clause = {"terms": {"family_id": list(request.buried)}}
        fits = {"boosting": {"positive": fits, "negative": last, "negative_boost": 1 / CODE_SCORE}}
    first = [
        {
            "constant_score": {
                "filter": {"term": {"family_id": family_id}},
                "boost": 2 * CODE_SCORE - PLACE_SCORE * place,
            }
        }
        for place, family_id in enumerate(request.pinned, 1)
    ]
    return {"bool": {"filter": [live], "must": [{"bool": {"should": [fits, named, *first]}}]}}


def beginning_with(words: tuple[str, ...]) -> Clause:
    """What is live and has, in its names, words that begin like each of ``words``."""
    begun = [{"bool": {"should": [{"prefix": {field: word}} for field in _BEGINNINGS]}} for word in words]
    return {"bool": {"filter": [{"term": {"is_live": True}}, *begun]}}


def _liked(query: Clause) -> Clause:
    """The seed's function score, its functions added up and bounded: they order equals and lift nothing that fits badly."""
    return {
        "function_score": {
            "query": query,
            "functions": [
                {"weight": 1},
                {"filter": {"term": {"in_stock": True}}, "weight": IN_STOCK_BOOST},
                {
                    "field_value_factor": {"field": "popularity", "factor": 1, "missing": 0},
                    "weight": POPULARITY_BOOST,
                },
            ],
            "score_mode": "sum",
            "boost_mode": "multiply",
        }
    }


def of_documents(filters: ListingFilters) -> dict[str, Clause]:
    """The conditions on documents, by what they narrow."""
    found: dict[str, Clause] = {}
    if filters.category:
        found["category"] = {"term": {"category_path": filters.category}}
    if filters.brands:
        found["brand"] = {"terms": {"brand": list(filters.brands)}}
    if filters.rating is not None:
        found["rating"] = {"range": {"rating": {"gte": float(filters.rating)}}}
    return found


def of_variants(filters: ListingFilters) -> dict[str, Clause]:
    """The conditions that one variant has to fulfil together, by what they narrow."""
    found: dict[str, Clause] = {}
    prices = {"gte": filters.price_min, "lte": filters.price_max}
    bounds = {side: float(amount) for side, amount in prices.items() if amount is not None}
    if bounds:
        found["price"] = {"range": {"variants.price": bounds}}
    if filters.in_stock:
        found["in_stock"] = {"term": {"variants.in_stock": True}}
    for code, values in filters.attributes:
        having = [{"term": {"variants.attributes.name": code}}, {"terms": {"variants.attributes.value": list(values)}}]
        found[f"attr.{code}"] = {"nested": {"path": ATTRIBUTES, "query": {"bool": {"filter": having}}}}
    return found


def fitting_variants(filters: ListingFilters, *, without: Collection[str] = ()) -> Clause:
    """What a variant has to fulfil, seen from among the variants."""
    return {"bool": {"filter": [clause for name, clause in of_variants(filters).items() if name not in without]}}


def variants_that_fit(filters: ListingFilters, *, without: Collection[str] = ()) -> Clause:
    """That a family has such a variant."""
    return {"nested": {"path": VARIANTS, "query": fitting_variants(filters, without=without)}}


def only(filters: ListingFilters, *, without: Collection[str] = (), of_variants: bool = True) -> list[Clause]:
    """All conditions but those named in ``without``, and but those on variants where they are not asked for."""
    found = [clause for name, clause in of_documents(filters).items() if name not in without]
    # Looking at the variants of all families takes long: where nothing is asked of them, each family has one that fits.
    if of_variants and fitting_variants(filters, without=without)["bool"]["filter"]:
        found.append(variants_that_fit(filters, without=without))
    return found


def sorting(request: SearchRequest) -> list[Clause]:
    """The order asked for; ties end at the family's id, so that the order is whole."""
    cheapest = {"mode": "min", "order": "asc"}
    dearest = {"mode": "max", "order": "desc"}
    fitting = {"path": VARIANTS, "filter": fitting_variants(request.filters)}
    popular: list[Clause] = [{"popularity": "desc"}]
    orders: dict[str, list[Clause]] = {
        SortOrder.PRICE_ASC: [{"variants.price": {**cheapest, "nested": fitting}}],
        SortOrder.PRICE_DESC: [{"variants.price": {**dearest, "nested": fitting}}],
        SortOrder.RATING: [{"rating": "desc"}, {"review_count": "desc"}],
        SortOrder.NEWEST: [{"released_at": {"order": "desc", "missing": "_last"}}],
        SortOrder.BEST_SELLING: [{"units_sold": "desc"}, *popular],
    }
    by_relevance = [{"_score": "desc"}, *popular] if request.words else [{"in_stock": "desc"}, *popular]
    return [*orders.get(request.filters.sort, by_relevance), {"family_id": "desc"}]
