"""The relay: takes events out of the outbox, in order per key, and sends each through its outlet (DESIGN.md section 5).

Several relays share the work: a bucket is read and emptied by one at a time, under an advisory lock. A key's events are written
under that key's row lock, so within a bucket they lie in the order they happened.
"""

import logging
import random
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db import connection

from core import metrics
from core.clock import now
from core.courier import DATABASE_TROUBLE
from core.locks import buckets_for_itself
from core.models import OutboxEvent
from core.outlets import Outlet

logger = logging.getLogger(__name__)
POLL_SECONDS = 0.05
BATCH = 2000
# Of the 64 at a time, so that several relays find something to do.
BUCKETS_AT_ONCE = 16
REST_AFTER_FAILURE_SECONDS = 1.0


@dataclass(slots=True)
class Relay:
    """Empties the outbox through ``outlet`` until ``stop`` is set."""

    outlet: Outlet
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Poll until told to stop. PostgreSQL going away is waited out."""
        try:
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
        finally:
            self.outlet.close()

    def run_once(self) -> int:
        """Go once through the buckets that hold something; how many events left the outbox."""
        waiting = OutboxEvent.objects.filter(published_at=None).values_list("bucket", flat=True).distinct()
        buckets = list(waiting)
        random.shuffle(buckets)  # two relays that begin at the same one would follow each other for ever
        parts = [buckets[at : at + BUCKETS_AT_ONCE] for at in range(0, len(buckets), BUCKETS_AT_ONCE)]
        return sum(self._empty(part) for part in parts if not self.stop.is_set())

    def _empty(self, buckets: Sequence[int]) -> int:
        with buckets_for_itself(buckets) as mine:
            if not mine:
                return 0
            rows = list(OutboxEvent.objects.filter(bucket__in=mine, published_at=None).order_by("id")[:BATCH])
            done = self.outlet.send(rows, is_stopping=self.stop.is_set)
            if done:
                OutboxEvent.objects.filter(pk__in=done).update(published_at=now())
            metrics.events_total.labels("published").inc(len(done))
        return len(done)
