"""Figures of what no domain owns."""

from typing import Any

from django.db.models import Count, Min
from prometheus_client import Counter, Gauge

from core.clock import now
from core.models import OutboxEvent, ParkedEvent

events_total = Counter("events_total", "Events of the outbox by what became of them", ["result"])
outbox_unpublished = Gauge("outbox_unpublished", "Events waiting in the outbox", multiprocess_mode="mostrecent")
outbox_oldest_seconds = Gauge(
    "outbox_oldest_seconds", "Age of the oldest event waiting", multiprocess_mode="mostrecent"
)
consumer_lag = Gauge(
    "event_consumer_lag",
    "Events of a topic that a group has not handled",
    ["group", "topic"],
    multiprocess_mode="livesum",
)
events_parked = Gauge("events_parked", "Events set aside after failing", multiprocess_mode="mostrecent")


def observe_outbox() -> None:
    """Read the outbox' figures, when somebody asks for them: a relay that is dead could not tell. Two queries."""
    found: dict[str, Any] = OutboxEvent.objects.filter(published_at=None).aggregate(
        n=Count("pk"), oldest=Min("occurred_at")
    )
    outbox_unpublished.set(found["n"])
    outbox_oldest_seconds.set((now() - found["oldest"]).total_seconds() if found["oldest"] else 0)
    events_parked.set(ParkedEvent.objects.filter(resolved_at=None).count())
