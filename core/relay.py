"""The relay: takes events out of the outbox, in order per key, and hands each to its subscribers (DESIGN.md section 5).

Several relays share the work: a bucket is read and emptied by one at a time, under an advisory lock. A key's events are written
under that key's row lock, so within a bucket they lie in the order they happened.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import DatabaseError, InterfaceError, connection
from psycopg_pool import PoolTimeout

from core import metrics
from core.clock import now
from core.dispatch import deliver, event_of, is_key_parked, park
from core.locks import bucket_for_itself
from core.models import OutboxEvent
from core.problems import is_overload
from core.types import Event, Subscriber

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.05
BATCH = 200
TRIES = 5
FIRST_DELAY_SECONDS = 0.1
DELAY_GROWTH = 4.0
LONGEST_DELAY_SECONDS = 10.0
# A database too busy to answer in time is no fault of the event's: some three minutes pass before that parks it.
TRIES_WHILE_BUSY = 20
REST_AFTER_FAILURE_SECONDS = 1.0
DATABASE_TROUBLE = (DatabaseError, InterfaceError, PoolTimeout)
Subscribers = Mapping[str, Sequence[Subscriber]]


@dataclass(slots=True)
class Failing:
    """How often an event failed for a group, and when to try again (by the monotonic clock)."""

    tries: int = 0
    due: float = 0.0


@dataclass(slots=True)
class Relay:
    """Empties the outbox into ``subscribers`` until ``stop`` is set. ``clock`` is monotonic, in seconds."""

    subscribers: Subscribers
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.monotonic
    _failing: dict[tuple[str, str], Failing] = field(default_factory=dict)

    def run(self) -> None:
        """Poll until told to stop. PostgreSQL going away is waited out."""
        while not self.stop.is_set():
            try:
                busy = self.run_once() > 0
            except DATABASE_TROUBLE as trouble:
                logger.warning("The relay waits for PostgreSQL: %s", trouble)
                connection.close()
                self.stop.wait(REST_AFTER_FAILURE_SECONDS)
                continue
            if not busy:
                self.stop.wait(POLL_SECONDS)

    def run_once(self) -> int:
        """Go once through the buckets that hold something; how many events left the outbox."""
        buckets = OutboxEvent.objects.filter(published_at=None).values_list("bucket", flat=True).distinct()
        return sum(self._empty(bucket) for bucket in list(buckets) if not self.stop.is_set())

    def _empty(self, bucket: int) -> int:
        with bucket_for_itself(bucket) as mine:
            if not mine:
                return 0
            rows = list(OutboxEvent.objects.filter(bucket=bucket, published_at=None).order_by("id")[:BATCH])
            done: list[int] = []
            waiting: set[str] = set()
            try:
                for row in rows:
                    if row.key in waiting or self.stop.is_set():
                        continue
                    if self._hand_out(event_of(row)):
                        done.append(row.pk)
                    else:
                        waiting.add(row.key)
            finally:
                OutboxEvent.objects.filter(pk__in=done).update(published_at=now())
                metrics.events_total.labels("published").inc(len(done))
        return len(done)

    def _hand_out(self, event: Event) -> bool:
        """Give ``event`` to every subscriber; whether each has taken it or had it parked."""
        results = [self._give(event, subscriber) for subscriber in self.subscribers.get(event.type, ())]
        return all(results)

    def _give(self, event: Event, subscriber: Subscriber) -> bool:
        mark = (str(event.event_id), subscriber.group)
        failing = self._failing.get(mark, Failing())
        if self.clock() < failing.due:
            return False
        if is_key_parked(event, subscriber):
            park(event, subscriber, attempts=0, error="waits behind an earlier event of its key", now=now())
            return True
        try:
            deliver(event, subscriber, now=now())
        except DATABASE_TROUBLE as trouble:
            if not connection.is_usable():
                raise
            return self._failed(event, subscriber, failing, trouble)
        except Exception as error:  # noqa: BLE001 - whatever a subscriber raises must not hold up other keys
            return self._failed(event, subscriber, failing, error)
        self._failing.pop(mark, None)
        return True

    def _failed(self, event: Event, subscriber: Subscriber, failing: Failing, error: Exception) -> bool:
        """Note a failure; whether the event is out of the way, which it is once parked."""
        mark = (str(event.event_id), subscriber.group)
        tries = failing.tries + 1
        metrics.events_total.labels("failed").inc()
        logger.warning("Try %d of event %s for %s failed", tries, event.type, subscriber.group, exc_info=error)
        if tries >= (TRIES_WHILE_BUSY if is_overload(error) else TRIES):
            park(event, subscriber, attempts=tries, error=f"{type(error).__name__}: {error}", now=now())
            metrics.events_total.labels("parked").inc()
            self._failing.pop(mark, None)
            return True
        delay = min(FIRST_DELAY_SECONDS * DELAY_GROWTH ** (tries - 1), LONGEST_DELAY_SECONDS)
        self._failing[mark] = Failing(tries, self.clock() + delay)
        return False
