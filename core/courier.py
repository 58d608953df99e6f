"""Brings events to one subscriber after another, and bears with those that fail: tries again ever later, and at last parks.

The relay uses it where there is no Kafka, and consumers where there is: what happens to an event is the same.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from django.db import DatabaseError, InterfaceError, connection
from psycopg_pool import PoolTimeout

from core import metrics
from core.clock import now
from core.dispatch import deliver, deliver_together, is_key_parked, park
from core.generations import Generations
from core.problems import is_overload
from core.types import Event, Subscriber

logger = logging.getLogger(__name__)
TRIES = 5
FIRST_DELAY_SECONDS = 0.1
DELAY_GROWTH = 4.0
LONGEST_DELAY_SECONDS = 10.0
# A database too busy to answer in time is no fault of the event's: some three minutes pass before that parks it.
TRIES_WHILE_BUSY = 20
DATABASE_TROUBLE = (DatabaseError, InterfaceError, PoolTimeout)


class Result(Enum):
    """What became of an event at a subscriber: it waits for its next try, or is out of the way."""

    WAITS = "waits"
    TAKEN = "taken"
    PARKED = "parked"


@dataclass(slots=True)
class _Failing:
    """How often an event failed for a group, and when to try again (by the monotonic clock)."""

    tries: int = 0
    due: float = 0.0


@dataclass(slots=True)
class Courier:
    """Remembers what failed. ``clock`` is monotonic, in seconds."""

    clock: Callable[[], float] = time.monotonic
    generations: Generations = field(default_factory=Generations)
    _failing: dict[tuple[str, str], _Failing] = field(default_factory=dict)

    def bring(self, event: Event, subscriber: Subscriber) -> Result:
        """Give ``event`` to ``subscriber``, unless it is too early for another try. Raises DATABASE_TROUBLE when that is away."""
        mark = (str(event.event_id), subscriber.group)
        failing = self._failing.get(mark, _Failing())
        if self.clock() < failing.due:
            return Result.WAITS
        generation = self.generations.of(subscriber.group, event.topic)
        if is_key_parked([event.key], subscriber, generation=generation):
            reason = "waits behind an earlier event of its key"
            park(event, subscriber, generation=generation, attempts=0, error=reason, now=now())
            return Result.PARKED
        try:
            deliver(event, subscriber, generation=generation, now=now())
        except DATABASE_TROUBLE as trouble:
            if not connection.is_usable():
                raise
            return self._failed(event, subscriber, generation, failing, trouble)
        except Exception as error:  # noqa: BLE001 - whatever a subscriber raises must not hold up other keys
            return self._failed(event, subscriber, generation, failing, error)
        self._failing.pop(mark, None)
        return Result.TAKEN

    def bring_together(self, events: Sequence[Event], subscriber: Subscriber) -> bool:
        """Give several to ``subscriber`` in one transaction; whether it has taken all. If not, `bring` each.

        Raises DATABASE_TROUBLE when that is away.
        """
        if any((str(event.event_id), subscriber.group) in self._failing for event in events):
            return False
        generations = {self.generations.of(subscriber.group, event.topic) for event in events}
        if len(generations) > 1:
            return False
        (generation,) = generations
        if is_key_parked({event.key for event in events}, subscriber, generation=generation):
            return False
        try:
            deliver_together(events, subscriber, generation=generation, now=now())
        except DATABASE_TROUBLE:
            if not connection.is_usable():
                raise
            return False
        except Exception:  # noqa: BLE001 - which of them it was shows when each is brought alone
            return False
        return True

    def _failed(
        self, event: Event, subscriber: Subscriber, generation: int, failing: _Failing, error: Exception
    ) -> Result:
        mark = (str(event.event_id), subscriber.group)
        tries = failing.tries + 1
        metrics.events_total.labels("failed").inc()
        logger.warning("Try %d of event %s for %s failed", tries, event.type, subscriber.group, exc_info=error)
        if tries >= (TRIES_WHILE_BUSY if is_overload(error) else TRIES):
            reason = f"{type(error).__name__}: {error}"
            park(event, subscriber, generation=generation, attempts=tries, error=reason, now=now())
            metrics.events_total.labels("parked").inc()
            self._failing.pop(mark, None)
            return Result.PARKED
        delay = min(FIRST_DELAY_SECONDS * DELAY_GROWTH ** (tries - 1), LONGEST_DELAY_SECONDS)
        self._failing[mark] = _Failing(tries, self.clock() + delay)
        return Result.WAITS
