"""One suite over both transports: on the real broker of the run, and without one."""

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from pytest_django import Settings

from core import dispatch, topics
from core.event_types import read
from core.models import AuditLog, ConsumerGroup
from core.types import Event, Subscriber
from tests.events.happened import TOPIC, TYPE, Happened
from tests.events.transports import Local, OverKafka, Transport
from tests.servers.kafka import shared_kafka

SUBSCRIBERS = {TYPE: (Subscriber("test", "tests.events.conftest.take", together=20),)}


class Bench:
    """What the subscriber reads events as, what it understood, and what is wrong with it; the clock of waits between tries."""

    def __init__(self) -> None:
        self.reads: type = Happened
        self.understood: list[object] = []
        self.broken: set[str] = set()
        self.seconds = 0.0

    def effects(self, key: str = "") -> list[int]:
        """The numbers of the events whose effect happened, in the order it happened."""
        rows = AuditLog.objects.filter(action="test.effect").order_by("pk")
        return [row.data["n"] for row in (rows.filter(object_id=key) if key else rows)]


bench = Bench()


def take(event: Event, *, now: Any) -> None:
    """A subscriber whose effect is a row, so that it stands or falls with its mark."""
    understood: Any = read(event, bench.reads)
    bench.understood.append(understood)
    AuditLog.objects.create(
        at=now, action="test.effect", object_type="event", object_id=event.key, data={"n": understood.n}
    )
    if event.key in bench.broken:
        raise ValueError("a bug in the subscriber")


@pytest.fixture(autouse=True)
def told() -> Bench:
    """Fresh for every test."""
    bench.__init__()  # type: ignore[misc]  # the module's one, which the subscriber knows
    dispatch._handler.cache_clear()
    return bench


@pytest.fixture
def broker(settings: Settings, transactional_db: None) -> str:
    """The run's broker, with topics that are this test's alone."""
    servers = shared_kafka()
    settings.KAFKA_BOOTSTRAP_SERVERS = servers
    settings.KAFKA_TOPIC_PREFIX = f"{uuid.uuid4().hex[:8]}."
    settings.KAFKA_TOPICS = {TOPIC: 3}
    topics.create()
    return servers


@pytest.fixture(params=["local", "kafka"])
def transport(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[Transport]:
    """Each test that asks for it runs over both."""
    with ExitStack() as stack:
        if request.param == "kafka":
            request.getfixturevalue("broker")
        made: Transport = (OverKafka if request.param == "kafka" else Local)(SUBSCRIBERS, clock=lambda: bench.seconds)
        stack.callback(made.close)
        yield made


@pytest.fixture(autouse=True)
def no_generations(request: pytest.FixtureRequest) -> Iterator[None]:
    """Groups are in their first generation before and after."""
    yield
    if "transactional_db" in request.fixturenames:
        ConsumerGroup.objects.all().delete()
