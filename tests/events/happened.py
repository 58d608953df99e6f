"""The event that tests publish."""

from dataclasses import dataclass

from core.event_types import event

TOPIC = "order-events"
TYPE = "test.happened"


@event(TYPE, topic=TOPIC, key="whatever the test likes")
@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something that only tests do."""

    n: int = 0
    note: str = ""
