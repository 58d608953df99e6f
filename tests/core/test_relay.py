"""Events leave the outbox in order per key, each effect once, and one that fails holds up only its own key."""

import threading
import uuid
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.test import Client

from accounts.models import User
from core import dispatch, events
from core.clock import now
from core.courier import LONGEST_DELAY_SECONDS, TRIES, TRIES_WHILE_BUSY, Courier
from core.models import EventMark, OutboxEvent, ParkedEvent
from core.outlets import LocalOutlet
from core.relay import Relay
from core.services import forget_old, retry_parked
from core.types import Event, Subscriber
from tests.events.happened import Happened
from tests.factories import PASSWORD, make_user

SUBSCRIBERS = {"test.happened": (Subscriber("test", "tests.core.test_relay.take"),)}
taken: list[tuple[str, int]] = []
broken: set[str] = set()
busy: set[str] = set()
CLOCK = {"now": 0.0}


def take(event: Event, *, now: Any) -> None:
    """A subscriber whose effect is a row, so that it stands or falls with its mark."""
    make_user(email=f"{event.key}-{event.data['n']}-{uuid.uuid4().hex[:6]}@example.com")
    if event.key in busy:
        raise OperationalError("the database is busy")
    if event.key in broken:
        raise ValueError("a bug in the subscriber")
    taken.append((event.key, event.data["n"]))


@pytest.fixture(autouse=True)
def _fresh() -> None:
    taken.clear()
    broken.clear()
    busy.clear()
    CLOCK["now"] = 0.0
    dispatch._handler.cache_clear()


def _publish(key: str, *numbers: int) -> None:
    with transaction.atomic():
        for n in numbers:
            events.publish(Happened(n=n), key=key, now=now())


def _relay() -> Relay:
    return Relay(LocalOutlet(SUBSCRIBERS, Courier(clock=lambda: CLOCK["now"])))


def _effects() -> int:
    return User.objects.count()


@pytest.mark.django_db
def test_publishing_outside_a_transaction_is_refused(transactional_db: None) -> None:
    with pytest.raises(RuntimeError, match="inside its caller's transaction"):
        events.publish(Happened(), key="a", now=now())


@pytest.mark.django_db(transaction=True)
def test_events_of_a_key_arrive_in_order_and_once() -> None:
    _publish("a", 1, 2)
    _publish("b", 1)
    _publish("a", 3)

    assert _relay().run_once() == 4
    assert _relay().run_once() == 0

    assert [n for key, n in taken if key == "a"] == [1, 2, 3]
    assert _effects() == 4
    assert EventMark.objects.count() == 4
    assert not OutboxEvent.objects.filter(published_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_a_relay_killed_before_it_marked_an_event_sent_repeats_no_effect() -> None:
    _publish("a", 1)
    _relay().run_once()

    OutboxEvent.objects.update(published_at=None)
    _relay().run_once()

    assert taken == [("a", 1)]
    assert _effects() == 1


@pytest.mark.django_db(transaction=True)
def test_rolled_back_events_never_leave() -> None:
    with transaction.atomic():
        events.publish(Happened(n=1), key="a", now=now())
        transaction.set_rollback(True)

    assert _relay().run_once() == 0
    assert taken == []


@pytest.mark.django_db(transaction=True)
def test_a_poison_event_is_parked_with_all_later_ones_of_its_key_and_others_go_on() -> None:
    broken.add("bad")
    _publish("bad", 1, 2)
    _publish("good", 1)
    relay = _relay()

    for _ in range(TRIES):
        relay.run_once()
        CLOCK["now"] += 1000

    assert taken == [("good", 1)]
    assert [(row.key, row.data["n"], row.attempts) for row in ParkedEvent.objects.order_by("id")] == [
        ("bad", 1, TRIES),
        ("bad", 2, 0),
    ]
    assert _effects() == 1
    assert not OutboxEvent.objects.filter(published_at=None).exists()


@pytest.mark.django_db(transaction=True)
def test_a_failing_event_is_tried_again_only_after_a_growing_delay() -> None:
    broken.add("bad")
    _publish("bad", 1)
    relay = _relay()

    relay.run_once()
    relay.run_once()
    CLOCK["now"] = 0.11
    relay.run_once()
    CLOCK["now"] = 0.3
    relay.run_once()
    broken.clear()
    CLOCK["now"] = 0.6
    relay.run_once()

    assert taken == [("bad", 1)]
    assert ParkedEvent.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_parks_nothing_until_it_has_been_busy_for_long() -> None:
    busy.add("slow")
    _publish("slow", 1)
    relay = _relay()

    for _ in range(TRIES_WHILE_BUSY - 1):
        relay.run_once()
        CLOCK["now"] += LONGEST_DELAY_SECONDS
    assert not ParkedEvent.objects.exists()
    relay.run_once()

    assert ParkedEvent.objects.get().attempts == TRIES_WHILE_BUSY


@pytest.mark.django_db(transaction=True)
def test_staff_try_again_in_the_admin_and_change_nothing_else(client: Client, settings: Any) -> None:
    settings.EVENT_SUBSCRIBERS = "tests.core.test_relay.SUBSCRIBERS"
    broken.add("bad")
    _publish("bad", 1, 2)
    relay = _relay()
    for _ in range(TRIES):
        relay.run_once()
        CLOCK["now"] += 1000
    broken.clear()
    client.force_login(User.objects.create_superuser("boss@example.com", PASSWORD))
    first = ParkedEvent.objects.order_by("id")[0]

    chosen = {"action": "try_again", "_selected_action": [first.pk]}
    done = client.post("/admin/core/parkedevent/", chosen, follow=True)

    assert "2 taken." in done.content.decode()
    assert taken == [("bad", 1), ("bad", 2)]
    for name in ("outboxevent", "parkedevent", "auditlog"):
        assert client.get(f"/admin/core/{name}/").status_code == 200
        assert client.get(f"/admin/core/{name}/add/").status_code == 403
    changed = client.post(f"/admin/core/parkedevent/{first.pk}/change/", {"attempts": 0})
    assert changed.status_code == 403


@pytest.mark.django_db(transaction=True)
def test_try_again_takes_the_key_in_order_once_the_bug_is_mended(settings: Any) -> None:
    broken.add("bad")
    _publish("bad", 1, 2)
    relay = _relay()
    for _ in range(TRIES):
        relay.run_once()
        CLOCK["now"] += 1000
    parked = ParkedEvent.objects.order_by("id")[0]

    assert retry_parked(parked_id=parked.pk, subscribers_path="tests.core.test_relay.SUBSCRIBERS", now=now()) == 0
    broken.clear()
    assert retry_parked(parked_id=parked.pk, subscribers_path="tests.core.test_relay.SUBSCRIBERS", now=now()) == 2

    assert taken == [("bad", 1), ("bad", 2)]
    assert not ParkedEvent.objects.filter(resolved_at=None).exists()


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_relays_side_by_side_hand_out_every_event_once_and_in_order() -> None:
    for n in range(20):
        for key in ("a", "b", "c", "d", "e"):
            _publish(key, n)

    def work() -> None:
        relay = Relay(LocalOutlet(SUBSCRIBERS))
        while OutboxEvent.objects.filter(published_at=None).exists():
            relay.run_once()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(taken) == 100
    for key in ("a", "b", "c", "d", "e"):
        assert [n for taken_key, n in taken if taken_key == key] == list(range(20))
    assert _effects() == 100


@pytest.mark.django_db(transaction=True)
def test_an_event_marks_and_acts_once_however_many_hand_it_out() -> None:
    _publish("a", 1)
    event = dispatch.event_of(OutboxEvent.objects.get())
    subscriber = SUBSCRIBERS["test.happened"][0]

    results = [dispatch.deliver(event, subscriber, now=now()) for _ in range(3)]

    assert results == [True, False, False]
    assert _effects() == 1


@pytest.mark.django_db
def test_old_rows_are_forgotten() -> None:
    _publish("a", 1)
    OutboxEvent.objects.update(published_at=now().replace(year=2020))
    _publish("b", 1)

    assert forget_old(now=now()) == 1
    assert OutboxEvent.objects.get().key == "b"


def take_all(events_: list[Event], *, now: Any) -> None:
    """A subscriber that takes what there is in one call; one bad event of them spoils all."""
    if {event.key for event in events_} & broken:
        raise ValueError("a bug in the subscriber")
    taken.append(("+".join(event.key for event in events_), len(events_)))


@pytest.mark.django_db(transaction=True)
def test_a_subscriber_that_takes_many_at_once_gets_each_event_once_and_a_bad_one_alone() -> None:
    at_once = Subscriber("test", "tests.core.test_relay.take_all", together=10, at_once=True)
    keys = _keys_of_one_bucket(4)
    broken.add(keys[1])
    for key in keys[:1] * 2 + keys[2:]:
        _publish(key, 1)
    relay = Relay(LocalOutlet({"test.happened": (at_once,)}, Courier(clock=lambda: CLOCK["now"])))

    relay.run_once()
    _publish(keys[1], 1)
    _publish(keys[0], 2)
    relay.run_once()

    assert taken == [("+".join(keys[:1] * 2 + keys[2:]), 4), (keys[0], 1)]
    assert OutboxEvent.objects.get(published_at=None).key == keys[1]


def _keys_of_one_bucket(count: int) -> list[str]:
    names = (f"key-{number}" for number in range(10_000))
    return [name for name in names if events.bucket_of(name) == 0][:count]
