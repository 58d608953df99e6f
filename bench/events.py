"""Events from commit to consumed effect, over each transport, beside a producer that has no database behind it: the limit."""

import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import quantiles

import django
import psycopg
from confluent_kafka import Producer
from rich.console import Console
from rich.table import Table

from tests.requirements import REPOSITORY
from tests.servers.kafka import shared_kafka
from tests.servers.shop import database

EVENTS = int(os.environ.get("BENCH_EVENTS", "20000"))
STEADY_RATE = 500
STEADY_SECONDS = int(os.environ.get("BENCH_SECONDS", "10"))
KEYS = 500
PATIENCE_SECONDS = 120
_PUBLISH = """
    INSERT INTO core_outboxevent (event_id, topic, key, bucket, type, version, data, occurred_at)
    SELECT gen_random_uuid(), 'order-events', 'key-' || n %% %(keys)s::int, (n %% %(keys)s::int) %% 64, 'test.happened', 1,
        jsonb_build_object('n', n), clock_timestamp()
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
"""
_EFFECTS = "SELECT count(*) FROM core_auditlog WHERE action = 'test.effect'"
_SENT = "SELECT count(*) FROM core_outboxevent WHERE published_at IS NOT NULL"
_DELAYS = """
    SELECT extract(epoch FROM a.at - o.occurred_at) FROM core_auditlog a
    JOIN core_outboxevent o ON o.data ->> 'n' = a.data ->> 'n' WHERE a.action = 'test.effect'
"""


@dataclass(frozen=True, slots=True)
class Transport:
    """What is started for it, and what that is told."""

    name: str
    commands: Sequence[str]
    environment: dict[str, str]


def main() -> None:
    """Measure and print the table."""
    servers = shared_kafka()
    prefix = f"bench-{uuid.uuid4().hex[:6]}."
    kafka = {"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_TOPIC_PREFIX": prefix}
    table = Table(
        "way",
        "relayed/s",
        "handled/s",
        f"p50 ms at {STEADY_RATE}/s",
        "p99 ms",
        title=f"{EVENTS} events that were waiting, then {STEADY_SECONDS} s of {STEADY_RATE} a second",
    )
    table.add_row("producer alone (the limit)", f"{_producer_alone(servers, prefix):,.0f}", "", "", "")
    for transport in (
        Transport("local: relay hands out", ["relay_events"], {"KAFKA_BOOTSTRAP_SERVERS": ""}),
        Transport("Kafka: relay, one consumer", ["relay_events", "consume_events"], kafka),
    ):
        table.add_row(transport.name, *_measure(transport))
    Console(width=100).print(table)


def _measure(transport: Transport) -> list[str]:
    with database(f"bench_events_{uuid.uuid4().hex[:6]}") as url:
        environment = {**os.environ, **transport.environment, "DATABASE_URL": url, "DATABASE_POOL": "0"}
        for arguments in (["migrate", "-v0"], *([["create_topics"]] if len(transport.commands) > 1 else [])):
            subprocess.run(
                [sys.executable, "manage.py", *arguments],
                cwd=REPOSITORY,
                env=environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_PUBLISH, {"keys": KEYS, "first": 1, "last": EVENTS})
            with _running(transport.commands, environment):
                relayed, handled = _rates(connection)
                first = EVENTS + 1
                connection.execute("DELETE FROM core_auditlog")
                _publish_steadily(connection, first)
                _until(connection, _EFFECTS, STEADY_RATE * STEADY_SECONDS)
                delays = [float(row[0]) * 1000 for row in connection.execute(_DELAYS)]
    cuts = quantiles(delays, n=100)
    return [f"{relayed:,.0f}", f"{handled:,.0f}", f"{cuts[49]:.0f}", f"{cuts[98]:.0f}"]


def _rates(connection: "psycopg.Connection[tuple[int]]") -> tuple[float, float]:
    """Events a second out of the outbox, and to their effect, from the first one on."""
    _until(connection, _SENT, 1)
    begin = time.perf_counter()
    before = _count(connection, _SENT)
    sent: list[float] = []
    watcher = threading.Thread(target=lambda: sent.append(_until_sent(connection.info.dsn, connection.info.password)))
    watcher.start()
    _until(connection, _EFFECTS, EVENTS)
    handled = EVENTS / (time.perf_counter() - begin)
    watcher.join()
    return (EVENTS - before) / (sent[0] - begin), handled


def _until_sent(dsn: str, password: str) -> float:
    with psycopg.connect(dsn, password=password, autocommit=True) as connection:
        _until(connection, _SENT, EVENTS)
    return time.perf_counter()


def _publish_steadily(connection: "psycopg.Connection[tuple[int]]", first: int) -> None:
    """STEADY_RATE events a second, in tenths of a second."""
    step = STEADY_RATE // 10
    begin = time.perf_counter()
    for tick in range(STEADY_SECONDS * 10):
        time.sleep(max(0.0, begin + tick / 10 - time.perf_counter()))
        at = first + tick * step
        connection.execute(_PUBLISH, {"keys": KEYS, "first": at, "last": at + step - 1})


def _until(connection: "psycopg.Connection[tuple[int]]", query: str, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _count(connection, query) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{query}: {count} were not reached within {PATIENCE_SECONDS} s")
        time.sleep(0.05)


def _count(connection: "psycopg.Connection[tuple[int]]", query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _running(commands: Sequence[str], environment: dict[str, str]) -> Iterator[None]:
    processes = [
        subprocess.Popen([sys.executable, "-m", "tests.events.processes", it], cwd=REPOSITORY, env=environment)
        for it in commands
    ]
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _producer_alone(servers: str, prefix: str) -> float:
    """Events a second that a producer sends, as the relay's is told, with nothing behind it."""
    os.environ.update(KAFKA_BOOTSTRAP_SERVERS=servers, KAFKA_TOPIC_PREFIX=prefix)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
    django.setup()
    from core import kafka, topics  # noqa: PLC0415 - needs the settings
    from core.envelope import to_wire  # noqa: PLC0415 - as above
    from core.types import Event  # noqa: PLC0415 - as above

    topics.create()
    event = Event(
        event_id=uuid.uuid4(),
        topic="order-events",
        key="key-1",
        type="test.happened",
        version=1,
        data={"n": 12345},
        occurred_at=datetime.now(UTC),
    )
    payload = to_wire(event)
    producer: Producer = kafka.make_producer()
    producer.produce(kafka.name_of("catalog-events"), key="warm", value=payload)
    producer.flush(30)
    begin = time.perf_counter()
    for n in range(EVENTS):
        producer.produce(kafka.name_of("catalog-events"), key=f"key-{n % KEYS}", value=payload)
        producer.poll(0)
        if len(producer) > 50_000:
            producer.flush(1)
    producer.flush(60)
    return EVENTS / (time.perf_counter() - begin)
