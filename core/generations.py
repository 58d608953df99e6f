"""Which generation a group of subscribers is in: replaying a topic opens a new one, in which its events are new to the group."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F

from core.models import ConsumerGroup

REMEMBERED_SECONDS = 2.0
FIRST = 1


def of(group: str, topic: str) -> int:
    """The generation of ``group`` in ``topic`` as the database has it. One query."""
    found = ConsumerGroup.objects.filter(name=group, topic=topic).values_list("generation", flat=True)
    return found.first() or FIRST


def replay_start(group: str, topic: str) -> datetime | None:
    """From when on the present generation takes events; None is from the first that is kept. One query."""
    found = ConsumerGroup.objects.filter(name=group, topic=topic).values_list("replay_from", flat=True)
    return found.first()


def open_next(group: str, topic: str, *, since: datetime, now: datetime) -> int:
    """Begin the next generation, which takes events from ``since`` on; its number."""
    rows = ConsumerGroup.objects.filter(name=group, topic=topic)
    ConsumerGroup.objects.get_or_create(name=group, topic=topic, defaults={"generation": FIRST, "opened_at": now})
    rows.update(generation=F("generation") + 1, replay_from=since, opened_at=now)
    return of(group, topic)


@dataclass(slots=True)
class Generations:
    """The generations of groups, read anew every few seconds: whoever handles many events does not ask for each."""

    clock: Callable[[], float] = time.monotonic
    _known: dict[tuple[str, str], tuple[int, float]] = field(default_factory=dict)

    def of(self, group: str, topic: str) -> int:
        """The generation of ``group`` in ``topic``, at most REMEMBERED_SECONDS old."""
        generation, read_at = self._known.get((group, topic), (0, -REMEMBERED_SECONDS))
        if not generation or self.clock() - read_at > REMEMBERED_SECONDS:
            generation = of(group, topic)
            self._known[group, topic] = (generation, self.clock())
        return generation
