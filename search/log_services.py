"""Use cases of the search log that jobs start: a table for each month, made ahead and dropped when it is old; what is popular."""

import logging
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from psycopg import sql

from core.errors import Unavailable
from core.transactions import unit_of_work

logger = logging.getLogger(__name__)
TABLES = ("search_searchlog", "search_searchclick")
KEPT_FOR = timedelta(days=90)
BATCH = 10_000
# Rows are written by threads that can wait; still, no table is to be blocked for longer than a moment.
PATIENCE = "500ms"
POPULAR_WITHIN = timedelta(days=30)
# A query is suggested to others when so many shoppers searched for it, on so many days. A shopper is another one each day, so
# some must have met on one: else somebody who comes back every day with private words would be a crowd.
POPULAR_SESSIONS, POPULAR_DAYS, POPULAR_TOGETHER = 5, 2, 3
POPULAR_MOST = 10_000
COUNTING_TAKES = "60s"
_MONTH = re.compile(r"_(\d{4})_(\d{2})$")
_PARTITIONS = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = %s::regclass ORDER BY c.relname
"""
_MAKE = """
    LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;
    CREATE TABLE {partition} (LIKE {table} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
    WITH moved AS (DELETE FROM {rest} WHERE at >= {begin} AND at < {end} RETURNING *)
    INSERT INTO {partition} SELECT * FROM moved;
    ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES FROM ({begin}) TO ({end});
"""
# The second bound on the time lets the planner look at old partitions alone.
_DELETE = """
    DELETE FROM {table} t USING (
        SELECT tableoid AS part, ctid AS place FROM {table} WHERE at < %(before)s LIMIT %(batch)s
    ) old
    WHERE t.tableoid = old.part AND t.ctid = old.place AND t.at < %(before)s
"""
# A query is as good as what it finds without filters, where anybody searched without.
_COUNT = """
    WITH asked AS (
        SELECT query, day, sum(searches) AS searches, count(*) FILTER (WHERE session <> '') AS sessions
        FROM (
            SELECT query, (at AT TIME ZONE 'UTC')::date AS day, session, count(*) AS searches FROM search_searchlog
            WHERE at >= %(since)s AND at <= %(now)s AND page = 1 AND query <> '' GROUP BY 1, 2, 3
        ) seen GROUP BY query, day
    ), wanted AS (
        SELECT query, sum(searches) AS searches, sum(sessions) AS sessions
        FROM asked GROUP BY query
        HAVING sum(sessions) >= %(sessions)s AND count(*) FILTER (WHERE sessions > 0) >= %(days)s
            AND max(sessions) >= %(together)s
    ), latest AS (
        SELECT DISTINCT ON (l.query) l.query, l.total, l.mended
        FROM search_searchlog l JOIN wanted USING (query)
        WHERE l.at >= %(since)s AND l.at <= %(now)s AND l.page = 1
        ORDER BY l.query, l.filters - 'sort' <> '{}', l.at DESC
    ), chosen AS (
        SELECT query, searches, sessions, total FROM wanted JOIN latest USING (query)
        WHERE total > 0 AND NOT mended ORDER BY sessions DESC, searches DESC, query LIMIT %(most)s
    ), gone AS (
        DELETE FROM search_popularquery WHERE query NOT IN (SELECT query FROM chosen)
    )
    INSERT INTO search_popularquery (query, searches, sessions, total, updated_at)
    SELECT query, searches, sessions, total, %(now)s FROM chosen
    ON CONFLICT (query) DO UPDATE SET searches = EXCLUDED.searches, sessions = EXCLUDED.sessions, total = EXCLUDED.total,
        updated_at = EXCLUDED.updated_at
"""


def keep_partitions(*, now: datetime) -> None:
    """Make this and the next month's partitions, drop those that are wholly old, delete what else is.

    Where a table is in use for longer than a moment, what needs it for itself is left to the next time.
    """
    this = _month(now)
    for table in TABLES:
        known = _partitions(table)
        for begin in (this, _following(this)):
            if _name(table, begin) not in known:
                _patiently(_make, table, begin)
        for name in known:
            end = _end_of(name)
            if end is not None and end <= now - KEPT_FOR:
                _patiently(_drop, name)
        while _delete(table, now - KEPT_FOR) == BATCH:
            pass


def count_popular(*, now: datetime) -> int:
    """Count anew which queries are popular enough to be suggested; how many those are. One statement: readers see old or new."""
    asked: dict[str, Any] = {
        "since": now - POPULAR_WITHIN,
        "now": now,
        "sessions": POPULAR_SESSIONS,
        "days": POPULAR_DAYS,
        "together": POPULAR_TOGETHER,
        "most": POPULAR_MOST,
    }
    with unit_of_work(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [COUNTING_TAKES])
        cursor.execute(_COUNT, asked)
        return int(cursor.rowcount)


def _partitions(table: str) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(_PARTITIONS, [table])
        return {name for (name,) in cursor.fetchall()}


def _patiently(work: Callable[..., None], *arguments: object) -> None:
    try:
        with unit_of_work(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
            work(cursor, *arguments)
    except Unavailable:
        logger.warning("The search log is in use: %s%s is tried again later", work.__name__, arguments)


def _make(cursor: Any, table: str, begin: datetime) -> None:
    """A partition, with the rows of its month that came before it was there."""
    statement = sql.SQL(_MAKE).format(
        table=sql.Identifier(table),
        partition=sql.Identifier(_name(table, begin)),
        rest=sql.Identifier(f"{table}_default"),
        begin=sql.Literal(begin.isoformat()),
        end=sql.Literal(_following(begin).isoformat()),
    )
    cursor.execute(statement)


def _drop(cursor: Any, partition: str) -> None:
    cursor.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(partition)))


def _delete(table: str, before: datetime) -> int:
    statement = sql.SQL(_DELETE).format(table=sql.Identifier(table))
    with unit_of_work(), connection.cursor() as cursor:
        cursor.execute(statement, {"before": before, "batch": BATCH})
        return int(cursor.rowcount)


def _month(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _following(month: datetime) -> datetime:
    return _month(month + timedelta(days=31))


def _name(table: str, month: datetime) -> str:
    return f"{table}_{month:%Y_%m}"


def _end_of(partition: str) -> datetime | None:
    """When a partition's month is over; None for the one that takes the rest."""
    found = _MONTH.search(partition)
    return _following(datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)) if found else None
