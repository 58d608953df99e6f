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

# So many documents are looked at for facets; of more, the first by popularity stand for all.
COUNTED = 20_000
_WEIGHTS = [weight / TITLE_BOOST for weight in (DESCRIPTION_BOOST, DETAILS_BOOST, NAMES_BOOST, TITLE_BOOST)]
_ASKED = "plainto_tsquery('english', %(words)s)"
_SCORE = f"""(
    CASE WHEN d.codes @> ARRAY[%(code)s]::varchar[] THEN 1000000 ELSE 0 END
    + ts_rank(%(weights)s::real[], d.words, {_ASKED})::float8
        * (1 + {IN_STOCK_BOOST} * d.in_stock::int + {POPULARITY_BOOST} * d.popularity)
)"""
MATCHES = f"(d.words @@ {_ASKED} OR d.codes @> ARRAY[%(code)s]::varchar[])"
_STEPS = [step for step in PRICE_STEPS if step is not None]


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


@dataclass(slots=True)
class _Conditions:
    """Conditions by what they narrow, over documents ``d`` and over variants ``v``, with their parameters."""

    documents: dict[str, str] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)

    def of_documents(self, *, without: Collection[str] = ()) -> str:
        """All of them in one."""
        return _all(self.documents, without)

    def of_variants(self, *, without: Collection[str] = ()) -> str:
        """All of them in one."""
        return _all(self.variants, without)


def hits(request: SearchRequest) -> Statement:
    """The families asked for, each with the variant that fits best, and the values they were sorted by as text."""
    found = _conditions(request)
    keys = _keys(request)
    order = ", ".join(f"{key.expression} {'DESC' if key.descending else 'ASC'}" for key in keys)
    values = ", ".join(f"({key.expression})::text" for key in keys)
    after = request.after or {}
    where = [_base(request), found.of_documents()]
    parameters = {**found.parameters, "size": request.size, "offset": int(after.get("seen", request.offset))}
    if after.get("engine") == "postgres":
        where.append(_behind(keys))
        parameters |= {f"after_{place}": value for place, value in enumerate(after["values"])} | {"offset": 0}
    return Statement(
        f"""
        SELECT d.family_id, v.product_id, {values}
        FROM search_searchdocument d CROSS JOIN LATERAL (
            SELECT (array_agg(v.product_id ORDER BY v.in_stock DESC, v.position, v.product_id))[1] AS product_id,
                min(v.price) AS least, max(v.price) AS most
            FROM search_searchvariant v WHERE v.document_id = d.family_id AND {found.of_variants()}
            HAVING count(*) > 0
        ) v
        WHERE {" AND ".join(where)}
        ORDER BY {order} LIMIT %(size)s OFFSET %(offset)s
        """,
        parameters,
    )


def total(request: SearchRequest) -> Statement:
    """How many families all filters leave, counted to EXACT_TO and one more."""
    found = _conditions(request)
    return Statement(
        f"""
        SELECT count(*) FROM (
            SELECT 1 FROM search_searchdocument d WHERE {_base(request)} AND {found.of_documents()}
                AND EXISTS (SELECT FROM search_searchvariant v WHERE v.document_id = d.family_id AND {found.of_variants()})
            LIMIT {EXACT_TO + 1}
        ) counted
        """,
        found.parameters,
    )


def counts(request: SearchRequest) -> Statement:
    """Rows of facet, value and number: each facet without its own filter, all from one reading of what was found."""
    found = _conditions(request)
    arms = [
        "SELECT 'base', '', count(*)::numeric FROM base",
        f"SELECT 'total', '', count(*) FROM base d WHERE {found.of_documents()} AND {_fitting(found)}",
        f"""SELECT 'average', '', avg(d.rating) FROM base d
            WHERE d.review_count > 0 AND {found.of_documents()} AND {_fitting(found)}""",
        *(_of_documents(found) if request.with_facets else ()),
        *(_of_variants(found, request.filters) if request.with_facets else ()),
    ]
    if not request.with_facets:
        arms.append("SELECT 'in_stock', '', 0::numeric")
    return Statement(
        f"""
        WITH base AS MATERIALIZED (
            SELECT d.family_id, d.brand, d.categories, d.rating, d.review_count
            FROM search_searchdocument d WHERE {_base(request)}
            ORDER BY d.in_stock DESC, d.popularity DESC, d.family_id DESC LIMIT {COUNTED + 1}
        ), variants AS MATERIALIZED (
            SELECT v.document_id, v.price, v.in_stock, v.attributes
            FROM search_searchvariant v JOIN base d ON d.family_id = v.document_id
        ), fitting AS MATERIALIZED (
            SELECT DISTINCT v.document_id FROM variants v WHERE {found.of_variants()}
        )
        {" UNION ALL ".join(arms)}
        """,
        found.parameters,
    )


def _of_documents(found: _Conditions) -> list[str]:
    def counted(facet: str, value: str, more: str = "") -> str:
        where = f"{found.of_documents(without=(facet,))} AND {_fitting(found)}"
        return f"SELECT '{facet}', {value}, count(*) FROM base d{more} WHERE {where} GROUP BY 2"

    steps = f"unnest(ARRAY{list(RATING_STEPS)}) AS step"
    return [
        counted("brand", "d.brand"),
        counted("category", "c", ", unnest(d.categories) AS c"),
        counted("rating", "step::text", f" JOIN {steps} ON d.rating >= step"),
    ]


def _of_variants(found: _Conditions, filters: ListingFilters) -> list[str]:
    def counted(facet: str, name: str, value: str, more: str = "", and_: str = "true") -> str:
        where = f"{found.of_documents()} AND {found.of_variants(without=(name,))} AND {and_}"
        return f"""
            SELECT '{facet}', {value}, count(DISTINCT v.document_id)
            FROM variants v JOIN base d ON d.family_id = v.document_id{more} WHERE {where} GROUP BY 2
        """

    tokens = " CROSS JOIN unnest(v.attributes) AS token"
    found.parameters |= {"chosen": [code for code, _values in filters.attributes]}
    arms = [
        counted("price", "price", f"width_bucket(v.price, ARRAY{[int(step) for step in _STEPS]}::numeric[])::text"),
        f"""SELECT 'in_stock', '', count(DISTINCT v.document_id) FROM variants v JOIN base d ON d.family_id = v.document_id
            WHERE v.in_stock AND {found.of_documents()} AND {found.of_variants(without=("in_stock",))}""",
        counted("attribute", "", "token", tokens, "split_part(token, '=', 1) <> ALL(%(chosen)s::text[])"),
    ]
    for place, (code, _values) in enumerate(filters.attributes):
        found.parameters[f"code_{place}"] = code
        own = f"split_part(token, '=', 1) = %(code_{place})s"
        arms.append(counted("attribute", f"attr.{code}", "token", tokens, own))
    return arms


def _fitting(found: _Conditions) -> str:
    return "d.family_id IN (SELECT document_id FROM fitting)" if found.variants else "true"


def _base(request: SearchRequest) -> str:
    """What is found before any filter."""
    if request.words:
        return f"d.is_live AND {MATCHES}"
    return "false" if request.code else "d.is_live"


def _conditions(request: SearchRequest) -> _Conditions:
    filters = request.filters
    found = _Conditions(parameters={"words": " ".join(request.words), "code": request.code, "weights": _WEIGHTS})
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
    prices = [f"v.price {sign} %({name})s" for name, sign, amount in bounds if amount is not None]
    if prices:
        found.variants["price"] = " AND ".join(prices)
        found.parameters |= {name: amount for name, _sign, amount in bounds if amount is not None}
    if filters.in_stock:
        found.variants["in_stock"] = "v.in_stock"
    for place, (code, values) in enumerate(filters.attributes):
        found.variants[f"attr.{code}"] = f"v.attributes && %(attribute_{place})s::text[]"
        found.parameters[f"attribute_{place}"] = [f"{code}={value}" for value in values]
    return found


def _keys(request: SearchRequest) -> list[_Key]:
    """What is sorted by; it ends at the family's id, so that the order is whole."""
    popular = _Key("d.popularity", "float8")
    orders: dict[str, list[_Key]] = {
        SortOrder.PRICE_ASC: [_Key("v.least", "numeric", descending=False)],
        SortOrder.PRICE_DESC: [_Key("v.most", "numeric")],
        SortOrder.RATING: [_Key("d.rating", "numeric"), _Key("d.review_count", "int")],
        SortOrder.NEWEST: [_Key("coalesce(d.released_at, '-infinity')", "timestamptz")],
        SortOrder.BEST_SELLING: [_Key("d.units_sold", "int"), popular],
    }
    by_relevance = [_Key(_SCORE, "float8"), popular] if request.words else [_Key("d.in_stock", "boolean"), popular]
    return [*orders.get(request.filters.sort, by_relevance), _Key("d.family_id", "bigint")]


def _behind(keys: list[_Key]) -> str:
    """That a family comes after the one whose values are the parameters ``after_N``."""
    arms = []
    for place, key in enumerate(keys):
        same = [f"{one.expression} = %(after_{at})s::{one.type}" for at, one in enumerate(keys[:place])]
        sign = "<" if key.descending else ">"
        arms.append(" AND ".join([*same, f"{key.expression} {sign} %(after_{place})s::{key.type}"]))
    return "(" + " OR ".join(f"({arm})" for arm in arms) + ")"


def _all(conditions: dict[str, str], without: Collection[str]) -> str:
    return " AND ".join(condition for name, condition in conditions.items() if name not in without) or "true"
