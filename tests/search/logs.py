"""Rows of the search log: written by hand, and read as they are."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from search.log_models import SearchClick, SearchLog
from search.logbook import BOOK

CLICKS = "/api/v1/search/clicks"
GOOD_CLICK = {"search_id": "6a1b6c2e-8f43-4f0e-9a35-0d9f6f0d2f11", "position": 1, "product_id": 1}


def make_log(*, at: datetime, **fields: Any) -> SearchLog:
    """A search on the first page that found something, of nobody known."""
    given = {"query": "lamp", "page": 1, "total": 3, "engine": "postgres", "latency_ms": 5.0, "session": "", **fields}
    return SearchLog.objects.create(id=uuid.uuid4(), at=at, **given)


def make_logs(sessions: Sequence[str], *, at: datetime, **fields: Any) -> list[SearchLog]:
    """A search of each of ``sessions``."""
    return [make_log(at=at, session=session, **fields) for session in sessions]


def make_click(search: SearchLog, *, position: int, product_id: int = 1, at: datetime | None = None) -> SearchClick:
    """A click on what a search found."""
    moment = at or search.at
    return SearchClick.objects.create(at=moment, search_id=search.pk, product_id=product_id, position=position)


def logged() -> list[SearchLog]:
    """What is in the log once all that waits is written, in the order of time."""
    BOOK.flush()
    return list(SearchLog.objects.order_by("at"))


def clicks() -> list[SearchClick]:
    """The clicks, likewise."""
    BOOK.flush()
    return list(SearchClick.objects.order_by("at"))


def partitions(table: str) -> list[str]:
    """What a table is made of, without its own name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid WHERE inhparent = %s::regclass",
            [table],
        )
        return sorted(name.removeprefix(f"{table}_") for (name,) in cursor.fetchall())
