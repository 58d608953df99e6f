"""The engine that searches in PostgreSQL: the only one where there is no Elasticsearch, the other one when that is down."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

import msgspec
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connections
from psycopg_pool import PoolTimeout, TooManyRequests

from search import sql, sql_counts
from search.conditions import Statement
from search.errors import EngineFailed
from search.ranking import asked
from search.sampling import ONE_BY_ONE, Sampled, families_of, shares_of
from search.sql_suggest import SUGGEST, begins_with
from search.types import EXACT_TO, PRICE_STEPS, RATING_STEPS, Counts, Found, Hit, SearchRequest, Sizes

# What facets say of more families than that is as old as that.
KEPT_FROM, KEPT_SECONDS = 1000, 60
# For the statements of a search alone. Their plans are made for what they are: short, over tables that are in memory. Compiling
# them, or starting more processes for them, takes longer than running them.
_PLANNING = {"jit": "off", "work_mem": "16MB", "random_page_cost": "1.1", "max_parallel_workers_per_gather": "0"}


class PostgresEngine:
    """The hits and the counts, in two messages."""

    name = "postgres"

    def search(self, request: SearchRequest, *, seconds: float) -> Found:
        """See `search.types.Engine`. Raises EngineFailed."""
        end = time.monotonic() + seconds
        with _connected() as cursor:
            rows = _read(cursor, sql.hits(request), end)
            told = _told(cursor, request, end)
        return Found(
            hits=tuple(Hit(family_id=row[0], product_id=row[1]) for row in rows),
            total=min(told.total, EXACT_TO),
            total_is_exact=told.total <= EXACT_TO,
            counts=_counts(told) if request.with_facets else Counts(),
            average_rating=told.average,
            after=_after(rows, request),
        )

    def suggest(self, words: tuple[str, ...], *, size: int, seconds: float) -> tuple[Hit, ...]:
        """See `search.types.Engine`. Raises EngineFailed."""
        statement = Statement(SUGGEST, {"begins": begins_with(words), "size": size})
        with _connected() as cursor:
            rows = _read(cursor, statement, time.monotonic() + seconds)
        return tuple(Hit(family_id=row[0], product_id=row[1]) for row in rows)


def _read(cursor: Any, asked: Statement, end: float) -> list[Any]:
    """The rows, or a failure when it is ``end``. In one message, which is a transaction: what is set holds until its end only."""
    settled = {"statement_timeout": str(max(1, int((end - time.monotonic()) * 1000))), **_PLANNING}
    settle = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settled.items())
    cursor.execute(f"SELECT {settle}; {asked.text}", asked.parameters)
    cursor.nextset()
    rows: list[Any] = cursor.fetchall()
    return rows


@contextmanager
def _connected() -> Iterator[Any]:
    """A cursor; whatever the database says against it is a failure of the engine."""
    database = settings.SEARCH_DATABASE
    try:
        with connections[database].cursor() as cursor:
            yield cursor
    except (DatabaseError, InterfaceError, PoolTimeout, TooManyRequests) as problem:
        raise EngineFailed(f"PostgreSQL did not answer the search: {problem}") from problem
    finally:
        if not connections[database].in_atomic_block:
            connections[database].close()  # back to its pool, for the next search


@dataclass(frozen=True, slots=True)
class _Told:
    """What was counted: families of all that is found, and numbers by facet and value."""

    total: int
    is_part: bool
    average: Decimal | None
    facets: Mapping[str, Mapping[str, int]]


def _told(cursor: Any, request: SearchRequest, end: float) -> _Told:
    """The counts. What facets say of many is kept for a while: it is much work and asked for often. Totals are counted each time.

    Of very many a part is counted where that is enough to tell; where filters leave few of very many, all of those are.
    """
    is_kept = (families_of(request) or 0) > KEPT_FROM
    kept = _kept(request) if is_kept else None
    if kept is not None and kept.total > sql_counts.COUNTED:
        return kept
    if kept is not None and (total := _total(cursor, request, end)) > KEPT_FROM:
        return replace(kept, total=total)
    told = _counted(cursor, request, end)
    return _keep(request, told) if is_kept and told.total > KEPT_FROM else told


def _counted(cursor: Any, request: SearchRequest, end: float) -> _Told:
    shares = shares_of(request)
    told = _by_facet(_read(cursor, sql_counts.counts(request), end), is_part=bool(shares))
    if "" not in shares:
        return told
    if Sampled(told.total, shares[""]).is_surely_many:
        return replace(told, total=sql_counts.COUNTED + 1)
    total = _total(cursor, request, end)
    if total > ONE_BY_ONE or not request.with_facets:
        return replace(told, total=total)
    return _by_facet(_read(cursor, sql_counts.counts(request, sampled=False), end), is_part=False)


def _total(cursor: Any, request: SearchRequest, end: float) -> int:
    ((total,),) = _read(cursor, sql_counts.total(request), end)
    return int(total)


def _kept(request: SearchRequest) -> _Told | None:
    body: Any = cache.get(_key(request))
    try:
        return msgspec.json.decode(body, type=_Told) if body else None
    except msgspec.DecodeError:
        return None


def _keep(request: SearchRequest, told: _Told) -> _Told:
    cache.set(_key(request), msgspec.json.encode(told), KEPT_SECONDS)
    return told


def _key(request: SearchRequest) -> str:
    """By all that the counts depend on: of the plan, that is what is looked for."""
    told = replace(request, plan=None, sizes=Sizes(), offset=0, after=None, size=0, buried=())
    return f"search:part:{sha256(msgspec.json.encode([told, asked(request.meant)])).hexdigest()}"


def _by_facet(rows: list[tuple[str, str, Any]], *, is_part: bool) -> _Told:
    facets: dict[str, dict[str, Any]] = defaultdict(dict)
    for facet, value, number in rows:
        facets[facet][value] = number if facet == "average" else int(number)
    (average,), families = facets.pop("average").values(), facets.pop("families")
    return _Told(
        total=families["0"],
        is_part=is_part or max(families.values()) > sql_counts.COUNTED,
        average=None if average is None else round(Decimal(average), 2),
        facets=facets,
    )


def _counts(told: _Told) -> Counts:
    facets = {
        name: told.facets.get(name, {}) for name in ("category", "brand", "price", "rating", "in_stock", "attribute")
    }
    attributes: dict[str, dict[str, int]] = {}
    for token, number in facets["attribute"].items():
        code, _, value = token.partition("=")
        attributes.setdefault(code, {})[value] = number
    return Counts(
        categories=facets["category"],
        brands=facets["brand"],
        price_ranges=tuple(facets["price"].get(str(place), 0) for place in range(len(PRICE_STEPS) - 1)),
        ratings=tuple(facets["rating"][str(step)] for step in RATING_STEPS),
        in_stock=facets["in_stock"].get("", 0),
        attributes=attributes,
        approximate=told.is_part,
    )


def _after(rows: list[tuple[Any, ...]], request: SearchRequest) -> dict[str, Any] | None:
    """Where a walk goes on: behind the last row, or behind the ranked families where those have come to their end."""
    after = request.after or {}
    edge, rest = rows[-1][2] if rows else after.get("edge"), sql.is_rest(request)
    is_full = len(rows) == request.size
    if not is_full and (rest or not edge):
        return None
    return {
        "engine": PostgresEngine.name,
        "values": list(rows[-1][3:]) if is_full else None,
        "seen": int(after.get("seen", request.offset)) + len(rows),
        "edge": edge,
        "rest": rest,
    }
