"""The statements of the PostgreSQL engine. Everything a shopper typed is a parameter, never a part of the text."""
# ruff: noqa: S608 - the statements are made of the constants of this module

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from catalog.types import ListingFilters, SortOrder
from search.policies import (
    DESCRIPTION_BOOST,
    DETAILS_BOOST,
    IN_STOCK_BOOST,
    NAMES_BOOST,
    POPULARITY_BOOST,
    TITLE_BOOST,
)
from search.types import EXACT_TO, PRICE_STEPS, RATING_STEPS, SearchRequest

# So many families of a view are counted; of more, those that are shown first stand for all.
COUNTED = EXACT_TO
_WEIGHTS = [weight / TITLE_BOOST for weight in (DESCRIPTION_BOOST, DETAILS_BOOST, NAMES_BOOST, TITLE_BOOST)]
_ASKED = "plainto_tsquery('english', %(words)s)"
_SCORE = f"""(
    CASE WHEN d.codes @> ARRAY[%(code)s]::varchar[] THEN 1000000 ELSE 0 END
    + ts_rank(%(weights)s::real[], d.words, {_ASKED})::float8
        * (1 + {IN_STOCK_BOOST} * d.in_stock::int + {POPULARITY_BOOST} * d.popularity)
)"""
MATCHES = f"(d.words @@ {_ASKED} OR d.codes @> ARRAY[%(code)s]::varchar[])"
_STEPS = [int(step) for step in PRICE_STEPS if step is not None]
_BUCKET = f"width_bucket(v.price, ARRAY{_STEPS}::numeric[])::text"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its parameters."""

    text: str
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Key:
    """What is sorted by: an expression over document ``d`` and its variants ``v``, its type, and which end comes first."""

    expression: str
    type: str
    descending: bool = True


_PRICES = {
    SortOrder.PRICE_ASC: _Key("v.price", "numeric", descending=False),
    SortOrder.PRICE_DESC: _Key("v.price", "numeric"),
}


@dataclass(slots=True)
class _Conditions:
    """Conditions by what they narrow, over documents ``d`` and over variants, with their parameters."""

    base: str
    documents: dict[str, str] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)

    def filtered(self, *, without: Collection[str] = (), of_variants: bool = True) -> str:
        """That a family fits all filters, and one of its variants all those on variants."""
        where = ["true", *_left(self.documents, without)]
        if of_variants and _left(self.variants, without):
            fits = self.fitting("v", without=without)
            where.append(f"EXISTS (SELECT FROM search_searchvariant v WHERE v.document_id = d.family_id AND {fits})")
        return " AND ".join(where)

    def fitting(self, variant: str, *, without: Collection[str] = ()) -> str:
        """That the variant of this name fits."""
        return " AND ".join(f"({text.format(v=variant)})" for text in _left(self.variants, without)) or "true"


def hits(request: SearchRequest) -> Statement:
    """The families asked for, each with the variant that fits best, and the values they were sorted by as text."""
    found = _conditions(request)
    keys = _keys(request)
    after = request.after or {}
    parameters = {**found.parameters, "size": request.size, "offset": int(after.get("seen", request.offset))}
    where = [found.base, _by_price(found, keys[0]) if request.filters.sort in _PRICES else found.filtered()]
    if after.get("engine") == "postgres":
        where.append(_behind(keys))
        parameters |= {f"after_{place}": value for place, value in enumerate(after["values"])} | {"offset": 0}
    variants = ", search_searchvariant v" if request.filters.sort in _PRICES else ""
    order = ", ".join(f"key_{place} {'DESC' if key.descending else 'ASC'}" for place, key in enumerate(keys))
    return Statement(
        f"""
        SELECT f.family_id, shown.product_id, {", ".join(f"key_{place}::text AS value_{place}" for place in range(len(keys)))}
        FROM (
            SELECT d.family_id, {", ".join(f"{key.expression} AS key_{place}" for place, key in enumerate(keys))}
            FROM search_searchdocument d{variants} WHERE {" AND ".join(where)}
            ORDER BY {order} LIMIT %(size)s OFFSET %(offset)s
        ) f CROSS JOIN LATERAL (
            SELECT v.product_id FROM search_searchvariant v WHERE v.document_id = f.family_id AND {found.fitting("v")}
            ORDER BY v.in_stock DESC, v.position, v.product_id LIMIT 1
        ) shown
        ORDER BY {order}
        """,
        parameters,
    )


def counts(request: SearchRequest) -> Statement:
    """Rows of view, facet, value and number: of all that is found, and each facet that is chosen from without its own filter."""
    found = _conditions(request)
    chosen = [*found.documents, *found.variants] if request.with_facets else []
    views = {"": 0, **{name: place for place, name in enumerate(chosen, 1)}}
    arms = [
        *(f"SELECT 'families', '{place}', count(*)::numeric FROM view_{place}" for place in views.values()),
        "SELECT 'average', '', avg(rating) FROM view_0 WHERE review_count > 0",
    ]
    if request.with_facets:
        arms += [*_of_documents(views), *_of_variants(views, request.filters)]
        found.parameters |= {"chosen": [code for code, _values in request.filters.attributes]}
        found.parameters |= {f"code_{place}": code for place, (code, _) in enumerate(request.filters.attributes)}
    # What is found by words is looked up once for all views; without words each walks along the index of what is shown first.
    once = "" if request.words else "NOT"
    return Statement(
        f"""
        WITH found AS {once} MATERIALIZED (
            SELECT d.family_id, d.brand, d.categories, d.rating, d.review_count, d.in_stock, d.popularity
            FROM search_searchdocument d WHERE {found.base}
        ), {", ".join(_view(found, name, place) for name, place in views.items())}
        {" UNION ALL ".join(arms)}
        """,
        found.parameters,
    )


def _view(found: _Conditions, name: str, place: int) -> str:
    """The families that all filters but this one leave, COUNTED and one more at most, and those of their variants that fit."""
    return f"""
        view_{place} AS MATERIALIZED (
            SELECT d.family_id, d.brand, d.categories, d.rating, d.review_count
            FROM found d WHERE {found.filtered(without=(name,))}
            ORDER BY d.in_stock DESC, d.popularity DESC, d.family_id DESC LIMIT {COUNTED + 1}
        ), variants_{place} AS (
            SELECT v.document_id, v.price, v.in_stock, v.attributes
            FROM view_{place} d JOIN search_searchvariant v ON v.document_id = d.family_id
            WHERE {found.fitting("v", without=(name,))}
        )
    """


def _of_documents(views: dict[str, int]) -> list[str]:
    brand, category, rating = (f"view_{views.get(name, 0)} d" for name in ("brand", "category", "rating"))
    return [
        f"SELECT 'brand', d.brand, count(*) FROM {brand} GROUP BY 2",
        f"SELECT 'category', c, count(*) FROM {category}, unnest(d.categories) c GROUP BY 2",
        *(f"SELECT 'rating', '{step}', count(*) FROM {rating} WHERE d.rating >= {step}" for step in RATING_STEPS),
    ]


def _of_variants(views: dict[str, int], filters: ListingFilters) -> list[str]:
    """Each pair of family and value once: first made different, then counted, which is far less work than count(DISTINCT)."""

    def counted(facet: str, name: str, value: str, where: str = "true") -> str:
        variants = f"variants_{views.get(name, 0)} v"
        return f"""
            SELECT '{facet}', value, count(*) FROM (
                SELECT DISTINCT v.document_id, {value} AS value FROM {variants} WHERE {where}
            ) g GROUP BY 2
        """

    tokens = "SELECT DISTINCT v.document_id, token AS value FROM variants_{place} v, unnest(v.attributes) token WHERE {where}"
    own = [
        tokens.format(place=views[f"attr.{code}"], where=f"split_part(token, '=', 1) = %(code_{place})s")
        for place, (code, _values) in enumerate(filters.attributes)
    ]
    others = tokens.format(place=0, where="split_part(token, '=', 1) <> ALL(%(chosen)s::text[])" if own else "true")
    return [
        counted("price", "price", _BUCKET),
        counted("in_stock", "in_stock", "''", "v.in_stock"),
        *(f"SELECT 'attribute', value, count(*) FROM ({one}) g GROUP BY 2" for one in [others, *own]),
    ]


def _by_price(found: _Conditions, price: _Key) -> str:
    """Families joined to the one variant ``v`` whose price they are sorted by: of those that fit, no other comes before it."""
    sign = ">" if price.descending else "<"
    return f"""
        v.document_id = d.family_id AND {found.filtered(of_variants=False)} AND {found.fitting("v")} AND NOT EXISTS (
            SELECT FROM search_searchvariant o WHERE o.document_id = v.document_id AND {found.fitting("o")}
                AND (o.price, o.product_id) {sign} (v.price, v.product_id)
        )
    """


def _base(request: SearchRequest) -> str:
    """What is found before any filter."""
    if request.words:
        return f"d.is_live AND {MATCHES}"
    return "false" if request.code else "d.is_live"


def _conditions(request: SearchRequest) -> _Conditions:
    filters = request.filters
    found = _Conditions(
        _base(request), parameters={"words": " ".join(request.words), "code": request.code, "weights": _WEIGHTS}
    )
    if filters.category:
        found.documents["category"] = "d.categories @> ARRAY[%(category)s]::varchar[]"
        found.parameters["category"] = filters.category
    if filters.brands:
        found.documents["brand"] = "d.brand = ANY(%(brands)s::varchar[])"
        found.parameters["brands"] = list(filters.brands)
    if filters.rating is not None:
        found.documents["rating"] = "d.rating >= %(rating)s"
        found.parameters["rating"] = filters.rating
    bounds = [("price_min", ">=", filters.price_min), ("price_max", "<=", filters.price_max)]
    prices = [f"{{v}}.price {sign} %({name})s" for name, sign, amount in bounds if amount is not None]
    if prices:
        found.variants["price"] = " AND ".join(prices)
        found.parameters |= {name: amount for name, _sign, amount in bounds if amount is not None}
    if filters.in_stock:
        found.variants["in_stock"] = "{v}.in_stock"
    for place, (code, values) in enumerate(filters.attributes):
        found.variants[f"attr.{code}"] = f"{{v}}.attributes && %(attribute_{place})s::text[]"
        found.parameters[f"attribute_{place}"] = [f"{code}={value}" for value in values]
    return found


def _keys(request: SearchRequest) -> list[_Key]:
    """What is sorted by; it ends at the family's id, so that the order is whole. Each order has an index."""
    popular = _Key("d.popularity", "float8")
    orders: dict[str, list[_Key]] = {
        **{sort: [price] for sort, price in _PRICES.items()},
        SortOrder.RATING: [_Key("d.rating", "numeric"), _Key("d.review_count", "int")],
        SortOrder.NEWEST: [_Key("coalesce(d.released_at, '-infinity'::timestamptz)", "timestamptz")],
        SortOrder.BEST_SELLING: [_Key("d.units_sold", "int"), popular],
    }
    by_relevance = [_Key(_SCORE, "float8"), popular] if request.words else [_Key("d.in_stock", "boolean"), popular]
    # By the columns that one index has: an index can not begin at a price of one table and a family of another.
    family = "v.document_id" if request.filters.sort in _PRICES else "d.family_id"
    return [*orders.get(request.filters.sort, by_relevance), _Key(family, "bigint")]


def _behind(keys: list[_Key]) -> str:
    """That a family comes after the one whose values are the parameters ``after_N``, said so that an index can begin there."""
    values = [f"%(after_{place})s::{key.type}" for place, key in enumerate(keys)]
    if all(key.descending for key in keys):
        return f"({', '.join(key.expression for key in keys)}) < ({', '.join(values)})"
    price, family = (key.expression for key in keys)
    return f"{price} >= {values[0]} AND ({price} > {values[0]} OR {family} < {values[1]})"


def _left(conditions: dict[str, str], without: Collection[str]) -> list[str]:
    return [condition for name, condition in conditions.items() if name not in without]
