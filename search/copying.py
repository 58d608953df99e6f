"""Documents on their way into Elasticsearch: what has changed, and whole indexes."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import starmap

from django.db.models import F, QuerySet, TextField
from django.db.models.functions import Cast

from core.locks import advisory
from core.transactions import unit_of_work
from search.elastic import indexes
from search.elastic.client import is_on
from search.errors import EngineFailed, IndexBusy, IndexIncomplete, NothingToRollBack
from search.models import SearchDocument, SearchIndex

# A bulk has so many documents, and so many bulks are on their way at once while an index is built.
BATCH, SENDERS = 500, 4
SLICE_SECONDS = 2.0
# A batch takes a fraction of it. Whoever ends the process waits no longer.
SEND_SECONDS = 10.0
STATE = SearchIndex.State
_TRIES = 5
PAUSE_SECONDS = 5.0
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Pause:
    """Until when this process leaves Elasticsearch alone, by the monotonic clock."""

    until: float = 0.0


_pause = _Pause()


def send_changes(*, now: datetime) -> int:
    """Send documents that Elasticsearch has not been told of, for a slice of time at most; how many it took.

    They go to the index that serves and to one that is being built. Raises EngineFailed; what it did not take is sent again.
    """
    if not is_on():
        return 0
    end = time.monotonic() + SLICE_SECONDS
    sent = 0
    while time.monotonic() < end:
        # Read before the documents are: an index registered later is filled from documents that are at least as new.
        names = _taking_changes()
        rows = _first(SearchDocument.objects.filter(version__gt=F("indexed_version")))
        if not names or not rows:
            break
        indexes.send(rows, names, seconds=SEND_SECONDS)
        _note_sent({row.family_id: row.version for row in rows})
        sent += len(rows)
    return sent


def follow_documents(*, now: datetime) -> int:
    """`send_changes` as a job: where Elasticsearch is away, the log says so and the next try waits a while."""
    if time.monotonic() < _pause.until:
        return 0
    try:
        return send_changes(now=now)
    except EngineFailed as problem:
        logger.warning("Changes wait for Elasticsearch: %s", problem)
        _pause.until = time.monotonic() + PAUSE_SECONDS
        return 0


def build_missing_index(*, now: datetime) -> str | None:
    """Build an index where none serves, as after Elasticsearch has lost it; its name. Raises as `build_index`."""
    return build_index(now=now) if is_on() and not is_complete() else None


def build_index(*, now: datetime, advance: Callable[[int], None] = lambda documents: None) -> str:
    """Fill an index beside the one that serves and put it in its place; its name. One that was interrupted goes on where it was.

    Raises EngineFailed, IndexBusy while another process builds one, IndexIncomplete where the counts do not agree: the old
    one goes on serving then.
    """
    with advisory("build search index") as mine:
        if not mine:
            raise IndexBusy("An index is being built already.")
        building = _begun(now)
        _fill(building, advance)
        indexes.finish(building.name)
        _check(building, now)
        indexes.serve(building.name)
        _let_serve(building, now)
        _drop_older()
        return building.name


def roll_back(*, now: datetime) -> str:
    """Let the index that served before serve again, and have it sent what has changed since; its name.

    Raises NothingToRollBack, IndexBusy, EngineFailed.
    """
    with advisory("build search index") as mine:
        if not mine:
            raise IndexBusy("An index is being built: stop that first.")
        kept = SearchIndex.objects.filter(state=STATE.KEPT).order_by("-served_to").first()
        if kept is None or not indexes.exists(kept.name):
            raise NothingToRollBack("No index is kept that could serve again.")
        indexes.serve(kept.name)
        since = kept.served_to
        _let_serve(kept, now)
        SearchDocument.objects.filter(updated_at__gte=since).update(indexed_version=0)
        return kept.name


def is_complete() -> bool:
    """Whether an index serves, in Elasticsearch as in our books. Raises EngineFailed."""
    names = set(SearchIndex.objects.filter(state=STATE.SERVING).values_list("name", flat=True))
    return bool(names) and indexes.serving() == names


def _taking_changes() -> list[str]:
    return list(SearchIndex.objects.filter(state__in=(STATE.SERVING, STATE.BUILDING)).values_list("name", flat=True))


def _first(documents: QuerySet[SearchDocument]) -> list[indexes.Sent]:
    """A batch of them, as text: nobody here looks into them."""
    rows = documents.order_by("pk").annotate(body=Cast("document", TextField()))
    return list(starmap(indexes.Sent, rows.values_list("pk", "version", "body")[:BATCH]))


def _note_sent(versions: dict[int, int]) -> None:
    """Only as far as was sent: a document that has changed meanwhile is sent again."""
    rows = [SearchDocument(pk=pk, indexed_version=version) for pk, version in sorted(versions.items())]
    SearchDocument.objects.bulk_update(rows, ["indexed_version"])


def _begun(now: datetime) -> SearchIndex:
    """The index that a former build left unfinished, or a new one."""
    for row in SearchIndex.objects.filter(state=STATE.SERVING):
        if not indexes.exists(row.name):  # lost: nothing can be sent to it any more
            SearchIndex.objects.filter(pk=row.pk).update(state=STATE.DROPPED)
    left = SearchIndex.objects.filter(state=STATE.BUILDING).first()
    if left is not None and indexes.exists(left.name):
        return left
    if left is not None:
        SearchIndex.objects.filter(pk=left.pk).update(state=STATE.DROPPED)
    name = f"{indexes.alias()}-{now:%Y%m%d-%H%M%S-%f}"
    indexes.create(name)
    return SearchIndex.objects.create(name=name, created_at=now)


def _fill(building: SearchIndex, advance: Callable[[int], None]) -> None:
    """Some batches at once; one counts when all before it do. After a crash some are sent again, and none is left out."""
    advance(SearchDocument.objects.filter(pk__lte=building.built_to).count() if building.built_to else 0)
    with ThreadPoolExecutor(SENDERS, "bulk") as senders:
        under_way: deque[tuple[list[indexes.Sent], Future[None]]] = deque()
        for rows in _batches(building.built_to):
            under_way.append((rows, senders.submit(indexes.send, rows, [building.name])))
            if len(under_way) > SENDERS:
                _note_built(building, under_way.popleft(), advance)
        for batch in under_way:
            _note_built(building, batch, advance)


def _batches(last: int) -> Iterator[list[indexes.Sent]]:
    while rows := _first(SearchDocument.objects.filter(version__gt=0, pk__gt=last)):
        yield rows
        last = rows[-1].family_id


def _note_built(
    building: SearchIndex, batch: tuple[list[indexes.Sent], Future[None]], advance: Callable[[int], None]
) -> None:
    rows, sent = batch
    sent.result()
    building.built_to = rows[-1].family_id
    building.save(update_fields=["built_to"])
    advance(len(rows))


def _check(building: SearchIndex, now: datetime) -> None:
    """Compare how many can be found there and here; what changes meanwhile is sent, and the two are counted again."""
    for _ in range(_TRIES):
        send_changes(now=now)
        indexes.refresh(building.name)
        there, here = indexes.count_live(building.name), SearchDocument.objects.filter(is_live=True).count()
        if there == here:
            return
    raise IndexIncomplete(f"{building.name} has {there} documents that can be found, and there are {here}.")


def _let_serve(index: SearchIndex, now: datetime) -> None:
    with unit_of_work():
        SearchIndex.objects.filter(state=STATE.SERVING).exclude(pk=index.pk).update(state=STATE.KEPT, served_to=now)
        SearchIndex.objects.filter(pk=index.pk).update(state=STATE.SERVING, served_from=now, served_to=None)


def _drop_older() -> None:
    """All but the one that is kept for a roll-back."""
    older = SearchIndex.objects.filter(state=STATE.KEPT).order_by("-served_to")[1:]
    names = {row.pk: row.name for row in older}
    indexes.drop(names.values())
    SearchIndex.objects.filter(pk__in=names).update(state=STATE.DROPPED)
