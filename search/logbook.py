"""What was searched and clicked, on its way into the log: a request puts a row into a queue, and a thread writes it."""

import atexit
import logging
import os
import threading
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from django.db import connection

from catalog.types import ListingFilters, SortOrder
from search import metrics
from search.text import QUERY_LIMIT, normalized
from search.types import PAGE_SIZE, SearchPage

logger = logging.getLogger(__name__)
MOST_WAITING = 10_000
BATCH = 500
PAUSE_SECONDS = 1.0
EXIT_SECONDS = 2.0
# Of a filter, so that an address made by hand can not fill memory or disk.
VALUES_LIMIT, VALUE_LENGTH = 10, 60
# PostgreSQL is away, or not migrated yet: what waits is written later. Anything else is wrong with the rows themselves.
AWAY = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.UndefinedTable)
# A connection that has silently gone is noticed within seconds.
_WATCHFUL = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 2, "tcp_user_timeout": 10_000}


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchNote:
    """A row of the log."""

    at: datetime
    id: UUID
    query: str
    filters: dict[str, Any]
    page: int
    total: int
    engine: str
    fallback: bool
    latency_ms: float
    mended: bool
    session: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickNote:
    """A click's row."""

    at: datetime
    search_id: UUID
    product_id: int
    position: int
    session: str


Note = SearchNote | ClickNote
# What was written and not confirmed before the connection broke comes again, and finds itself there.
_WRITE: dict[type[Note], str] = {
    SearchNote: """
        INSERT INTO search_searchlog (at, id, query, filters, page, total, engine, fallback, latency_ms, mended, session)
        SELECT * FROM jsonb_to_recordset(%s::jsonb) AS given (
            at timestamptz, id uuid, query text, filters jsonb, page int, total int, engine text, fallback boolean,
            latency_ms float8, mended boolean, session text
        ) ON CONFLICT DO NOTHING
    """,
    ClickNote: """
        INSERT INTO search_searchclick (at, search_id, product_id, position, session)
        SELECT * FROM jsonb_to_recordset(%s::jsonb) AS given (
            at timestamptz, search_id uuid, product_id bigint, position int, session text
        ) ON CONFLICT DO NOTHING
    """,
}


def connection_parameters() -> dict[str, Any]:
    """Where rows are written to: the shop's database."""
    return {**connection.get_connection_params(), **_WATCHFUL, "autocommit": True}


class Logbook:
    """The rows of one process that wait, and the thread that writes them once a second over a connection of its own."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Empty, without a thread: a process that was forked has neither its parent's rows nor its thread."""
        self._rows: deque[Note] = deque()
        self._adding, self._writing = threading.Lock(), threading.Lock()
        self._end = threading.Event()
        self._thread: threading.Thread | None = None
        self._session: psycopg.Connection[Any] | None = None
        self._is_away = False

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, note: Note) -> None:
        """Have ``note`` written soon; dropped and counted where too many wait. Does no I/O."""
        with self._adding:
            if len(self._rows) >= MOST_WAITING:
                metrics.LOG_DROPPED.inc()
                return
            self._rows.append(note)
            if self._thread is None:
                self._thread = self.start()

    def start(self) -> threading.Thread:
        """The thread that writes."""
        thread = threading.Thread(target=self._run, name="search log", daemon=True)
        thread.start()
        return thread

    def flush(self) -> None:
        """Write all that waits. Raises psycopg.Error, and then what was not written still waits."""
        with self._writing:
            while batch := self._next():
                self._write(batch)
                self._forget(len(batch))

    def close(self) -> None:
        """Write what waits, and let the connection go; within EXIT_SECONDS, whatever PostgreSQL does."""
        self._end.set()
        if self._thread is not None:
            self._thread.join(EXIT_SECONDS)
        if self._rows:
            logger.warning("%d rows of the search log are lost", len(self._rows))

    def hang_up(self) -> None:
        """Let the connection go; the next row takes another."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _run(self) -> None:
        ended = False
        while not ended:
            ended = self._end.wait(PAUSE_SECONDS)
            self._try()
        self.hang_up()

    def _try(self) -> None:
        try:
            self.flush()
        except AWAY as trouble:
            if not self._is_away:
                logger.warning("The search log waits for PostgreSQL: %s", trouble)
            self._is_away = True
            self.hang_up()
        except Exception:
            lost = len(self._next())
            logger.exception("%d rows of the search log can not be written", lost)
            metrics.LOG_DROPPED.inc(lost)
            self._forget(lost)
            self.hang_up()
        else:
            self._is_away = False

    def _next(self) -> list[Note]:
        with self._adding:
            return list(islice(self._rows, BATCH))

    def _forget(self, count: int) -> None:
        with self._adding:
            for _ in range(count):
                self._rows.popleft()

    def _write(self, batch: list[Note]) -> None:
        if self._session is None:
            self._session = psycopg.connect(**connection_parameters())
        with self._session.transaction():
            for kind, statement in _WRITE.items():
                rows = [note for note in batch if isinstance(note, kind)]
                if rows:
                    self._session.execute(statement, [msgspec.json.encode(rows).decode()])


BOOK = Logbook()
os.register_at_fork(after_in_child=BOOK.begin_anew)
# gunicorn's workers end by SystemExit, and so come here too.
atexit.register(BOOK.close)


def note_search(*, listing: SearchPage, filters: ListingFilters, session: str, now: datetime) -> None:
    """Have it logged that ``listing`` was shown; ``session`` is that of `search.sessions`. Does no I/O."""
    BOOK.add(
        SearchNote(
            at=now,
            id=listing.search_id,
            query=normalized(filters.query[:QUERY_LIMIT])[:QUERY_LIMIT].strip(),
            filters=_told(filters),
            page=(listing.first_position - 1) // PAGE_SIZE + 1,
            total=listing.total,
            engine=listing.engine,
            fallback=listing.fallback,
            latency_ms=listing.latency_ms,
            mended=bool(listing.searched),
            session=session,
        )
    )


def note_click(*, search_id: UUID, position: int, product_id: int, session: str, now: datetime) -> None:
    """Have it logged that the product at ``position`` of a list was opened. Does no I/O; saying it twice changes no figure."""
    BOOK.add(ClickNote(at=now, search_id=search_id, product_id=product_id, position=position, session=session))


def _told(filters: ListingFilters) -> dict[str, Any]:
    """What is set of ``filters``, but the query."""
    told = {
        "category": filters.category[:QUERY_LIMIT],
        "brands": _short(filters.brands),
        "price_min": "" if filters.price_min is None else str(filters.price_min),
        "price_max": "" if filters.price_max is None else str(filters.price_max),
        "rating": "" if filters.rating is None else str(filters.rating),
        "in_stock": filters.in_stock,
        "attributes": {code[:VALUE_LENGTH]: _short(values) for code, values in filters.attributes},
        "sort": "" if filters.sort == SortOrder.RELEVANCE else str(filters.sort),
    }
    return {name: value for name, value in told.items() if value}


def _short(values: tuple[str, ...]) -> list[str]:
    return [value[:VALUE_LENGTH] for value in values[:VALUES_LIMIT]]
