"""`manage.py settle_payments`: everything that is due, once, however much that is and whoever else is at it."""

import io
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from pytest_django import Settings

from core.clock import now
from orders import services, settling
from orders.models import Order
from tests.orders.arranged import assert_stock_proven, at_provider, basket, buy, order_of, work_off
from tests.servers.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)
LOST = "pm_card_timeout_after"
CHALLENGE = "pm_card_authentication_required"


def settle() -> str:
    """The command's last line."""
    said = io.StringIO()
    call_command("settle_payments", stdout=said)
    return said.getvalue().strip()


def age() -> None:
    """Let a minute have passed since orders were placed."""
    Order.objects.update(placed_at=F("placed_at") - timedelta(minutes=1))


def test_all_that_is_due_is_settled_and_told(own_provider: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = [order_of(buy(basket(1), payment_method=LOST)) for _ in range(3)]
    waiting = order_of(buy(basket(1), payment_method=CHALLENGE))
    age()
    young = order_of(buy(basket(1), payment_method=CHALLENGE))
    monkeypatch.setattr(settling, "BATCH", 2)

    first, second = settle(), settle()

    assert first == "3 settled, 1 still waiting for the shopper or the provider"
    assert second == "0 settled, 1 still waiting for the shopper or the provider"
    assert set(Order.objects.filter(pk__in=[order.pk for order in lost]).values_list("status", flat=True)) == {"paid"}
    left = Order.objects.filter(pk__in=[waiting.pk, young.pk])
    assert set(left.values_list("status", flat=True)) == {"pending_payment"}


def test_an_empty_shop_has_nothing_to_settle(own_provider: Simulator) -> None:
    assert settle() == "0 settled, 0 still waiting for the shopper or the provider"


def test_while_the_provider_is_away_everything_waits(own_provider: Simulator, settings: Settings) -> None:
    order = order_of(buy(basket(1), payment_method=LOST))
    age()
    settings.PAYMENT_SIMULATOR_URL = "http://127.0.0.1:9"

    assert settle() == "0 settled, 1 still waiting for the shopper or the provider"
    order.refresh_from_db()
    assert order.status == "pending_payment"


@pytest.mark.race
def test_the_command_and_the_job_at_once_settle_each_order_once(own_provider: Simulator) -> None:
    orders = [order_of(buy(basket(1), payment_method=LOST)) for _ in range(4)]
    age()
    start = threading.Barrier(3)
    failed: list[BaseException] = []

    def run(job: object) -> None:
        try:
            start.wait(10)
            assert callable(job)
            job(now=now())
        except BaseException as problem:  # noqa: BLE001 - a thread's error must reach the test
            failed.append(problem)
        finally:
            connection.close()

    jobs = (settling.settle_all, services.settle_payments, settling.settle_all)
    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work_off()

    assert failed == []
    for order in orders:
        assert at_provider(own_provider, order) == [("captured", 1500, 0)]
        steps = list(order.history.filter(kind="order").order_by("pk").values_list("to_status", flat=True))
        assert steps == ["pending_payment", "paid", "processing"]
    assert_stock_proven()
