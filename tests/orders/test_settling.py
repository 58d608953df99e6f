"""What the provider did not say at once: challenges, lost answers, deadlines, captures. Every order ends by itself."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from core.clock import now
from core.money import Money
from orders import services
from orders.errors import InvalidTransition, OrderNotFound
from orders.models import Order
from orders.refunding import refund_order
from orders.types import RefundRequest
from payments.models import PaymentWork
from payments.services import do_payment_work
from tests.factories import make_user
from tests.orders.arranged import (
    assert_stock_proven,
    at_provider,
    basket,
    buy,
    events_of,
    history_of,
    lines_of,
    new_key,
    order_of,
    stock_of,
    work_off,
)
from tests.servers.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)
CHALLENGE = "pm_card_authentication_required"
SOON, LATE = timedelta(minutes=1), timedelta(minutes=16)


def settle(after: timedelta) -> int:
    """Settle as if ``after`` had passed, and let the relay's process do the rest."""
    at = now() + after
    settled = services.settle_payments(now=at)
    work_off(at)
    return settled


def status_of(order: Order) -> tuple[str, str]:
    order.refresh_from_db()
    return order.status, order.payment_status


def challenge_of(response: Any) -> str:
    return str(json.loads(response.content)["next_action"])


def answer_challenge(response: Any, decision: str) -> None:
    """Approve or refuse, as the shopper does on the bank's page."""
    answer = httpx.post(challenge_of(response), data={"decision": decision}, trust_env=False)
    assert answer.status_code == httpx.codes.SEE_OTHER


def test_a_challenge_is_202_and_holds_the_goods(provider: Simulator) -> None:
    cart = basket(2)

    response = buy(cart, payment_method=CHALLENGE)

    placed = json.loads(response.content)
    assert (response.status_code, placed["status"]) == (202, "pending_payment")
    assert placed["next_action"].startswith(f"{provider.url}/challenge/")
    assert response.headers["Location"] == f"/api/v1/orders/{placed['number']}"
    assert int(response.headers["Retry-After"]) > 0
    assert (stock_of(cart), lines_of(cart.cart)) == ([(10, 2)], [])
    assert_stock_proven()


def test_a_repeat_after_the_challenge_tells_the_state_as_it_is_then(provider: Simulator) -> None:
    cart, key = basket(2), new_key()
    first = buy(cart, key=key, payment_method=CHALLENGE)

    waiting = buy(cart, key=key, payment_method=CHALLENGE)
    answer_challenge(first, "approve")
    paid = buy(cart, key=key, payment_method=CHALLENGE)
    again = buy(cart, key=key, payment_method=CHALLENGE)

    told = [(response.status_code, json.loads(response.content)["status"]) for response in (waiting, paid, again)]
    assert told == [(200, "pending_payment"), (200, "paid"), (200, "paid")]
    assert paid.content == again.content
    assert at_provider(provider, order_of(first)) == [("authorised", 0, 0)]
    assert Order.objects.count() == 1


def test_an_approved_challenge_is_settled_without_a_repeat(provider: Simulator) -> None:
    response = buy(basket(2), payment_method=CHALLENGE)
    order = order_of(response)
    answer_challenge(response, "approve")

    assert settle(SOON) == 1

    assert status_of(order) == ("processing", "captured")
    assert at_provider(provider, order) == [("captured", 2500, 0)]
    assert_stock_proven()


def test_a_refused_challenge_gives_the_goods_back_to_the_cart(provider: Simulator) -> None:
    cart = basket(2)
    response = buy(cart, payment_method=CHALLENGE)
    answer_challenge(response, "refuse")

    assert settle(SOON) == 1

    assert status_of(order_of(response)) == ("payment_failed", "failed")
    assert (stock_of(cart), lines_of(cart.cart)) == ([(10, 2)], [(cart.products[0].pk, 2)])
    assert_stock_proven()


def test_an_abandoned_challenge_waits_until_the_deadline_and_no_longer(provider: Simulator) -> None:
    cart = basket(2)
    response = buy(cart, payment_method=CHALLENGE)
    order = order_of(response)

    assert settle(SOON) == 0
    assert status_of(order) == ("pending_payment", "pending")
    assert settle(LATE) == 1

    assert status_of(order) == ("cancelled", "voided")
    assert at_provider(provider, order) == [("voided", 0, 0)]
    assert (stock_of(cart), lines_of(cart.cart)) == ([(10, 0)], [])
    assert_stock_proven()


def test_young_payments_are_left_to_the_request_that_made_them(provider: Simulator) -> None:
    response = buy(basket(2), payment_method=CHALLENGE)
    answer_challenge(response, "approve")

    assert settle(timedelta(0)) == 0

    assert status_of(order_of(response)) == ("pending_payment", "pending")


def test_a_lost_answer_is_202_and_found_out_later(provider: Simulator) -> None:
    cart = basket(2)

    response = buy(cart, payment_method="pm_card_timeout_after")

    order = order_of(response)
    assert (response.status_code, challenge_of(response)) == (202, "")
    assert at_provider(provider, order) == [("authorised", 0, 0)]
    assert settle(SOON) == 1
    assert status_of(order) == ("processing", "captured")
    assert at_provider(provider, order) == [("captured", 2500, 0)]


def test_a_repeat_after_a_lost_answer_finds_the_payment_made(provider: Simulator) -> None:
    cart, key = basket(2), new_key()
    first = buy(cart, key=key, payment_method="pm_card_timeout_after")

    again = buy(cart, key=key, payment_method="pm_card_timeout_after")

    assert (again.status_code, json.loads(again.content)["status"]) == (200, "paid")
    assert at_provider(provider, order_of(first)) == [("authorised", 0, 0)]
    assert stock_of(cart) == [(8, 0)]


def test_what_the_provider_never_heard_of_is_given_up_at_the_deadline_only(provider: Simulator) -> None:
    cart = basket(2)
    response = buy(cart, payment_method="pm_card_timeout_before")
    order = order_of(response)

    assert (response.status_code, settle(SOON), status_of(order)[0]) == (202, 0, "pending_payment")
    assert settle(LATE) == 1

    assert status_of(order) == ("cancelled", "voided")
    assert at_provider(provider, order) == [("voided", 0, 0)]  # so that one on its way comes to nothing
    assert stock_of(cart) == [(10, 0)]
    assert_stock_proven()


def test_a_provider_that_is_away_cancels_at_the_deadline_and_voids_when_it_is_back(
    provider: Simulator, settings: Any
) -> None:
    response = buy(basket(2), payment_method="pm_card_timeout_after")
    order, address = order_of(response), settings.PAYMENT_SIMULATOR_URL
    settings.PAYMENT_SIMULATOR_URL = "http://127.0.0.1:9"

    assert settle(LATE) == 1
    assert status_of(order) == ("cancelled", "pending")
    settings.PAYMENT_SIMULATOR_URL = address
    PaymentWork.objects.update(due_at=now())  # its next try is a while off
    work_off()

    assert status_of(order) == ("cancelled", "voided")
    assert at_provider(provider, order) == [("voided", 0, 0)]


def test_only_a_captured_order_is_prepared(provider: Simulator) -> None:
    order = order_of(buy(basket(2)))

    work_off()

    assert status_of(order) == ("processing", "captured")
    assert history_of(order)[-2:] == [("payment", "authorised", "captured"), ("order", "paid", "processing")]
    assert events_of(order) == ["order.created", "order.paid", "payment.captured", "order.processing"]
    assert at_provider(provider, order) == [("captured", 2500, 0)]


@pytest.mark.parametrize(("amount", "ended"), [("5.00", "processing"), ("25.00", "refunded")])
def test_money_given_back_before_the_order_heard_that_it_was_taken_leaves_no_order_behind(
    provider: Simulator, amount: str, ended: str
) -> None:
    order = order_of(buy(basket(2)))
    do_payment_work(now=now())
    wanted = RefundRequest(amount=Money(Decimal(amount), "USD"))
    refund_order(number=order.number, request=wanted, key=new_key(), actor_id=1, now=now())
    do_payment_work(now=now())

    work_off()

    assert status_of(order) == (ended, "refunded" if ended == "refunded" else "partially_refunded")


def test_a_capture_refused_for_good_cancels_restocks_and_voids(provider: Simulator) -> None:
    cart = basket(2)
    order = order_of(buy(cart, payment_method="pm_card_capture_refused"))
    assert stock_of(cart) == [(8, 0)]

    work_off()

    assert status_of(order) == ("cancelled", "voided")
    assert at_provider(provider, order) == [("voided", 0, 0)]
    assert stock_of(cart) == [(10, 0)]
    assert_stock_proven()


def test_a_repeat_after_the_end_changes_nothing(provider: Simulator) -> None:
    cart, key = basket(2), new_key()
    order = order_of(buy(cart, key=key))
    work_off()
    before = (history_of(order), events_of(order), stock_of(cart))

    buy(cart, key=key)
    settle(LATE)

    assert (history_of(order), events_of(order), stock_of(cart)) == before
    assert at_provider(provider, order) == [("captured", 2500, 0)]


@pytest.mark.parametrize("captured", [False, True])
def test_staff_cancel_an_order_and_goods_and_money_go_back(provider: Simulator, captured: bool) -> None:
    cart, staff = basket(2), make_user(is_staff=True)
    order = order_of(buy(cart))
    if captured:
        work_off()

    services.cancel_order(number=order.number, actor_id=staff.pk, reason="by request", now=now())
    work_off()

    ended = ("refunded", [("captured", 2500, 2500)]) if captured else ("voided", [("voided", 0, 0)])
    assert status_of(order) == ("cancelled", ended[0])
    assert at_provider(provider, order) == ended[1]
    assert stock_of(cart) == [(10, 0)]
    last = order.history.filter(kind="order").latest("id")
    assert (last.to_status, last.actor_id, last.note) == ("cancelled", staff.pk, "by request")
    assert_stock_proven()


def test_staff_cancel_a_waiting_order_and_a_late_yes_is_voided(provider: Simulator) -> None:
    cart = basket(2)
    response = buy(cart, payment_method=CHALLENGE)
    order = order_of(response)
    answer_challenge(response, "approve")

    services.cancel_order(number=order.number, actor_id=1, reason="", now=now())
    work_off()

    assert status_of(order) == ("cancelled", "voided")
    assert at_provider(provider, order) == [("voided", 0, 0)]
    assert stock_of(cart) == [(10, 0)]


def test_what_is_over_can_not_be_cancelled(provider: Simulator) -> None:
    order = order_of(buy(basket(2), payment_method="pm_card_declined"))

    with pytest.raises(InvalidTransition):
        services.cancel_order(number=order.number, actor_id=1, reason="", now=now())
    with pytest.raises(OrderNotFound):
        services.cancel_order(number="HB-NONE", actor_id=1, reason="", now=now())

    assert status_of(order) == ("payment_failed", "failed")
