"""Use cases of what no domain owns: try a parked event again, forget what is old."""

from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import QuerySet
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from core import generations, kafka
from core.dispatch import deliver, event_of
from core.errors import NotFound, Unavailable
from core.events import bucket_of
from core.locks import buckets_for_itself
from core.models import EventMark, IdempotencyClaim, OutboxEvent, ParkedEvent
from core.types import Subscriber

FORGET_BATCH = 2000
PUBLISHED_RETENTION = timedelta(days=14)
# Longer than events are kept anywhere, so that none that comes again finds its mark gone.
MARK_RETENTION = timedelta(days=90)


def replay(*, group: str, topic: str, since: datetime, now: datetime) -> int:
    """Give ``group`` the events of ``topic`` from ``since`` on once more, in its next generation, whose number is returned.

    With Kafka its consumers go back by themselves. Without, what the outbox still keeps is relayed again; other groups have
    had it and pass it over.
    """
    with transaction.atomic(durable=True):
        generation = generations.open_next(group, topic, since=since, now=now)
        if not kafka.is_on():
            OutboxEvent.objects.filter(topic=topic, occurred_at__gte=since).update(published_at=None)
    return generation


def retry_parked(*, parked_id: int, subscribers_path: str, now: datetime) -> int:
    """Try a parked event and all open ones of its key again, in order, until one fails; how many were taken.

    Raises NotFound for one that is not open, Unavailable while the relay is at its bucket.
    """
    parked = ParkedEvent.objects.filter(pk=parked_id, resolved_at=None).first()
    if parked is None:
        raise NotFound(_("There is no such event waiting."))
    with buckets_for_itself([bucket_of(parked.key)]) as mine:
        if not mine:
            raise Unavailable(_("The relay is busy with this key. Try again in a moment."), retry_after=1)
        return _retry_key(parked, subscribers_path, now=now)


def _retry_key(parked: ParkedEvent, subscribers_path: str, *, now: datetime) -> int:
    taken = 0
    rows = ParkedEvent.objects.filter(
        group=parked.group, generation=parked.generation, key=parked.key, resolved_at=None
    )
    for row in rows.order_by("id"):
        try:
            deliver(event_of(row), _subscriber(row, subscribers_path), generation=row.generation, now=now)
        except DatabaseError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it raises is shown to staff with the event
            ParkedEvent.objects.filter(pk=row.pk).update(
                attempts=row.attempts + 1, error=f"{type(error).__name__}: {error}"
            )
            break
        ParkedEvent.objects.filter(pk=row.pk).update(resolved_at=now)
        taken += 1
    return taken


def _subscriber(row: ParkedEvent, subscribers_path: str) -> Subscriber:
    table: dict[str, tuple[Subscriber, ...]] = import_string(subscribers_path)
    for subscriber in table.get(row.type, ()):
        if subscriber.group == row.group:
            return subscriber
    raise NotFound(_("Nobody subscribes to this event any more."))


def forget_old(*, now: datetime) -> int:
    """Remove claims past their replay, published events and marks past their retention; how many rows. Safe to repeat.

    Batch by batch, so that no statement and no lock lasts, however much has gathered.
    """
    return (
        _forget(IdempotencyClaim.objects.filter(expires_at__lt=now))
        + _forget(OutboxEvent.objects.filter(published_at__lt=now - PUBLISHED_RETENTION))
        + _forget(EventMark.objects.filter(marked_at__lt=now - MARK_RETENTION))
    )


def _forget(rows: "QuerySet[Any]") -> int:
    gone = 0
    while keys := list(rows.values_list("pk", flat=True)[:FORGET_BATCH]):
        gone += rows.model.objects.filter(pk__in=keys).delete()[0]
    return gone
