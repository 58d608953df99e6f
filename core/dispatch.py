"""Hands one event to one subscriber: its effect and the mark that it happened are one transaction."""

import logging
import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache

from django.db import connection, transaction
from django.utils.module_loading import import_string

from core.models import OutboxEvent, ParkedEvent
from core.types import Event, Handler, Subscriber

logger = logging.getLogger(__name__)


def event_of(row: OutboxEvent | ParkedEvent) -> Event:
    """The event that a row of the outbox, or of the parked ones, holds."""
    return Event(
        event_id=row.event_id,
        topic=row.topic,
        key=row.key,
        type=row.type,
        version=row.version,
        data=row.data,
        occurred_at=row.occurred_at,
    )


def deliver(event: Event, subscriber: Subscriber, *, generation: int = 1, now: datetime) -> bool:
    """Run the subscriber's handler for ``event`` unless it has run before; whether it ran. Raises what the handler raises.

    A group's ``generation`` counts its replays: in a new one everything is new to it (`core.generations`).
    """
    with transaction.atomic(durable=True):
        if not _mark(event, subscriber, generation, now=now):
            return False
        _handle([event], subscriber, now)
    return True


def deliver_together(events: Sequence[Event], subscriber: Subscriber, *, generation: int = 1, now: datetime) -> int:
    """As `deliver`, for several in one transaction; how many ran. Raises what a handler raises: then none has run."""
    with transaction.atomic(durable=True):
        fresh = _mark_all(events, subscriber, generation, now=now)
        once = {event.event_id: event for event in events if event.event_id in fresh}  # it may lie there twice
        _handle(list(once.values()), subscriber, now)
    return len(events)


def _handle(events: list[Event], subscriber: Subscriber, now: datetime) -> None:
    handler = _handler(subscriber.handler)
    if subscriber.at_once:
        handler(events, now=now)
        return
    for event in events:
        handler(event, now=now)


def _mark_all(events: Sequence[Event], subscriber: Subscriber, generation: int, *, now: datetime) -> set[uuid.UUID]:
    """As `_mark`; those that the group had not taken."""
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO core_eventmark ("group", generation, event_id, marked_at)'
            " SELECT %s, %s, id, %s FROM unnest(%s::uuid[]) AS id ON CONFLICT DO NOTHING RETURNING event_id",
            [subscriber.group, generation, now, [event.event_id for event in events]],
        )
        return {row[0] for row in cursor.fetchall()}


def _mark(event: Event, subscriber: Subscriber, generation: int, *, now: datetime) -> bool:
    """Write that the group has taken the event; False when it had. Of two that try at once the second waits for the first."""
    with connection.cursor() as cursor:
        cursor.execute(
            'INSERT INTO core_eventmark ("group", generation, event_id, marked_at)'
            " VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [subscriber.group, generation, event.event_id, now],
        )
        return bool(cursor.rowcount == 1)


def is_key_parked(keys: Collection[str], subscriber: Subscriber, *, generation: int = 1) -> bool:
    """Whether an event of one of ``keys`` is parked for the subscriber, so that later ones must wait behind it."""
    return ParkedEvent.objects.filter(
        group=subscriber.group, generation=generation, key__in=keys, resolved_at=None
    ).exists()


def park(
    event: Event, subscriber: Subscriber, *, generation: int = 1, attempts: int, error: str, now: datetime
) -> None:
    """Set ``event`` aside for staff; harmless when it is set aside already."""
    ParkedEvent.objects.bulk_create(
        [
            ParkedEvent(
                group=subscriber.group,
                generation=generation,
                event_id=event.event_id,
                topic=event.topic,
                key=event.key,
                type=event.type,
                version=event.version,
                data=event.data,
                occurred_at=event.occurred_at,
                attempts=attempts,
                error=error[:5000],
                parked_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    logger.error("Event %s %s parked for %s: %s", event.type, event.event_id, subscriber.group, error)


@cache
def _handler(path: str) -> Handler:
    handler: Handler = import_string(path)
    return handler
