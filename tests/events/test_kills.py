"""Relays and consumers die at random, the broker dies under load: every effect happens once, in order per key."""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction
from pytest_django import Settings

from core import events, topics
from core.clock import now
from core.models import AuditLog, EventMark, OutboxEvent
from tests.events.conftest import Bench
from tests.events.happened import TYPE, Happened
from tests.events.processes import Processes, on_this_database
from tests.orders.arranged import basket, buy
from tests.orders.conftest import _provider, provider  # noqa: F401 - fixtures
from tests.servers.kafka import private_kafka
from tests.servers.simulator import Simulator
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers, pytest.mark.fault]
KEYS, ROUNDS, KILLS = 500, 20, 20
PATIENCE_SECONDS = 180


def publish_round(number: int) -> None:
    """One event of each key."""
    with transaction.atomic():
        events.publish_all({f"key-{key}": Happened(n=number) for key in range(KEYS)}, now=now())


def effects() -> dict[str, list[int]]:
    """The numbers of each key's effects, in the order they happened."""
    found: dict[str, list[int]] = defaultdict(list)
    for key, data in AuditLog.objects.filter(action="test.effect").order_by("pk").values_list("object_id", "data"):
        found[key].append(data["n"])
    return found


def assert_each_once_and_in_order(rounds: int) -> None:
    found = effects()
    assert len(found) == KEYS
    wrong = {key: numbers for key, numbers in found.items() if numbers != list(range(rounds))}
    assert wrong == {}
    assert EventMark.objects.count() == KEYS * rounds
    assert not OutboxEvent.objects.filter(type=TYPE, published_at=None).exists()


def all_happened(rounds: int) -> Callable[[], bool]:
    return lambda: AuditLog.objects.filter(action="test.effect").count() >= KEYS * rounds


def more_than(effects_before: int) -> Callable[[], bool]:
    return lambda: AuditLog.objects.count() > effects_before


@contextmanager
def stopped_in_the_end(processes: Processes, *names: str) -> Iterator[None]:
    for name in names:
        processes.start(name)
    try:
        yield
    finally:
        codes = processes.stop()
    assert codes == [0] * len(names)


@pytest.mark.parametrize("over", ["local", "kafka"])
def test_killed_at_random_twenty_times_every_effect_happens_once_and_in_order(
    over: str, request: pytest.FixtureRequest, settings: Settings, told: Bench
) -> None:
    names = ["relay_events 1", "relay_events 2"]
    told_of_kafka = {}
    if over == "kafka":
        servers = request.getfixturevalue("broker")
        told_of_kafka = {"KAFKA_BOOTSTRAP_SERVERS": servers, "KAFKA_TOPIC_PREFIX": settings.KAFKA_TOPIC_PREFIX}
        names += ["consume_events 1", "consume_events 2"]
    seed = time.time_ns()
    chance = random.Random(seed)
    print(f"seed {seed}")  # noqa: T201 - to be run again with
    processes = on_this_database(**told_of_kafka)

    with stopped_in_the_end(processes, *names):
        for number in range(ROUNDS):
            publish_round(number)
            victim = chance.choice(names)
            wait_for(more_than(AuditLog.objects.count()), "nothing goes on", seconds=PATIENCE_SECONDS)
            for _ in range(chance.randrange(200)):  # somewhere in what it does next
                AuditLog.objects.exists()
            processes.kill(victim)
        assert KILLS == ROUNDS
        wait_for(all_happened(ROUNDS), "not all effects happened", seconds=PATIENCE_SECONDS)
        wait_for(lambda: not OutboxEvent.objects.filter(published_at=None).exists(), "not all were marked", seconds=30)

    assert_each_once_and_in_order(ROUNDS)


def test_the_broker_dies_under_load_nothing_is_lost_and_checkout_goes_on(
    settings: Settings,
    provider: Simulator,  # noqa: F811 - the fixture
    told: Bench,
) -> None:
    rounds = 4
    with private_kafka() as broker:
        settings.KAFKA_BOOTSTRAP_SERVERS = broker.servers
        settings.KAFKA_TOPICS = dict.fromkeys(settings.KAFKA_TOPICS, 3)
        topics.create()
        processes = on_this_database(KAFKA_BOOTSTRAP_SERVERS=broker.servers)
        with stopped_in_the_end(processes, "relay_events 1", "consume_events 1"):
            publish_round(0)
            publish_round(1)
            wait_for(lambda: AuditLog.objects.count() > KEYS // 2, "nothing goes on", seconds=PATIENCE_SECONDS)

            broker.kill()
            publish_round(2)
            bought = buy(basket(1))
            publish_round(3)
            broker.start()

            wait_for(all_happened(rounds), "not all effects happened", seconds=PATIENCE_SECONDS)
            wait_for(
                lambda: not OutboxEvent.objects.filter(published_at=None).exists(), "not all were marked", seconds=30
            )

    assert bought.status_code == 201
    assert_each_once_and_in_order(rounds)
