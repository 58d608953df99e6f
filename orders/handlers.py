"""How orders react to what is told about their payments. Each runs in the transaction that marks the event as taken."""

from datetime import datetime

from core.types import Event
from orders import operations


def follow_payment(event: Event, *, now: datetime) -> None:
    """A payment moved: its order follows it as it stands now, so that events may come late, twice and in any order."""
    operations.follow_payment(number=event.key, now=now)


def payment_capture_refused(event: Event, *, now: datetime) -> None:
    """The money could not be taken, for good: the order ends and its goods go back."""
    operations.cancel_uncaptured(number=event.key, now=now)
