"""The statement that finds families in PostgreSQL, in the order asked for."""
# ruff: noqa: S608 - made of the constants of this module

from dataclasses import dataclass
from typing import Any

from catalog.types import SortOrder
from search.conditions import ASKED, NAMED, PINNED, Conditions, Statement, conditions
from search.policies import CODE_SCORE, IN_STOCK_BOOST, PLACE_SCORE, POPULARITY_BOOST
from search.ranking import ranking
from search.types import SearchRequest

# So many that have the words are put in order by how well they fit, those first that are shown first without words; what comes
# behind them keeps that order. So a word that half of the shop has costs no more than another.
RANKED = 1000
_NAMED_AT_MOST = 20


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
_FAMILY = _Key("d.family_id", "bigint")
_POPULAR = _Key("d.popularity", "float8")
_SHOWN = [_Key("d.in_stock", "boolean"), _POPULAR, _FAMILY]
_BY_SCORE = [_Key("d.score", "float8"), _POPULAR, _FAMILY]


def hits(request: SearchRequest) -> Statement:
    """The families asked for: each with the variant that fits best, where the ranked ones end, and what it was sorted by."""
    return _ranked(request) if _is_ranked(request) else _sorted(request)


def is_rest(request: SearchRequest) -> bool:
    """Whether what is asked for lies behind the families that are put in order by how well they fit."""
    return _wants_score(request) and not _is_ranked(request)


def _wants_score(request: SearchRequest) -> bool:
    return bool(request.words) and request.filters.sort not in _orders()


def _is_ranked(request: SearchRequest) -> bool:
    after = request.after or {}
    if not _wants_score(request) or int(after.get("seen", request.offset)) >= RANKED:
        return False
    return _values(request) is None or not (after["rest"] or after["values"] is None)


def _values(request: SearchRequest) -> list[Any] | None:
    """What the last family of a walk in PostgreSQL was sorted by; None where none is gone on with."""
    after = request.after or {}
    if after.get("engine") != "postgres":
        return None
    if _wants_score(request) and not after["rest"] and (after["values"] is None or after["seen"] >= RANKED):
        return list(after["edge"] or [])
    return list(after["values"])


def _sorted(request: SearchRequest) -> Statement:
    """Along the index of the order."""
    found, keys = conditions(request), _keys(request)
    by_price = request.filters.sort in _PRICES
    where = [found.base, _by_price(found, keys[0]) if by_price else found.filtered()]
    parameters = {**found.parameters, **_place(request, keys, where)}
    order = _order(keys)
    return Statement(
        f"""
        SELECT f.family_id, shown.product_id, NULL, {_told(keys)}
        FROM (
            SELECT d.family_id, {", ".join(f"{key.expression} AS key_{place}" for place, key in enumerate(keys))}
            FROM search_searchdocument d{", search_searchvariant v" if by_price else ""} WHERE {" AND ".join(where)}
            ORDER BY {order} LIMIT %(size)s OFFSET %(offset)s
        ) f CROSS JOIN LATERAL ({_shown_variant(found)}) shown
        ORDER BY {order}
        """,
        parameters,
    )


def _ranked(request: SearchRequest) -> Statement:
    """RANKED families at most, by how well they fit; what has the query for a code first."""
    found, score, where = conditions(request), ranking(request.meant), ["true"]
    parameters = {**found.parameters, **score.parameters, **_place(request, _BY_SCORE, where)}
    filtered, order = found.filtered(), _order(_BY_SCORE)
    ahead, edge = "true", (request.after or {}).get("edge")
    if (
        edge and _values(request) is not None
    ):  # the same families as on the pages before, whatever has come to them since
        ahead = (
            f"({_row(_SHOWN)}) >= ({', '.join(f'%(edge_{place})s::{key.type}' for place, key in enumerate(_SHOWN))})"
        )
        parameters |= {f"edge_{place}": value for place, value in enumerate(edge)}
    first = (
        f"(CASE WHEN {PINNED} THEN {2 * CODE_SCORE} - {PLACE_SCORE} * array_position(%(pinned)s::bigint[], d.family_id)"
    )
    parameters["buried"] = list(request.buried)
    columns = "d.family_id, d.words, d.lengths, d.categories, d.in_stock, d.popularity"
    return Statement(
        f"""
        WITH fitting AS MATERIALIZED (
            SELECT {columns}, 0 AS named FROM search_searchdocument d
            WHERE d.is_live AND d.words @@ {ASKED} AND {filtered} AND {ahead}
            ORDER BY {", ".join(f"{key.expression} DESC" for key in _SHOWN)} LIMIT {RANKED}
        ), named AS MATERIALIZED (
            SELECT {columns}, {first} ELSE {CODE_SCORE} END) AS named FROM search_searchdocument d
            WHERE d.is_live AND ({NAMED} OR {PINNED}) AND {filtered} LIMIT {_NAMED_AT_MOST + len(request.pinned)}
        ), scored AS (
            SELECT d.family_id, d.popularity, d.named
                - CASE WHEN d.family_id = ANY(%(buried)s::bigint[]) THEN {CODE_SCORE} ELSE 0 END + {score.score}
                * (1 + {IN_STOCK_BOOST} * d.in_stock::int + {POPULARITY_BOOST} * d.popularity) AS score
            FROM (
                SELECT * FROM named
                UNION ALL SELECT * FROM fitting f WHERE f.family_id NOT IN (SELECT family_id FROM named)
            ) d {score.joins}
        ), last AS (
            SELECT ARRAY[in_stock::text, popularity::text, family_id::text] AS edge FROM fitting
            WHERE (SELECT count(*) FROM fitting) = {RANKED} ORDER BY in_stock, popularity, family_id LIMIT 1
        )
        SELECT f.family_id, shown.product_id, (SELECT edge FROM last), {_told(_BY_SCORE)}
        FROM (
            SELECT d.family_id, {", ".join(f"{key.expression} AS key_{place}" for place, key in enumerate(_BY_SCORE))}
            FROM scored d WHERE {" AND ".join(where)} ORDER BY {order} LIMIT %(size)s OFFSET %(offset)s
        ) f CROSS JOIN LATERAL ({_shown_variant(found)}) shown
        ORDER BY {order}
        """,
        parameters,
    )


def _place(request: SearchRequest, keys: list[_Key], where: list[str]) -> dict[str, Any]:
    """Where to begin, as parameters: behind the last family of a walk, for which a condition is added, or so many families on."""
    values = _values(request)
    if values is None:
        after = request.after or {}
        return {"size": request.size, "offset": int(after.get("seen", request.offset))}
    where.append(_behind(keys))
    return {"size": request.size, "offset": 0} | {f"after_{place}": value for place, value in enumerate(values)}


def _shown_variant(found: Conditions) -> str:
    return f"""
        SELECT v.product_id FROM search_searchvariant v WHERE v.document_id = f.family_id AND {found.fitting("v")}
        ORDER BY v.in_stock DESC, v.position, v.product_id LIMIT 1
    """


def _by_price(found: Conditions, price: _Key) -> str:
    """Families joined to the one variant ``v`` whose price they are sorted by: of those that fit, no other comes before it."""
    sign = ">" if price.descending else "<"
    return f"""
        v.document_id = d.family_id AND {found.filtered(of_variants=False)} AND {found.fitting("v")} AND NOT EXISTS (
            SELECT FROM search_searchvariant o WHERE o.document_id = v.document_id AND {found.fitting("o")}
                AND (o.price, o.product_id) {sign} (v.price, v.product_id)
        )
    """


def _orders() -> dict[str, list[_Key]]:
    """All orders but that of relevance. Each has an index."""
    return {
        **{sort: [price] for sort, price in _PRICES.items()},
        SortOrder.RATING: [_Key("d.rating", "numeric"), _Key("d.review_count", "int")],
        SortOrder.NEWEST: [_Key("coalesce(d.released_at, '-infinity'::timestamptz)", "timestamptz")],
        SortOrder.BEST_SELLING: [_Key("d.units_sold", "int"), _POPULAR],
    }


def _keys(request: SearchRequest) -> list[_Key]:
    """What is sorted by; it ends at the family's id, so that the order is whole."""
    orders = _orders()
    if request.filters.sort not in orders:
        return _SHOWN
    # By the columns that one index has: an index can not begin at a price of one table and a family of another.
    family = _Key("v.document_id", "bigint") if request.filters.sort in _PRICES else _FAMILY
    return [*orders[request.filters.sort], family]


def _order(keys: list[_Key]) -> str:
    return ", ".join(f"key_{place} {'DESC' if key.descending else 'ASC'}" for place, key in enumerate(keys))


def _told(keys: list[_Key]) -> str:
    return ", ".join(f"key_{place}::text AS value_{place}" for place in range(len(keys)))


def _row(keys: list[_Key]) -> str:
    return ", ".join(key.expression for key in keys)


def _behind(keys: list[_Key]) -> str:
    """That a family comes after the one whose values are the parameters ``after_N``, said so that an index can begin there."""
    values = [f"%(after_{place})s::{key.type}" for place, key in enumerate(keys)]
    if all(key.descending for key in keys):
        return f"({_row(keys)}) < ({', '.join(values)})"
    price, family = (key.expression for key in keys)
    return f"{price} >= {values[0]} AND ({price} > {values[0]} OR {family} < {values[1]})"
