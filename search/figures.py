"""What the log says of the last week's searches, beside the week before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

PERIOD = timedelta(days=7)
LISTED = 20
# The lowest share of clicks is told of queries that were searched for so often.
OFTEN = 20
# Words of fewer shoppers may be private, and are shown to nobody. A shopper is another one each day, so so many on one day.
SHOWN_SESSIONS, SHOWN_TOGETHER = 3, 2

# A search is the first page of what some words found; its click the first one on it. Where nothing has the words as they were
# typed it is without results, whatever was shown in their place.
_SEARCHED = """
    clicked AS (
        SELECT DISTINCT ON (search_id) search_id, position
        FROM search_searchclick WHERE at >= %(before)s ORDER BY search_id, at, position
    ), searched AS (
        SELECT l.query, l.at >= %(since)s AS recent, l.page = 1 AS first, l.total, l.total = 0 OR l.mended AS empty, l.session,
            (l.at AT TIME ZONE 'UTC')::date AS day, l.filters - 'sort' = '{}' AS plain, c.position
        FROM search_searchlog l LEFT JOIN clicked c ON c.search_id = l.id
        WHERE l.at >= %(before)s AND l.at < %(now)s AND l.query <> ''
    )
"""
_OVERALL = f"""
    WITH {_SEARCHED}
    SELECT recent, count(*) FILTER (WHERE first) AS searches, count(*) FILTER (WHERE first AND empty) AS empty,
        count(*) FILTER (WHERE first AND position IS NOT NULL) AS clicked,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY position) AS position
    FROM searched GROUP BY recent
"""  # noqa: S608 - of constants
# A busy shop's fortnight is a million rows, which take seconds and memory; what shoppers wait for keeps its own limits.
_SETTLE = "SELECT set_config('statement_timeout', '20s', true), set_config('work_mem', '64MB', true)"
_LATENCY = """
    SELECT engine, at >= %(since)s AS recent, percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY latency_ms) AS latency
    FROM search_searchlog WHERE at >= %(before)s AND at < %(now)s GROUP BY 1, 2
"""
_QUERIES = f"""
    WITH {_SEARCHED}, shown AS (
        SELECT query FROM (
            SELECT query, count(*) AS sessions FROM (
                SELECT DISTINCT query, day, session FROM searched WHERE recent AND session <> ''
            ) seen GROUP BY query, day
        ) daily GROUP BY query HAVING sum(sessions) >= %(sessions)s AND max(sessions) >= %(together)s
    ), counted AS (
        SELECT query, count(*) FILTER (WHERE recent AND first) AS searches,
            count(*) FILTER (WHERE first AND NOT recent) AS searches_before,
            count(*) FILTER (WHERE recent AND first AND plain AND empty) AS empty,
            count(*) FILTER (WHERE first AND plain AND empty AND NOT recent) AS empty_before,
            avg(total) FILTER (WHERE recent AND first) AS total,
            count(*) FILTER (WHERE recent AND first AND position IS NOT NULL) AS clicked
        FROM searched JOIN shown USING (query) GROUP BY query
    ), ranked AS (
        SELECT *, row_number() OVER (ORDER BY searches DESC, query) AS by_searches,
            row_number() OVER (ORDER BY empty DESC, query) AS by_empty,
            row_number() OVER (ORDER BY searches < %(often)s, clicked / searches::float8, searches DESC, query) AS by_clicks
        FROM counted WHERE searches > 0
    ), listed AS (
        SELECT * FROM ranked
        WHERE by_searches <= %(listed)s OR (by_empty <= %(listed)s AND empty > 0)
            OR (by_clicks <= %(listed)s AND searches >= %(often)s)
    ), median AS (
        SELECT query, percentile_cont(0.5) WITHIN GROUP (ORDER BY position) AS position
        FROM searched JOIN listed USING (query) WHERE recent AND position IS NOT NULL GROUP BY query
    )
    SELECT * FROM listed LEFT JOIN median USING (query)
"""  # noqa: S608 - of constants


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of the last week and of the week before; None where there is nothing to tell it of."""

    value: float | None
    before: float | None

    @property
    def trend(self) -> int | None:
        """By how many per cent it is more, or less; None where it can not be told."""
        if self.value is None or not self.before:
            return None
        return round((self.value / self.before - 1) * 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryFigures:
    """A query; ``clicked`` is the share of its searches with a click in per cent, ``position`` the median of what was clicked."""

    query: str
    searches: Figure
    empty: Figure
    total: float
    clicked: float
    position: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFigures:
    """How long an engine's answers took, in ms."""

    engine: str
    median: Figure
    slowest: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchFigures:
    """The page of staff. Shares are in per cent."""

    searches: Figure
    empty: Figure
    clicked: Figure
    position: Figure
    engines: tuple[EngineFigures, ...]
    frequent: tuple[QueryFigures, ...]
    fruitless: tuple[QueryFigures, ...]
    ignored: tuple[QueryFigures, ...]


def search_figures(*, now: datetime) -> SearchFigures:
    """What shoppers searched for within the last week, and what came of it. Three queries, and one that gives them time."""
    asked = {
        "now": now,
        "since": now - PERIOD,
        "before": now - 2 * PERIOD,
        "listed": LISTED,
        "often": OFTEN,
        "sessions": SHOWN_SESSIONS,
        "together": SHOWN_TOGETHER,
    }
    with transaction.atomic():
        _rows(_SETTLE, {})
        overall = {row["recent"]: row for row in _rows(_OVERALL, asked)}
        queries, latency = _rows(_QUERIES, asked), _rows(_LATENCY, asked)
    return SearchFigures(
        **_overall(overall.get(True, {}), overall.get(False, {})),
        engines=_engines(latency),
        frequent=_list(queries, "by_searches"),
        fruitless=_list([row for row in queries if row["empty"]], "by_empty"),
        ignored=_list([row for row in queries if row["searches"] >= OFTEN], "by_clicks"),
    )


def _rows(statement: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, asked)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _overall(recent: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Figure]:
    return {
        "searches": Figure(recent.get("searches", 0), before.get("searches", 0)),
        "empty": Figure(_share(recent, "empty"), _share(before, "empty")),
        "clicked": Figure(_share(recent, "clicked"), _share(before, "clicked")),
        "position": Figure(recent.get("position"), before.get("position")),
    }


def _share(row: Mapping[str, Any], part: str) -> float | None:
    """In per cent of the searches; None where there were none."""
    return 100 * float(row[part]) / row["searches"] if row.get("searches") else None


def _engines(rows: list[dict[str, Any]]) -> tuple[EngineFigures, ...]:
    told: dict[str, dict[bool, list[float]]] = {}
    for row in rows:
        told.setdefault(row["engine"], {})[row["recent"]] = row["latency"]
    nothing = [None, None]
    return tuple(
        EngineFigures(
            engine=engine,
            median=Figure(weeks.get(True, nothing)[0], weeks.get(False, nothing)[0]),
            slowest=Figure(weeks.get(True, nothing)[1], weeks.get(False, nothing)[1]),
        )
        for engine, weeks in sorted(told.items())
    )


def _list(rows: list[dict[str, Any]], rank: str) -> tuple[QueryFigures, ...]:
    ranked = sorted(rows, key=lambda row: int(row[rank]))[:LISTED]
    return tuple(
        QueryFigures(
            query=row["query"],
            searches=Figure(row["searches"], row["searches_before"]),
            empty=Figure(row["empty"], row["empty_before"]),
            total=float(row["total"]),
            clicked=_share(row, "clicked") or 0.0,
            position=row["position"],
        )
        for row in ranked
    )
