"""Where the relay's events go: to the subscribers of this process, or to Kafka. It asks both the same."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from typing import Protocol

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from core import kafka
from core.courier import Courier, Result
from core.dispatch import event_of
from core.envelope import to_wire
from core.models import OutboxEvent
from core.types import Event, Subscriber

logger = logging.getLogger(__name__)
# A topic that is not there, or whose broker is away, holds up the others of a batch for no longer.
SEND_SECONDS = 10.0
Subscribers = Mapping[str, Sequence[Subscriber]]


class Outlet(Protocol):
    """Takes events out of the process that relays them."""

    def send(self, rows: Sequence[OutboxEvent], *, is_stopping: Callable[[], bool]) -> list[int]:
        """Send ``rows``, those of a key in their order; the ids of those that have arrived for good.

        Of a key, none is among them whose earlier one is not. Raises DATABASE_TROUBLE (`core.courier`).
        """

    def close(self) -> None:
        """Let go of what is held."""


@dataclass(slots=True)
class LocalOutlet:
    """Hands events to ``subscribers`` itself, in this process."""

    subscribers: Subscribers
    courier: Courier = field(default_factory=Courier)

    def send(self, rows: Sequence[OutboxEvent], *, is_stopping: Callable[[], bool]) -> list[int]:
        """See `Outlet`. An event that fails holds up its own key alone, until it is taken or parked."""
        done: list[int] = []
        waiting: set[tuple[str, str]] = set()
        alone = 0
        place = 0
        while place < len(rows) and not is_stopping():
            chunk = self._leading_chunk(rows[place:]) if place >= alone and not waiting else []
            if len(chunk) > 1:
                if self._hand_out_together(chunk):
                    done += [row.pk for row in chunk]
                    place += len(chunk)
                else:
                    alone = place + len(chunk)
                continue
            row = rows[place]
            place += 1
            if (row.topic, row.key) not in waiting and self._hand_out(event_of(row)):
                done.append(row.pk)
            else:
                waiting.add((row.topic, row.key))
        return done

    def _leading_chunk(self, rows: Sequence[OutboxEvent]) -> Sequence[OutboxEvent]:
        """The first rows that have one subscriber in common, and no other, which takes several together."""
        listeners = self.subscribers.get(rows[0].type, ())
        if len(listeners) != 1:
            return rows[:1]
        most = listeners[0].together
        chunk = takewhile(lambda row: self.subscribers.get(row.type, ()) == listeners, rows[:most])
        return list(chunk)

    def _hand_out_together(self, rows: Sequence[OutboxEvent]) -> bool:
        (subscriber,) = self.subscribers[rows[0].type]
        return self.courier.bring_together([event_of(row) for row in rows], subscriber)

    def close(self) -> None:
        """See `Outlet`."""

    def _hand_out(self, event: Event) -> bool:
        """Give ``event`` to every subscriber; whether each has taken it or had it parked."""
        results = [self.courier.bring(event, subscriber) for subscriber in self.subscribers.get(event.type, ())]
        return Result.WAITS not in results


@dataclass(slots=True)
class KafkaOutlet:
    """Produces events to Kafka, and waits until the broker has them; what takes long comes again with the next batch."""

    _producer: Producer | None = None
    _wait_seconds: float = 0.2

    def send(self, rows: Sequence[OutboxEvent], *, is_stopping: Callable[[], bool]) -> list[int]:
        """See `Outlet`. What the broker has not acknowledged when the relay stops is sent again by the next one."""
        arrived: set[int] = set()
        producer = self._producer = self._producer or kafka.make_producer()
        try:
            for row in rows:
                self._produce(producer, row, arrived, is_stopping)
            deadline = time.monotonic() + SEND_SECONDS
            while producer.flush(self._wait_seconds) and not is_stopping() and time.monotonic() < deadline:
                pass
        except KafkaException as trouble:  # of a producer that can not go on: the next batch gets a new one
            logger.warning("The producer ended: %s", trouble)
            self.close()
        if len(producer):
            self.close()
        return _prefixes(rows, arrived)

    def close(self) -> None:
        """See `Outlet`. Events on their way are called back: they are still in the outbox."""
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(self._wait_seconds)
            self._producer = None

    def _produce(
        self, producer: Producer, row: OutboxEvent, arrived: set[int], is_stopping: Callable[[], bool]
    ) -> None:
        while not is_stopping():
            try:
                producer.produce(
                    kafka.name_of(row.topic),
                    key=row.key,
                    value=to_wire(event_of(row)),
                    on_delivery=partial(_note, row, arrived),
                )
                producer.poll(0)
                return
            except BufferError:  # its queue is full
                producer.poll(self._wait_seconds)


def _note(row: OutboxEvent, arrived: set[int], error: KafkaError | None, _message: Message) -> None:
    if error is None:
        arrived.add(row.pk)
    else:
        logger.warning("Event %s %s did not reach Kafka: %s", row.type, row.event_id, error)


def _prefixes(rows: Sequence[OutboxEvent], arrived: set[int]) -> list[int]:
    """The ids of what has arrived, but for what overtook an earlier one of its key."""
    done: list[int] = []
    held_up: set[tuple[str, str]] = set()
    for row in rows:
        if row.pk in arrived and (row.topic, row.key) not in held_up:
            done.append(row.pk)
        else:
            held_up.add((row.topic, row.key))
    return done
