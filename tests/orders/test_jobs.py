"""What beat does, the relay's process does too: one at a time, never for longer than the broker waits, and without a broker."""

import logging
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings as configured
from django.db.models import F
from django.utils.module_loading import import_string
from pytest_django import Settings

from core.clock import now
from core.jobs import JobLoop
from core.locks import advisory
from ecommerce.events import JOBS
from inventory.models import Reservation
from orders import reconciling, services
from orders.models import Order
from payments import services as payment_services
from payments.models import Payment
from tests.orders.arranged import basket, buy, order_of
from tests.servers.simulator import Simulator
from tests.servers.waiting import wait_for

SCHEDULE = configured.CELERY_BEAT_SCHEDULE


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", sorted(SCHEDULE))
def test_a_task_of_the_schedule_leaves_what_another_process_is_at(name: str, own_provider: Simulator) -> None:
    task = import_string(SCHEDULE[name]["task"])

    with advisory(name) as mine:
        meanwhile = task()
    afterwards = task()

    assert mine
    assert (meanwhile, afterwards) == (False, True)


def test_the_relays_jobs_are_those_of_the_schedule_under_the_same_locks() -> None:
    assert {job.name for job in JOBS} <= set(SCHEDULE)
    assert {"settle payments", "release expired holds", "payment work"} <= {job.name for job in JOBS}


def test_no_slice_takes_as_long_as_the_broker_waits() -> None:
    broker = configured.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    call = configured.PAYMENT_PROVIDER_TIMEOUT.total_seconds()

    longest = max(services.SETTLE_SECONDS, payment_services.SLICE_SECONDS, reconciling.JOB_SECONDS)

    # The provider may be asked once more just before the end; as long again is left for what the database takes.
    assert longest + 2 * call < broker


@pytest.fixture
def black_hole(settings: Settings) -> Iterator[None]:
    """A provider that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.PAYMENT_SIMULATOR_URL = f"http://127.0.0.1:{server.getsockname()[1]}"
        settings.PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=0.4)
        yield


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("black_hole")
def test_settling_ends_in_time_however_slow_the_provider_and_leaves_the_rest_to_the_next_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(services, "SETTLE_SECONDS", 0.2)
    for _ in range(4):
        buy(basket(1))
    caplog.clear()

    with caplog.at_level(logging.WARNING):
        assert services.settle_payments(now=now() + timedelta(minutes=1)) == 0

    asked = [record for record in caplog.records if "no answer to find_by_key" in record.getMessage()]
    assert len(asked) <= 1
    assert Order.objects.filter(status="pending_payment").count() == 4


@pytest.mark.fault
@pytest.mark.django_db(transaction=True)
def test_payment_work_ends_with_the_first_call_that_is_not_answered(
    own_provider: Simulator, settings: Settings
) -> None:
    for _ in range(3):
        buy(basket(1))
    settings.PAYMENT_SIMULATOR_URL = "http://127.0.0.1:9"

    report = payment_services.do_payment_work(now=now())

    assert (report.done, report.refused, report.postponed) == (0, 0, 1)


@pytest.mark.django_db(transaction=True)
def test_without_a_broker_the_relays_loop_settles_captures_and_gives_lapsed_holds_back(own_provider: Simulator) -> None:
    order = order_of(buy(basket(1), payment_method="pm_card_timeout_after"))
    Order.objects.update(placed_at=F("placed_at") - services.SETTLE_AFTER)
    basket(2)
    Reservation.objects.filter(cart_line_id__isnull=False).update(expires_at=now())
    stop = threading.Event()
    loop = threading.Thread(target=JobLoop(JOBS, stop).run)
    loop.start()

    try:
        wait_for(lambda: Order.objects.get(pk=order.pk).status == "paid", "the order was not settled")
        wait_for(lambda: Payment.objects.get().status == "captured", "the money was not taken")
        wait_for(lambda: not Reservation.objects.exists(), "the lapsed hold was not given back")
    finally:
        stop.set()
        loop.join()
