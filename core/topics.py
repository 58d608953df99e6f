"""The topics that events go to, made once before the first event."""

from collections.abc import Mapping
from concurrent.futures import Future

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from django.conf import settings

from core import kafka

PATIENCE_SECONDS = 30
DEAD_LETTER_PARTITIONS = 1


def create() -> list[str]:
    """Make every topic of `KAFKA_TOPICS` that is not there, with its dead letters; what was done, a line each.

    One that is there stays as it is; other partitions than wanted are told. Raises KafkaException.
    """
    admin = AdminClient(kafka.client_settings())
    there = admin.list_topics(timeout=PATIENCE_SECONDS).topics
    lines = []
    wanted = {}
    for topic, partitions in settings.KAFKA_TOPICS.items():
        for name, count in (
            (kafka.name_of(topic), partitions),
            (f"{kafka.name_of(topic)}{kafka.DEAD_LETTERS}", DEAD_LETTER_PARTITIONS),
        ):
            if name not in there:
                wanted[name] = count
            elif len(there[name].partitions) != count:
                lines.append(f"{name} has {len(there[name].partitions)} partitions instead of {count}, and keeps them")
    if wanted:
        _wait(admin.create_topics([_new(name, count) for name, count in wanted.items()]))
    return [*(f"{name} made with {count} partitions" for name, count in wanted.items()), *lines]


def _new(name: str, partitions: int) -> NewTopic:
    retention = int(settings.KAFKA_RETENTION.total_seconds() * 1000)
    return NewTopic(
        name,
        num_partitions=partitions,
        replication_factor=settings.KAFKA_REPLICATION,
        config={
            "retention.ms": str(retention),
            "min.insync.replicas": str(max(1, settings.KAFKA_REPLICATION - 1)),
        },
    )


def _wait(made: "Mapping[str, Future[None]]") -> None:
    for future in made.values():
        try:
            future.result(PATIENCE_SECONDS)
        except KafkaException as problem:
            if problem.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # somebody else was quicker
                raise
