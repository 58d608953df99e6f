"""Use cases of the search that jobs, commands and staff start."""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from catalog import selectors as catalog
from core.transactions import unit_of_work
from search import learnt, operations, writes
from search.models import SearchDocument

BATCH = 250
SLICE_SECONDS = 1.0
LEARN_SECONDS, CHANGED = 3600.0, 0.1


@dataclass(slots=True)
class _Last:
    """When this process learnt, by the monotonic clock."""

    at: float = -LEARN_SECONDS


_last = _Last()


def follow_changes(*, now: datetime) -> int:
    """Rebuild the documents of what has changed, for a slice of time at most; how many have changed with it.

    A note is forgotten in the transaction that does what it asks for; one that comes meanwhile stays for the next time.
    """
    if not SearchDocument.objects.exists():
        _note_everything()
    end = time.monotonic() + SLICE_SECONDS
    changed = 0
    while time.monotonic() < end:
        with unit_of_work():
            work = writes.take_work(at_most=BATCH)
            if work:
                changed += len(operations.rebuild(family_ids=list(work), now=now))
                writes.end_work([note for notes in work.values() for note in notes])
        if not work:
            break
    return changed


def build_documents(
    *, now: datetime, advance: Callable[[int], None] = lambda families: None, builders: int | None = None
) -> int:
    """Rebuild the documents of all families, told in batches; how many have changed. Those of families that are gone end too.

    With ``builders``, so many threads have a batch and a connection each: one reads while the database writes for another.
    """
    if builders is None:
        built = ((len(family_ids), _rebuild(family_ids, now)) for family_ids in _batches())
        return _told(built, advance)
    with ThreadPoolExecutor(builders, "documents") as pool:
        return _told(_built_ahead(pool, builders, now), advance)


def _built_ahead(pool: ThreadPoolExecutor, builders: int, now: datetime) -> Iterator[tuple[int, int]]:
    """Families and changes of each batch, while the next ones are being built."""
    under_way: deque[tuple[int, Future[int]]] = deque()
    for family_ids in _batches():
        under_way.append((len(family_ids), pool.submit(_rebuild_alone, family_ids, now)))
        if len(under_way) > builders:
            families, changed = under_way.popleft()
            yield families, changed.result()
    for families, changed in under_way:
        yield families, changed.result()


def _told(built: Iterable[tuple[int, int]], advance: Callable[[int], None]) -> int:
    all_changed = 0
    for families, changed in built:
        all_changed += changed
        advance(families)
    return all_changed


def _batches() -> Iterator[list[int]]:
    """All families that are in the catalogue or have a document."""
    last = 0
    while family_ids := _next(last):
        yield family_ids
        last = family_ids[-1]


def _rebuild(family_ids: Collection[int], now: datetime) -> int:
    with unit_of_work():
        return len(operations.rebuild(family_ids=family_ids, now=now))


def _rebuild_alone(family_ids: Collection[int], now: datetime) -> int:
    try:
        return _rebuild(family_ids, now)
    finally:
        connection.close()  # the thread's own, which nobody else ends


def learn(*, now: datetime) -> int:
    """Learn from all documents what corrections and the order of results go by; how many words there are."""
    with unit_of_work():
        return learnt.learn()


def learn_when_due(*, now: datetime) -> int:
    """`learn` where the shop has grown or shrunk by a tenth since, as by an import, or after an hour; else 0. Two queries."""
    known = learnt.families_learnt()
    there = SearchDocument.objects.filter(is_live=True).count()
    if time.monotonic() < _last.at + LEARN_SECONDS and abs(there - known) <= CHANGED * known:
        return 0
    _last.at = time.monotonic()
    return learn(now=now)


def look_again(*, family_ids: Collection[int]) -> int:
    """Have the documents of these families rebuilt soon; how many those are."""
    with unit_of_work():
        operations.note_families(family_ids=family_ids)
    return len(family_ids)


def _note_everything() -> None:
    """A shop that has no document yet, as after an update, gets them all by itself."""
    last = 0
    while family_ids := catalog.family_ids(above=last, at_most=100_000):
        with unit_of_work():
            writes.add_work(family_ids)
        last = family_ids[-1]


def count_families() -> int:
    """How many families `build_documents` will go through, about."""
    return catalog.count_families()


def count_documents() -> int:
    """How many documents there are."""
    return SearchDocument.objects.count()


def _next(last: int) -> list[int]:
    """The next families that are in the catalogue or have a document."""
    known = SearchDocument.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]
    return sorted({*catalog.family_ids(above=last, at_most=BATCH), *known})[:BATCH]
