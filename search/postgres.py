"""The engine that searches in PostgreSQL: the only one where there is no Elasticsearch, the other one when that is down."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connections, transaction
from psycopg_pool import PoolTimeout, TooManyRequests

from search import sql
from search.errors import EngineFailed
from search.types import EXACT_TO, PRICE_STEPS, RATING_STEPS, Counts, Found, Hit, SearchRequest


class PostgresEngine:
    """The hits and the counts, in two messages; a third one where there is very much to count."""

    name = "postgres"

    def search(self, request: SearchRequest, *, seconds: float) -> Found:
        """See `search.types.Engine`. Raises EngineFailed."""
        with _connected() as cursor:
            hits = sql.hits(request)
            # In one message: a statement_timeout holds from the next statement on, of the same message too.
            deadline = "SELECT set_config('statement_timeout', %(deadline)s, true)"
            parameters = {**hits.parameters, "deadline": str(max(1, int(seconds * 1000)))}
            cursor.execute(f"{deadline}; {hits.text}", parameters)
            cursor.nextset()
            rows = cursor.fetchall()
            counts = sql.counts(request)
            cursor.execute(counts.text, counts.parameters)
            told = _by_facet(cursor.fetchall())
            approximate = told["base"][""] > sql.COUNTED
            if approximate:
                total = sql.total(request)
                cursor.execute(total.text, total.parameters)
                told["total"][""] = cursor.fetchone()[0]
        return _found(rows, told, request, approximate)


@contextmanager
def _connected() -> Iterator[Any]:
    """A cursor in a transaction; whatever the database says against it is a failure of the engine."""
    database = settings.SEARCH_DATABASE
    try:
        with transaction.atomic(using=database), connections[database].cursor() as cursor:
            yield cursor
    except (DatabaseError, InterfaceError, PoolTimeout, TooManyRequests) as problem:
        raise EngineFailed(f"PostgreSQL did not answer the search: {problem}") from problem


def _by_facet(rows: list[tuple[str, str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {name: {} for name in ("base", "total", "rating", "category", "brand", "price")}
    for facet, value, number in rows:
        found.setdefault(facet, {})[value] = number
    return found


def _found(
    rows: list[tuple[Any, ...]], told: Mapping[str, Mapping[str, Any]], request: SearchRequest, approximate: bool
) -> Found:
    total = int(told["total"].get("", 0))
    average = told["average"][""]
    attributes: dict[str, dict[str, int]] = {}
    for token, number in told.get("attribute", {}).items():
        code, _, value = token.partition("=")
        attributes.setdefault(code, {})[value] = int(number)
    return Found(
        hits=tuple(Hit(family_id=row[0], product_id=row[1]) for row in rows),
        total=min(total, EXACT_TO),
        total_is_exact=total <= EXACT_TO,
        counts=Counts(
            categories={value: int(number) for value, number in told["category"].items()},
            brands={value: int(number) for value, number in told["brand"].items()},
            price_ranges=tuple(int(told["price"].get(str(place), 0)) for place in range(len(PRICE_STEPS) - 1)),
            ratings=tuple(int(told["rating"].get(str(step), 0)) for step in RATING_STEPS),
            in_stock=int(told["in_stock"][""]),
            attributes=attributes,
            approximate=approximate,
        ),
        average_rating=None if average is None else round(Decimal(average), 2),
        after=_after(rows, request) if len(rows) == request.size else None,
    )


def _after(rows: list[tuple[Any, ...]], request: SearchRequest) -> dict[str, Any]:
    before = int((request.after or {}).get("seen", request.offset))
    return {"engine": PostgresEngine.name, "values": list(rows[-1][2:]), "seen": before + len(rows)}
