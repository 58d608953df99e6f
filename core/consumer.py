"""Takes one topic's events from Kafka for one group of subscribers (DESIGN.md section 5).

Each effect happens in a transaction of its own with the mark that it happened; the offset is committed after it. An event that
fails waits with all later ones of its key, others go on; at last it is parked and copied to the topic's dead letters.
"""

import logging
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice, takewhile
from typing import Any

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from django.conf import settings
from django.db import connection

from core import generations, kafka, metrics
from core.courier import DATABASE_TROUBLE, Courier, Result
from core.envelope import BadEnvelope, from_wire
from core.types import Event, Subscriber

logger = logging.getLogger(__name__)
BATCH = 500
HEARTBEATS = 5  # within a session: some may be late
WAIT_SECONDS = 0.1
REST_AFTER_FAILURE_SECONDS = 1.0
# Of a partition: so many wait in this process before no more are fetched, and so few until they are again.
MOST_WAITING, FEW_WAITING = 2000, 500
LAG_SECONDS = 10.0
DEAD_LETTER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class _Item:
    """A message as it lies in a partition, and the event in it; none where it makes no sense."""

    message: Message
    event: Event | None
    subscribers: Sequence[Subscriber]


@dataclass(slots=True)
class _Partition:
    """What was fetched of a partition and is not out of the way; ``next_offset`` comes after all that was fetched."""

    next_offset: int = OFFSET_INVALID
    committed: int = OFFSET_INVALID
    is_paused: bool = False
    waiting: deque[_Item] = field(default_factory=deque)

    @property
    def done_before(self) -> int:
        """The offset up to which everything is out of the way."""
        return int(self.waiting[0].message.offset() or 0) if self.waiting else self.next_offset


@dataclass(slots=True)
class TopicConsumer:
    """Consumes ``topic`` for ``group`` until ``stop`` is set; ``subscribers`` are the group's, by type of event."""

    group: str
    topic: str
    subscribers: dict[str, Sequence[Subscriber]]
    stop: threading.Event = field(default_factory=threading.Event)
    courier: Courier = field(default_factory=Courier)
    _partitions: dict[int, _Partition] = field(default_factory=dict)
    _consumer: Consumer | None = None
    _producer: Producer | None = None
    _generation: int = 0
    _lag_told_at: float = 0.0

    def run(self) -> None:
        """Consume. PostgreSQL and Kafka going away are waited out."""
        try:
            while not self.stop.is_set():
                try:
                    self.run_once()
                except DATABASE_TROUBLE as trouble:
                    logger.warning("Group %s waits for PostgreSQL: %s", self.group, trouble)
                    connection.close()
                    self.stop.wait(REST_AFTER_FAILURE_SECONDS)
                except KafkaException as trouble:
                    logger.warning("Group %s waits for Kafka: %s", self.group, trouble)
                    self.stop.wait(REST_AFTER_FAILURE_SECONDS)
        finally:
            self.close()
            connection.close()

    def run_once(self) -> int:
        """Fetch what is there, and handle what is due; how many events are out of the way by that.

        Raises DATABASE_TROUBLE and KafkaException; what was fetched is handled by the next call.
        """
        consumer = self._open()
        first = consumer.poll(WAIT_SECONDS)
        if first is not None:
            # Nothing may go wrong before all of them are taken in: they will not be fetched again.
            for message in (first, *consumer.consume(BATCH, 0)):
                self._take_in(message)
        done = sum(self._handle(partition) for partition in list(self._partitions.values()))
        self._commit(asynchronous=True)
        self._keep_within_bounds()
        self._tell_lag()
        return done

    def close(self) -> None:
        """Leave the group, with all that was done committed."""
        if self._consumer is not None:
            self._commit(asynchronous=False)
            self._consumer.close()
            self._consumer = None
            self._partitions.clear()

    def _open(self) -> Consumer:
        """The consumer of the group's present generation; another one when a replay has opened the next."""
        generation = self.courier.generations.of(self.group, self.topic)
        if self._consumer is not None and generation == self._generation:
            return self._consumer
        self.close()
        self._generation = generation
        session = int(settings.KAFKA_SESSION_TIMEOUT.total_seconds() * 1000)
        consumer = Consumer(
            {
                **kafka.client_settings(),
                "group.id": f"{kafka.name_of(self.group)}.{self.topic}.{generation}",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "fetch.error.backoff.ms": 100,
                "session.timeout.ms": session,
                "heartbeat.interval.ms": session // HEARTBEATS,
            }
        )
        consumer.subscribe([kafka.name_of(self.topic)], on_assign=self._on_assign, on_revoke=self._on_revoke)
        self._consumer = consumer
        return consumer

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Go on where the group was; a generation that begins, at the moment that its replay names."""
        since = generations.replay_start(self.group, self.topic)
        if since is not None:
            partitions = _from_moment(consumer, partitions, since)
        for partition in partitions:
            self._partitions[partition.partition] = _Partition()
        consumer.assign(partitions)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Somebody else goes on with them, right behind what was done here."""
        self._commit(asynchronous=False)
        for partition in partitions:
            self._partitions.pop(partition.partition, None)

    def _take_in(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            logger.warning("Group %s: %s", self.group, error)
            return
        partition = self._partitions.get(message.partition() or 0)
        if partition is None:  # it was revoked while this was on its way
            return
        partition.next_offset = (message.offset() or 0) + 1
        try:
            event = from_wire(message.value() or b"")
        except BadEnvelope as problem:
            logger.warning("Group %s: what lies at %s makes no sense: %s", self.group, _place(message), problem)
            partition.waiting.append(_Item(message, None, ()))
            return
        subscribers = self.subscribers.get(event.type, ())
        if subscribers:
            partition.waiting.append(_Item(message, event, subscribers))

    def _handle(self, partition: _Partition) -> int:
        """Bring what is due to its subscribers, each key in its order; how many are out of the way."""
        held_up: set[bytes | str | None] = set()
        kept: deque[_Item] = deque()
        before = len(partition.waiting)
        alone = 0
        try:
            while partition.waiting and not self.stop.is_set():
                chunk = _leading_chunk(partition.waiting) if not alone and not held_up else 1
                if chunk > 1:
                    alone = 0 if self._bring_together(partition, chunk) else chunk
                    continue
                alone = max(0, alone - 1)
                item = partition.waiting[0]
                key = item.message.key()
                if key in held_up or not self._bring(item):
                    held_up.add(key)
                    kept.append(item)
                partition.waiting.popleft()
        finally:
            kept.extend(partition.waiting)
            partition.waiting = kept
        return before - len(kept)

    def _bring_together(self, partition: _Partition, count: int) -> bool:
        """Whether the first ``count`` events are out of the way, by one transaction."""
        items = [partition.waiting[place] for place in range(count)]
        (subscriber,) = items[0].subscribers
        taken = self.courier.bring_together([item.event for item in items if item.event], subscriber)
        if taken:
            for _ in range(count):
                partition.waiting.popleft()
        return taken

    def _bring(self, item: _Item) -> bool:
        """Whether the event is out of the way."""
        if item.event is None:
            self._bury(item.message, "it makes no sense")
            return True
        results = [self.courier.bring(item.event, subscriber) for subscriber in item.subscribers]
        if Result.PARKED in results and Result.WAITS not in results:
            self._bury(item.message, "parked")
        return Result.WAITS not in results

    def _bury(self, message: Message, reason: str) -> None:
        """Copy a message to the topic's dead letters. Raises KafkaException where it did not get there, and is to come again."""
        producer = self._producer = self._producer or kafka.make_producer()
        headers: list[tuple[str, Any]] = [("group", self.group), ("from", _place(message)), ("reason", reason[:500])]
        producer.produce(
            f"{message.topic()}{kafka.DEAD_LETTERS}", key=message.key(), value=message.value(), headers=headers
        )
        if producer.flush(DEAD_LETTER_SECONDS):
            producer.purge()
            raise KafkaException(KafkaError(KafkaError._MSG_TIMED_OUT, "dead letters do not arrive"))  # noqa: SLF001

    def _commit(self, *, asynchronous: bool) -> None:
        if self._consumer is None:
            return
        name = kafka.name_of(self.topic)
        offsets = []
        for number, partition in self._partitions.items():
            if partition.done_before not in (OFFSET_INVALID, partition.committed):
                partition.committed = partition.done_before
                offsets.append(TopicPartition(name, number, partition.done_before))
        if offsets:
            try:
                if asynchronous:
                    self._consumer.commit(offsets=offsets, asynchronous=True)
                else:
                    self._consumer.commit(offsets=offsets, asynchronous=False)
            except KafkaException as trouble:  # what was done is marked: handled again, it does nothing
                logger.warning("Group %s could not commit: %s", self.group, trouble)

    def _keep_within_bounds(self) -> None:
        """Fetch no more of partitions of which much is waiting."""
        assert self._consumer is not None
        for number, partition in self._partitions.items():
            place = [TopicPartition(kafka.name_of(self.topic), number)]
            if len(partition.waiting) > MOST_WAITING and not partition.is_paused:
                self._consumer.pause(place)
                partition.is_paused = True
            elif len(partition.waiting) < FEW_WAITING and partition.is_paused:
                self._consumer.resume(place)
                partition.is_paused = False

    def _tell_lag(self) -> None:
        """How far behind the end of its partitions this process is, every few seconds."""
        if self._consumer is None or self.courier.clock() - self._lag_told_at < LAG_SECONDS:
            return
        self._lag_told_at = self.courier.clock()
        lag = 0
        for number, partition in self._partitions.items():
            place = TopicPartition(kafka.name_of(self.topic), number)
            _low, high = self._consumer.get_watermark_offsets(place, cached=True)
            if partition.done_before >= 0:
                lag += max(0, high - partition.done_before)
        metrics.consumer_lag.labels(self.group, self.topic).set(lag)


def _leading_chunk(waiting: Sequence[_Item]) -> int:
    """How many of the first events have one subscriber in common, and no other, which takes so many together."""
    listeners = waiting[0].subscribers
    if len(listeners) != 1:
        return 1
    most = listeners[0].together
    return sum(1 for _ in takewhile(lambda item: item.subscribers == listeners, islice(waiting, most)))


def _from_moment(consumer: Consumer, partitions: list[TopicPartition], since: datetime) -> list[TopicPartition]:
    """``partitions`` at what the group has committed, and those of which it has nothing at the moment ``since``."""
    committed = consumer.committed(partitions, timeout=10)
    fresh = [it for it in committed if it.offset < 0]
    moment = int(since.timestamp() * 1000)
    found = consumer.offsets_for_times([TopicPartition(it.topic, it.partition, moment) for it in fresh], timeout=10)
    return [it for it in committed if it.offset >= 0] + found


def _place(message: Message) -> str:
    return f"{message.topic()}[{message.partition()}]@{message.offset()}"
