"""Orders, payments and the provider's list: what agrees is counted, what does not is told, and what still moves is told apart."""

import io
import logging
import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.db.models import F
from pytest_django import Settings

from core.clock import now
from orders import metrics, reconciling, services
from orders.models import Order
from orders.refunding import refund_order
from orders.tasks import reconcile_payments
from orders.types import RefundRequest
from payments import operations, simulated
from payments import reconciling as payment_reconciling
from payments.models import Payment, PaymentWork, Refund
from tests.orders.arranged import basket, buy, new_key, order_of, work_off
from tests.payments.arranged import usd
from tests.servers.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timedelta(hours=1)
CHALLENGE = "pm_card_authentication_required"


def reconcile(*arguments: str) -> list[str]:
    """The lines of the command, and the error it ended with, if it did."""
    said = io.StringIO()
    try:
        call_command("reconcile_payments", *arguments, stdout=said)
    except CommandError as error:
        return [*said.getvalue().splitlines(), f"error: {error}"]
    return said.getvalue().splitlines()


def age() -> None:
    """Let an hour have passed since everything that happened so far."""
    for field in ("created_at", "updated_at", "deadline_at"):
        Payment.objects.update(**{field: F(field) - LATER})
    Order.objects.update(placed_at=F("placed_at") - LATER, updated_at=F("updated_at") - LATER)


def captured(units: int = 2, method: str = "pm_card_visa") -> Order:
    """An order whose money was taken."""
    order = order_of(buy(basket(units), payment_method=method))
    work_off()
    return fresh(order)


def fresh(order: Order) -> Order:
    return Order.objects.select_related("payment").get(pk=order.pk)


def give_back(order: Order, amount: str) -> None:
    refund_order(number=order.number, request=RefundRequest(amount=usd(amount)), key=new_key(), actor_id=1, now=now())


def ask(provider: Simulator, path: str, body: dict[str, Any]) -> None:
    """Do something at the provider behind the shop's back."""
    assert httpx.post(f"{provider.url}{path}", json=body, trust_env=False).status_code == httpx.codes.OK


def test_an_empty_shop_has_nothing_to_disagree_about(own_provider: Simulator) -> None:
    assert reconcile() == ["0 differences in 0 payments"]


def test_whatever_became_of_orders_their_books_agree(own_provider: Simulator) -> None:
    captured()
    partly, whole, cancelled = captured(), captured(), captured()
    give_back(partly, "5.00")
    give_back(partly, "2.50")
    give_back(whole, "25.00")
    services.cancel_order(number=cancelled.number, actor_id=1, reason="", now=now())
    buy(basket(1), payment_method="pm_card_declined")
    captured(method="pm_card_capture_refused")
    buy(basket(1), payment_method="pm_card_timeout_before")
    buy(basket(1), payment_method=CHALLENGE)
    work_off()
    services.settle_payments(now=now() + LATER)
    work_off(now() + LATER)
    age()

    assert reconcile() == ["0 differences in 8 payments"]
    assert metrics.DIFFERENCES._value.get() == 0
    kinds = set(Payment.objects.values_list("status", flat=True))
    assert kinds == {"captured", "partially_refunded", "refunded", "declined", "voided"}


def test_what_still_moves_is_told_but_is_no_difference(own_provider: Simulator) -> None:
    order = order_of(buy(basket(2)))
    waiting = order_of(buy(basket(2), payment_method="pm_card_timeout_after"))
    age()
    Payment.objects.filter(reference=waiting.number).update(deadline_at=now() + LATER)

    lines = reconcile()

    assert lines[0] == (
        f"{order.number}: the money is held, and no capture is due: capture it at the provider, or cancel the order"
        " (still moving: capture is due)"
    )
    assert lines[1].startswith(f"{waiting.number}: simulated sim_")
    assert " it is authorised there, created here (still moving: to be settled by " in lines[1]
    assert lines[2:] == [
        "2 still moving, which is no difference: look again in some minutes",
        "0 differences in 2 payments",
    ]


def _order_costs_more(order: Order, provider: Simulator, books: Path) -> None:
    Order.objects.filter(pk=order.pk).update(subtotal=F("subtotal") + 1, total=F("total") + 1)


def _order_was_set_back(order: Order, provider: Simulator, books: Path) -> None:
    Order.objects.filter(pk=order.pk).update(status="paid", payment_status="authorised")


def _order_has_anothers_payment(order: Order, provider: Simulator, books: Path) -> None:
    Order.objects.filter(pk=order.pk).update(number="HB-OTHER")


def _refund_was_made_elsewhere(order: Order, provider: Simulator, books: Path) -> None:
    refund = {"key": str(uuid.uuid4()), "amount": 700, "currency": "USD"}
    ask(provider, f"/v1/payments/{order.payment.key}/refunds", refund)


def _payment_was_made_twice(order: Order, provider: Simulator, books: Path) -> None:
    ask(
        provider,
        "/v1/payments",
        {
            "key": str(uuid.uuid4()),
            "reference": order.number,
            "amount": 2500,
            "currency": "USD",
            "method": "pm_card_visa",
            "return_url": "",
        },
    )


def _provider_lost_it(order: Order, provider: Simulator, books: Path) -> None:
    change_books(books, "DELETE FROM payments")


def _provider_took_less(order: Order, provider: Simulator, books: Path) -> None:
    change_books(books, "UPDATE payments SET captured = 2400, amount = 2400")


def _provider_gave_it_up(order: Order, provider: Simulator, books: Path) -> None:
    change_books(books, "UPDATE payments SET captured = 0, state = 'voided'")


def _provider_has_another_order(order: Order, provider: Simulator, books: Path) -> None:
    change_books(books, "UPDATE payments SET reference = 'HB-OTHER'")


def _promise_without_refund(order: Order, provider: Simulator, books: Path) -> None:
    Payment.objects.filter(pk=order.payment_id).update(refunded_amount=Decimal(3))


def _cancelled_and_kept(order: Order, provider: Simulator, books: Path) -> None:
    Order.objects.filter(pk=order.pk).update(status="cancelled")


def change_books(books: Path, statement: str) -> None:
    """Change the provider's books by hand."""
    with closing(sqlite3.connect(books)) as file, file:
        file.execute(statement)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (_order_costs_more, ["the order is of 26.00 USD, its payment of 25.00 USD"]),
        (
            _order_was_set_back,
            ["the order is paid and its money authorised, but the payment is captured: look for a parked"],
        ),
        (_order_has_anothers_payment, ["its payment is for "]),
        (_refund_was_made_elsewhere, ["7.00 USD went back there, 0.00 USD here"]),
        (_payment_was_made_twice, ["simulated has sim_"]),
        (_provider_lost_it, ["it is captured here, and simulated does not list sim_"]),
        (
            _provider_took_less,
            ["it is of 24.00 USD there, of 25.00 USD here", "24.00 USD were taken there, 25.00 USD here"],
        ),
        (_provider_gave_it_up, ["it is voided there, captured here", "0.00 USD were taken there, 25.00 USD here"]),
        (_provider_has_another_order, ["it is for order HB-OTHER there"]),
        (
            _promise_without_refund,
            ["the payment is captured, with 25.00 USD taken and 3.00 USD going back, but its refunds"],
        ),
        (_cancelled_and_kept, ["25.00 USD of an order that ended were kept, give them back"]),
    ],
    ids=lambda it: it.__name__ if callable(it) else "",
)
def test_each_way_of_disagreeing_is_told_by_the_order_it_is_about(
    own_provider: Simulator, books: Path, harm: Callable[[Order, Simulator, Path], None], told: list[str]
) -> None:
    order = captured()
    harm(order, own_provider, books)
    age()

    *lines, end = reconcile()

    assert len(lines) == len(told)
    for line, words in zip(lines, told, strict=True):
        assert line.startswith((f"{order.number}: ", "HB-OTHER: "))
        assert words in line
        assert "still moving" not in line
    assert end == f"error: {len(told)} differences in 1 payments"
    assert metrics.DIFFERENCES._value.get() == len(told)


def test_a_payment_without_an_order_is_told(own_provider: Simulator) -> None:
    captured()
    with transaction.atomic():
        operations.open_payment(reference="HB-LOST", amount=usd("5.00"), method="pm_card_visa", now=now())
    age()

    assert reconcile() == [
        "HB-LOST: the payment has no order: if money was taken, give it back",
        "error: 1 differences in 2 payments",
    ]


def test_an_order_that_nobody_settled_is_told_after_its_deadline(own_provider: Simulator) -> None:
    order = order_of(buy(basket(1), payment_method=CHALLENGE))
    assert reconcile()[-1] == "0 differences in 1 payments"
    age()

    overdue, end = reconcile()
    call_command("settle_payments", stdout=io.StringIO())
    work_off()
    age()

    assert overdue.startswith(f"{order.number}: it has waited for its payment since ")
    assert overdue.endswith(": run manage.py settle_payments")
    assert end == "error: 1 differences in 1 payments"
    assert reconcile() == ["0 differences in 1 payments"]


def test_an_authorised_order_of_which_nobody_takes_the_money_is_told(own_provider: Simulator) -> None:
    order = order_of(buy(basket(1)))
    PaymentWork.objects.all().delete()
    age()

    assert reconcile() == [
        f"{order.number}: the money is held, and no capture is due: capture it at the provider, or cancel the order",
        "error: 1 differences in 1 payments",
    ]


def test_work_that_fails_again_and_again_says_why(own_provider: Simulator, settings: Settings) -> None:
    order, address = order_of(buy(basket(1))), settings.PAYMENT_SIMULATOR_URL
    settings.PAYMENT_SIMULATOR_URL = "http://127.0.0.1:9"
    work_off()
    settings.PAYMENT_SIMULATOR_URL = address
    age()

    first, *_rest, end = reconcile()

    assert first.startswith(f"{order.number}: the money is held")
    assert "(still moving: capture is due after 1 tries: ConnectError: " in first
    assert end == "0 differences in 1 payments"


def test_without_the_provider_the_shops_own_books_are_compared_and_that_is_not_enough(
    own_provider: Simulator, settings: Settings
) -> None:
    order = captured()
    Order.objects.filter(pk=order.pk).update(status="cancelled")
    age()
    settings.PAYMENT_SIMULATOR_URL = "http://127.0.0.1:9"

    kept, end = reconcile()

    assert kept.startswith(f"{order.number}: the order is cancelled")
    assert end.startswith("error: 1 differences in 1 payments; not all could be compared: ConnectError")


def test_external_payments_are_compared_with_their_orders_only(own_provider: Simulator, books: Path) -> None:
    orders = [captured(1) for _ in range(3)]
    Payment.objects.update(provider="external", provider_reference="")
    change_books(books, "DELETE FROM payments")
    age()
    agreeing = reconcile()

    Order.objects.filter(pk=orders[1].pk).update(payment_status="refunded", status="refunded")
    told, end = reconcile()

    assert agreeing == ["0 differences in 3 payments"]
    assert told.startswith(
        f"{orders[1].number}: the order is refunded and its money refunded, but the payment is captured"
    )
    assert end == "error: 1 differences in 3 payments"


def test_many_payments_are_compared_piece_by_piece(
    own_provider: Simulator, books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [captured(1) for _ in range(5)]
    age()
    for module, name in ((payment_reconciling, "PIECE"), (simulated, "PAGE")):
        monkeypatch.setattr(module, name, 2)
    pieces = [found.payments for found in reconciling.reconcile(now=now()) if found.payments]

    agreeing = reconcile()
    change_books(books, f"DELETE FROM payments WHERE reference = '{orders[4].number}'")
    Order.objects.filter(pk=orders[0].pk).update(status="cancelled")
    first, last, end = reconcile()

    assert pieces == [2, 2, 1]
    assert agreeing == ["0 differences in 5 payments"]
    assert first.startswith(orders[0].number)
    assert last.startswith(orders[4].number)
    assert end == "error: 2 differences in 5 payments"


def test_days_leave_out_what_is_older(own_provider: Simulator, books: Path) -> None:
    old, new = captured(1), captured(1)
    Order.objects.filter(pk=old.pk).update(status="cancelled")
    Payment.objects.filter(pk=old.payment_id).update(created_at=now() - timedelta(days=4))
    change_books(books, f"UPDATE payments SET made_at = made_at - 345600 WHERE reference = '{old.number}'")
    Order.objects.update(updated_at=now() - LATER)
    Payment.objects.update(updated_at=now() - LATER)

    assert reconcile("--days", "3") == ["0 differences in 1 payments"]
    assert reconcile("--days", "5")[-1] == "error: 1 differences in 2 payments"
    assert reconcile("--days", "0") == ["error: --days must be between 1 and 36,500"]
    assert fresh(new).status == "processing"


def test_the_nightly_job_logs_what_it_finds_and_sets_the_figure(
    own_provider: Simulator, books: Path, caplog: pytest.LogCaptureFixture
) -> None:
    order = captured()
    change_books(books, "DELETE FROM payments")
    age()

    with caplog.at_level(logging.WARNING):
        assert reconcile_payments()

    (line,) = [record.getMessage() for record in caplog.records if record.name == "orders.reconciling"]
    assert line.startswith(f"Order {order.number} does not reconcile: it is captured here, and simulated does not list")
    assert metrics.DIFFERENCES._value.get() == 1


def test_the_nightly_job_ends_in_time_and_says_that_it_did_not_see_all(
    own_provider: Simulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    captured()
    monkeypatch.setattr(reconciling, "JOB_SECONDS", 0.0)

    with caplog.at_level(logging.WARNING):
        assert reconciling.reconcile_recent(now=now()) == 0

    assert "Run manage.py reconcile_payments: not all could be compared in 0 s" in caplog.text


def test_refunds_that_do_not_add_up_are_told(own_provider: Simulator) -> None:
    order = captured()
    give_back(order, "5.00")
    work_off()
    Refund.objects.update(amount=Decimal(4))
    age()

    lines = reconcile()

    assert lines[0] == (
        f"{order.number}: the payment is partially_refunded, with 25.00 USD taken and 5.00 USD going back, but its refunds"
        " come to 4.00 USD, 4.00 USD of it given back: compare them with the audit log"
    )
    assert " 5.00 USD went back there, 4.00 USD here: " in lines[1]
    assert lines[2] == "error: 2 differences in 1 payments"
