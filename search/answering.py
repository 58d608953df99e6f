"""Which engine answers: Elasticsearch while it does so in time, else PostgreSQL, else the last good copy of the same answer."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import msgspec
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils.translation import gettext as _

from search import metrics
from search.breaker import Breaker
from search.elastic.client import is_on
from search.elastic.engine import ElasticsearchEngine
from search.errors import EngineFailed, RequestRefused, SearchUnavailable
from search.postgres import PostgresEngine
from search.types import Found, Hit, SearchRequest, Sizes

logger = logging.getLogger(__name__)
COPY_SECONDS = 600
RETRY_AFTER_SECONDS = 5
breaker = Breaker("elasticsearch")
_elasticsearch, _postgres = ElasticsearchEngine(), PostgresEngine()
# So that an outage of Elasticsearch leaves threads and connections to carts and checkouts.
_room = threading.BoundedSemaphore(settings.SEARCH_FALLBACK_CLIENTS)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found and by whom: ``fallback`` where Elasticsearch should have been asked, ``stale`` for an old copy."""

    found: Found
    engine: str
    fallback: bool = False
    stale: bool = False


def answer(request: SearchRequest) -> Answer:
    """The answer to ``request``, from whoever can give one. Raises SearchUnavailable where nobody can."""
    if not connection.in_atomic_block:
        connection.close()  # back to its pool: nobody else waits for a connection because this search does
    if is_on() and breaker.lets_pass():
        try:
            found = _from_elasticsearch(request)
        except EngineFailed as problem:
            breaker.failed()
            return _fall_back(request, "failed", problem)
        except RequestRefused as problem:
            breaker.succeeded()  # it is there; what is wrong is ours
            logger.exception("Elasticsearch refused a request of ours")
            return _fall_back(request, "refused", problem)
        breaker.succeeded()
        return _kept(request, Answer(found, _elasticsearch.name))
    return _fall_back(request, "open", None) if is_on() else _from_postgres(request, fallback=False)


def suggest(words: tuple[str, ...], *, size: int) -> tuple[Hit, ...]:
    """What `search.types.Engine.suggest` says, from whoever says it soon; nothing where nobody does."""
    if is_on() and breaker.is_closed():
        with suppress(EngineFailed, RequestRefused):
            return _elasticsearch.suggest(words, size=size, seconds=settings.SUGGEST_DEADLINE.total_seconds())
    seconds = settings.SUGGEST_FALLBACK_DEADLINE.total_seconds()
    with suppress(EngineFailed), _place(seconds / 5):
        return _postgres.suggest(words, size=size, seconds=seconds)
    return ()


def _from_elasticsearch(request: SearchRequest) -> Found:
    begin = time.perf_counter()
    found = _elasticsearch.search(request, seconds=settings.SEARCH_DEADLINE.total_seconds())
    _observe(_elasticsearch.name, request, begin)
    return found


def _fall_back(request: SearchRequest, reason: str, problem: Exception | None) -> Answer:
    metrics.FALLBACKS.labels(reason).inc()
    if problem is not None:
        logger.warning("PostgreSQL answers a search: %s", problem)
    return _from_postgres(request, fallback=True)


def _from_postgres(request: SearchRequest, *, fallback: bool) -> Answer:
    """By PostgreSQL where there is room, else the copy."""
    begin = time.perf_counter()
    seconds = settings.SEARCH_FALLBACK_DEADLINE.total_seconds()
    try:
        with _place(seconds / 2):
            found = _postgres.search(request, seconds=seconds - (time.perf_counter() - begin))
    except EngineFailed as problem:
        copy = _copy_of(request)
        if copy is None:
            logger.warning("No engine answers a search: %s", problem)
            raise SearchUnavailable(
                _("Search is away for a moment. Everything else is open: try again."), retry_after=RETRY_AFTER_SECONDS
            ) from problem
        return Answer(copy.found, copy.engine, fallback, stale=True)
    _observe(_postgres.name, request, begin)
    return _kept(request, Answer(found, _postgres.name, fallback))


@contextmanager
def _place(patience: float) -> Iterator[None]:
    """One of this process's few places for searches in PostgreSQL. Raises EngineFailed where none is free for so many seconds."""
    if not _room.acquire(timeout=patience):
        raise EngineFailed("too many searches are being answered by PostgreSQL")
    try:
        yield
    finally:
        _room.release()


def _observe(engine: str, request: SearchRequest, begin: float) -> None:
    kind = "faceted" if request.with_facets else "plain"
    metrics.LATENCY.labels(kind, engine).observe(time.perf_counter() - begin)


def _kept(request: SearchRequest, given: Answer) -> Answer:
    """Keep a copy of the first pages; where Valkey is away there is none."""
    if request.after is None:
        cache.set(_key(request), msgspec.json.encode(given), COPY_SECONDS)
    return given


def _copy_of(request: SearchRequest) -> Answer | None:
    body: Any = cache.get(_key(request)) if request.after is None else None
    try:
        return msgspec.json.decode(body, type=Answer) if body else None
    except msgspec.DecodeError:
        return None


def _key(request: SearchRequest) -> str:
    return f"search:{sha256(msgspec.json.encode(replace(request, plan=None, sizes=Sizes()))).hexdigest()}"
