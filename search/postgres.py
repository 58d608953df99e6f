"""The engine that searches in PostgreSQL: the only one where there is no Elasticsearch, the other one when that is down."""

import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections, transaction
from psycopg_pool import PoolTimeout, TooManyRequests

from search import sql, sql_counts
from search.conditions import Statement
from search.errors import EngineFailed
from search.sql_suggest import SUGGEST, begins_with
from search.types import EXACT_TO, PRICE_STEPS, RATING_STEPS, Counts, Found, Hit, SearchRequest

# For the statements of a search alone. Their plans are made for what they are: short, over tables that are in memory. Compiling
# them takes longer than running them.
_PLANNING = {"jit": "off", "work_mem": "16MB", "random_page_cost": "1.1"}


class PostgresEngine:
    """The hits and the counts, in two messages."""

    name = "postgres"

    def search(self, request: SearchRequest, *, seconds: float) -> Found:
        """See `search.types.Engine`. Raises EngineFailed."""
        end = time.monotonic() + seconds
        with _connected() as cursor:
            rows = _read(cursor, sql.hits(request), end, _PLANNING)
            told = _by_facet(_read(cursor, sql_counts.counts(request), end))
        return _found(rows, told, request)

    def suggest(self, words: tuple[str, ...], *, size: int, seconds: float) -> tuple[Hit, ...]:
        """See `search.types.Engine`. Raises EngineFailed."""
        asked = Statement(SUGGEST, {"begins": begins_with(words), "size": size})
        with _connected() as cursor:
            rows = _read(cursor, asked, time.monotonic() + seconds, _PLANNING)
        return tuple(Hit(family_id=row[0], product_id=row[1]) for row in rows)


def _read(cursor: Any, asked: Statement, end: float, settled: Mapping[str, str] = {}) -> list[Any]:
    """The rows, or a failure when it is ``end``. In one message: what is set holds for the next statement of a message too."""
    settled = {"statement_timeout": str(max(1, int((end - time.monotonic()) * 1000))), **settled}
    settle = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in settled.items())
    cursor.execute(f"SELECT {settle}; {asked.text}", asked.parameters)
    cursor.nextset()
    rows: list[Any] = cursor.fetchall()
    return rows


@contextmanager
def _connected() -> Iterator[Any]:
    """A cursor in a transaction; whatever the database says against it is a failure of the engine."""
    database = settings.SEARCH_DATABASE
    try:
        with transaction.atomic(using=database), connections[database].cursor() as cursor:
            yield cursor
    except (DatabaseError, InterfaceError, PoolTimeout, TooManyRequests) as problem:
        raise EngineFailed(f"PostgreSQL did not answer the search: {problem}") from problem
    finally:
        if not connections[database].in_atomic_block:
            connections[database].close()  # back to its pool, for the next search


def _by_facet(rows: list[tuple[str, str, Any]]) -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = defaultdict(dict)
    for facet, value, number in rows:
        told[facet][value] = number if facet == "average" else int(number)
    return told


def _found(rows: list[tuple[Any, ...]], told: Mapping[str, Mapping[str, Any]], request: SearchRequest) -> Found:
    total = told["families"]["0"]
    average = told["average"][""]
    return Found(
        hits=tuple(Hit(family_id=row[0], product_id=row[1]) for row in rows),
        total=min(total, EXACT_TO),
        total_is_exact=total <= EXACT_TO,
        counts=_counts(told) if request.with_facets else Counts(),
        average_rating=None if average is None else round(Decimal(average), 2),
        after=_after(rows, request),
    )


def _counts(told: Mapping[str, Mapping[str, int]]) -> Counts:
    attributes: dict[str, dict[str, int]] = {}
    for token, number in told["attribute"].items():
        code, _, value = token.partition("=")
        attributes.setdefault(code, {})[value] = number
    return Counts(
        categories=told["category"],
        brands=told["brand"],
        price_ranges=tuple(told["price"].get(str(place), 0) for place in range(len(PRICE_STEPS) - 1)),
        ratings=tuple(told["rating"][str(step)] for step in RATING_STEPS),
        in_stock=told["in_stock"].get("", 0),
        attributes=attributes,
        approximate=max(told["families"].values()) > sql_counts.COUNTED,
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
