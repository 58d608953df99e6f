"""Events on their way over each transport, step by step in the test's own process."""

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from confluent_kafka import Consumer, Message, TopicPartition
from django.db import transaction

from core import events, kafka
from core.clock import now
from core.consumer import TopicConsumer
from core.courier import Courier
from core.envelope import from_wire
from core.outlets import KafkaOutlet, LocalOutlet
from core.relay import Relay
from core.subscriptions import consumers
from core.types import Subscriber
from tests.events.happened import TOPIC, Happened

Subscribers = Mapping[str, Sequence[Subscriber]]


class Transport(Protocol):
    """Brings events from the outbox to the subscribers."""

    def step(self) -> None:
        """Bring what is due."""

    def another_relay(self) -> Relay:
        """A relay as a second process would have it."""

    def close(self) -> None:
        """Leave."""


@dataclass(slots=True)
class Local:
    """The relay hands events out itself."""

    subscribers: Subscribers
    clock: Callable[[], float]
    relay: Relay = field(init=False)

    def __post_init__(self) -> None:
        self.relay = Relay(LocalOutlet(self.subscribers, Courier(clock=self.clock)))

    def step(self) -> None:
        """See `Transport`."""
        self.relay.run_once()

    def another_relay(self) -> Relay:
        """See `Transport`."""
        return Relay(LocalOutlet(self.subscribers, Courier(clock=self.clock)))

    def close(self) -> None:
        """See `Transport`."""


@dataclass(slots=True)
class OverKafka:
    """The relay produces, a consumer consumes."""

    subscribers: Subscribers
    clock: Callable[[], float]
    relay: Relay = field(init=False)
    consumers: list[TopicConsumer] = field(init=False)

    def __post_init__(self) -> None:
        self.relay = Relay(KafkaOutlet())
        self.consumers = consumers(self.subscribers, stop=threading.Event())
        for consumer in self.consumers:
            consumer.courier = Courier(clock=self.clock)

    def step(self) -> None:
        """See `Transport`. Until everything that is in Kafka was fetched."""
        self.relay.run_once()
        for consumer in self.consumers:
            consumer.run_once()
            while not _has_fetched_all(consumer):
                consumer.run_once()

    def another_relay(self) -> Relay:
        """See `Transport`."""
        return Relay(KafkaOutlet())

    def close(self) -> None:
        """See `Transport`."""
        self.relay.outlet.close()
        for consumer in self.consumers:
            consumer.close()


def _has_fetched_all(consumer: TopicConsumer) -> bool:
    """Whether the consumer has partitions, and stands at the end of each."""
    inner = consumer._consumer
    assert inner is not None
    assigned = inner.assignment()
    if not assigned:
        return False
    # Asked by another client: the consumer's own connection is busy waiting for what comes next.
    asking = Consumer({**kafka.client_settings(), "group.id": "asking"})
    try:
        for place in assigned:
            _low, high = asking.get_watermark_offsets(TopicPartition(place.topic, place.partition), timeout=5)
            if consumer._partitions[place.partition].next_offset < high and high > 0:
                return False
        return True
    finally:
        asking.close()


def publish(key: str, *numbers: int, note: str = "") -> None:
    """Events of one key, in one transaction."""
    with transaction.atomic():
        for n in numbers:
            events.publish(Happened(n=n, note=note), key=key, now=now())


def dead_letters() -> list[tuple[str, str, str]]:
    """What lies in the topic's dead letters: key, type of event and group."""
    reader = Consumer({**kafka.client_settings(), "group.id": str(uuid.uuid4()), "enable.auto.commit": False})
    place = TopicPartition(f"{kafka.name_of(TOPIC)}{kafka.DEAD_LETTERS}", 0)
    _low, high = reader.get_watermark_offsets(place, timeout=10)
    reader.assign([TopicPartition(place.topic, 0, 0)])
    found: list[Message[Any, Any]] = []
    while len(found) < high:
        found += reader.consume(high, 1)
    reader.close()
    headers: list[dict[str, Any]] = [dict(message.headers() or []) for message in found]
    return [
        ((message.key() or b"").decode(), from_wire(message.value() or b"").type, header["group"].decode())
        for message, header in zip(found, headers, strict=True)
    ]
