"""Over each transport: in order per key, each effect once, and what fails holds up its own key alone."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from core import events
from core.clock import now
from core.courier import TRIES
from core.models import EventMark, OutboxEvent, ParkedEvent
from core.services import replay, retry_parked
from tests.events.conftest import Bench
from tests.events.happened import TOPIC, TYPE, Happened
from tests.events.transports import OverKafka, Transport, dead_letters, publish

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers]


def test_events_of_a_key_arrive_in_order_and_once(transport: Transport, told: Bench) -> None:
    publish("a", 1, 2)
    publish("b", 1)
    publish("a", 3)

    transport.step()
    transport.step()

    assert (told.effects("a"), told.effects("b")) == ([1, 2, 3], [1])
    assert EventMark.objects.count() == 4
    assert not OutboxEvent.objects.filter(published_at=None).exists()


def test_a_relay_killed_before_it_marked_its_events_sent_repeats_no_effect(transport: Transport, told: Bench) -> None:
    publish("a", 1, 2)
    transport.step()

    OutboxEvent.objects.update(published_at=None)
    transport.step()

    assert told.effects() == [1, 2]


def test_what_was_rolled_back_never_leaves(transport: Transport, told: Bench) -> None:
    with transaction.atomic():
        events.publish(Happened(n=1), key="a", now=now())
        transaction.set_rollback(True)
    publish("a", 2)

    transport.step()

    assert told.effects() == [2]


def test_a_poison_event_is_parked_with_all_later_ones_of_its_key_and_others_go_on(
    transport: Transport, told: Bench
) -> None:
    told.broken.add("bad")
    publish("bad", 1, 2)
    publish("good", 1)

    for attempt in range(TRIES):
        transport.step()
        assert told.effects() == [1], attempt
        told.seconds += 1000

    parked = [(row.key, row.data["n"], row.attempts) for row in ParkedEvent.objects.order_by("id")]
    assert parked == [("bad", 1, TRIES), ("bad", 2, 0)]
    publish("bad", 3)
    publish("good", 2)
    transport.step()
    assert told.effects() == [1, 2]
    assert ParkedEvent.objects.count() == 3
    if isinstance(transport, OverKafka):
        assert dead_letters() == [("bad", TYPE, "test")] * 3


def test_once_the_bug_is_mended_the_key_is_taken_in_order(transport: Transport, told: Bench) -> None:
    told.broken.add("bad")
    publish("bad", 1, 2)
    for _ in range(TRIES):
        transport.step()
        told.seconds += 1000
    parked = ParkedEvent.objects.order_by("id")[0]
    told.broken.clear()

    path = "tests.events.conftest.SUBSCRIBERS"
    assert retry_parked(parked_id=parked.pk, subscribers_path=path, now=now()) == 2
    publish("bad", 3)
    transport.step()

    assert told.effects("bad") == [1, 2, 3]


def test_a_replay_gives_a_group_everything_once_more_in_order(transport: Transport, told: Bench) -> None:
    publish("a", 1, 2)
    publish("b", 1)
    transport.step()

    replay(group="test", topic=TOPIC, since=now() - timedelta(hours=1), now=now())
    told_before = len(told.effects())
    refresh(transport)
    publish("a", 3)
    transport.step()
    transport.step()

    assert told_before == 3
    assert (told.effects("a"), told.effects("b")) == ([1, 2, 1, 2, 3], [1, 1])


def test_a_replay_from_a_moment_leaves_out_what_came_before(transport: Transport, told: Bench) -> None:
    publish("a", 1)
    transport.step()
    since = now()
    publish("a", 2)
    transport.step()

    replay(group="test", topic=TOPIC, since=since, now=now())
    refresh(transport)
    transport.step()

    assert told.effects("a") == [1, 2, 2]


@pytest.mark.race
def test_relays_side_by_side_send_every_event_in_order(transport: Transport, told: Bench) -> None:
    for n in range(20):
        for key in "abcde":
            publish(key, n)

    def work() -> None:
        relay = transport.another_relay()
        while OutboxEvent.objects.filter(published_at=None).exists():
            relay.run_once()
        relay.outlet.close()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    transport.step()

    for key in "abcde":
        assert told.effects(key) == list(range(20))


def refresh(transport: Transport) -> None:
    """What a process remembers of generations for some seconds is out of date at once."""
    couriers = [it.courier for it in getattr(transport, "consumers", ())]
    if not couriers:
        couriers = [transport.relay.outlet.courier]  # type: ignore[attr-defined]  # the local one's
    for courier in couriers:
        courier.generations._known.clear()
