"""How this shop speaks to Kafka: what its clients are told, and what topics are called."""

import logging
from typing import Any

from confluent_kafka import Producer
from django.conf import settings

logger = logging.getLogger(__name__)
DEAD_LETTERS = ".dlq"


def is_on() -> bool:
    """Whether there is a broker to speak to; without one the relay hands events out itself."""
    return bool(settings.KAFKA_BOOTSTRAP_SERVERS)


def name_of(topic: str) -> str:
    """What the broker calls ``topic``: several shops may share a broker."""
    return f"{settings.KAFKA_TOPIC_PREFIX}{topic}"


def client_settings() -> dict[str, Any]:
    """What every client is told."""
    return {"bootstrap.servers": settings.KAFKA_BOOTSTRAP_SERVERS, "log_level": 4, "logger": logger}


def make_producer() -> Producer:
    """A producer that keeps the order of a key, doubles nothing by retries, and never gives an event up by itself."""
    return Producer(
        {
            **client_settings(),
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "lz4",
            "linger.ms": 5,
            # The outbox waits as long as it takes; an event given up would be overtaken by the next of its key.
            "message.timeout.ms": 0,
            # As clients in Java do it: whoever produces a key from elsewhere finds the same partition.
            "partitioner": "murmur2_random",
        }
    )
