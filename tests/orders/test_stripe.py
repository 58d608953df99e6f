"""Checkout through Stripe: the page opens itself to Stripe's script and no other does; a bank's question ends by itself."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from core.clock import now
from orders import reconciling, services
from orders.models import Order
from payments.models import Payment
from tests.orders.arranged import (
    Basket,
    assert_stock_proven,
    basket,
    buy,
    history_of,
    lines_of,
    new_key,
    order_of,
    stock_of,
    work_off,
)
from tests.servers.simulator import Simulator
from tests.servers.stripe_api import StripeApi, as_asked, page, stripe_api, stripe_keys

pytestmark = pytest.mark.django_db(transaction=True)
SOON, LATE = timedelta(minutes=1), timedelta(minutes=16)


@pytest.fixture
def api(settings: Settings) -> Iterator[StripeApi]:
    """Stripe's API; the shop speaks to it."""
    with stripe_api() as stood_in, stripe_keys(settings, api_url=stood_in.url):
        stood_in.on("POST /v1/payment_intents", as_asked)
        yield stood_in


def browser(cart: Basket) -> Client:
    client = Client()
    client.cookies["cart_token"] = cart.cart.token
    return client


def allowed(response: Any) -> dict[str, set[str]]:
    """What a page may load, by kind."""
    lines = (line.split() for line in response.headers["Content-Security-Policy"].split(";"))
    return {name: set(sources) for name, *sources in lines}


def at_stripe(api: StripeApi, status: str, **changes: Any) -> dict[str, Any]:
    """From now on the first payment that was asked for stands so at Stripe."""
    made: dict[str, Any]
    _status, made = as_asked(next(given for what, given, _key in api.asked if what == "POST /v1/payment_intents"))
    made |= {"status": status, **({"next_action": None} if status != "requires_action" else {}), **changes}
    api.on(f"GET /v1/payment_intents/{made['id']}", (200, made))
    return made


def settle(after: timedelta) -> int:
    """Settle as if ``after`` had passed, and let the relay's process do the rest."""
    at = now() + after
    settled = services.settle_payments(now=at)
    work_off(at)
    return settled


def test_only_the_checkout_lets_stripe_in(api: StripeApi) -> None:
    client = browser(basket(1))

    checkout, cart = client.get("/checkout/"), client.get("/cart/")

    assert allowed(checkout)["script-src"] == {"'self'", "https://js.stripe.com", "https://*.js.stripe.com"}
    assert allowed(checkout)["frame-src"] == {
        "https://js.stripe.com",
        "https://*.js.stripe.com",
        "https://hooks.stripe.com",
    }
    assert allowed(checkout)["connect-src"] == {"'self'", "https://api.stripe.com"}
    assert "https://hooks.stripe.com" in allowed(checkout)["form-action"]
    assert "'unsafe-inline'" not in checkout.headers["Content-Security-Policy"]
    assert "stripe" not in cart.headers["Content-Security-Policy"]


def test_the_page_offers_no_simulated_card_and_keeps_no_name_of_an_old_one(api: StripeApi) -> None:
    client = browser(basket(1))

    shown = client.post("/checkout/", {"payment_method": "pm_used", "update": "1"}).content.decode()

    assert ("pm_used" in shown, "pm_card_visa" in shown, "simulated" in shown) == (False, False, False)
    assert 'data-key="pk_test_of_the_tests"' in shown
    assert "sk_test" not in shown


def test_without_stripe_nothing_of_it_is_on_the_page(provider: Simulator) -> None:
    response = browser(basket(1)).get("/checkout/")

    assert "stripe" not in response.headers["Content-Security-Policy"]
    assert "stripe" not in response.content.decode().lower()


def test_a_form_without_a_card_buys_nothing(api: StripeApi) -> None:
    cart = basket(2)

    response = browser(cart).post("/checkout/", {"payment_method": ""})

    assert "Please enter your card." in response.content.decode()
    assert (api.asked, Payment.objects.count(), stock_of(cart)) == ([], 0, [(10, 2)])


def test_a_banks_question_is_202_with_its_address_and_the_way_back(api: StripeApi, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://shop.example.com"

    response = buy(basket(2), payment_method="pm_asks")

    number = json.loads(response.content)["number"]
    assert (response.status_code, json.loads(response.content)["status"]) == (202, "pending_payment")
    assert json.loads(response.content)["next_action"].startswith("https://hooks.stripe.com/redirect/authenticate/")
    ((_what, given, _key),) = api.asked
    assert given["return_url"] == [f"https://shop.example.com/orders/{number}/"]


def test_an_answer_that_no_webhook_told_of_is_asked_for(api: StripeApi) -> None:
    cart = basket(2)
    order = order_of(buy(cart, payment_method="pm_asks"))
    made = at_stripe(api, "requires_capture")
    api.on(
        f"POST /v1/payment_intents/{made['id']}/capture",
        (200, made | {"status": "succeeded", "amount_received": made["amount"]}),
    )

    settled = settle(SOON)

    order.refresh_from_db()
    assert (settled, order.status, order.payment_status, stock_of(cart)) == (1, "processing", "captured", [(8, 0)])


def test_a_question_that_is_refused_gives_the_goods_back_to_the_cart(api: StripeApi) -> None:
    cart = basket(2)
    order = order_of(buy(cart, payment_method="pm_asks"))
    at_stripe(
        api,
        "requires_payment_method",
        last_payment_error={"code": "payment_intent_authentication_failure", "type": "invalid_request_error"},
    )

    settled = settle(SOON)

    order.refresh_from_db()
    assert (settled, order.status, stock_of(cart)) == (1, "payment_failed", [(10, 2)])
    assert Payment.objects.get().failure_code == "payment_intent_authentication_failure"
    assert lines_of(cart.cart) == [(cart.products[0].pk, 2)]


def test_an_abandoned_question_ends_at_the_deadline_and_its_payment_is_cancelled_at_stripe(api: StripeApi) -> None:
    cart = basket(2)
    key = new_key()
    order = order_of(buy(cart, key=key, payment_method="pm_asks"))
    made = at_stripe(api, "requires_action")
    cancel = f"POST /v1/payment_intents/{made['id']}/cancel"
    api.on(cancel, (200, made | {"status": "canceled", "next_action": None}))

    early = settle(SOON)
    waits = Order.objects.get().status
    late = settle(LATE)

    order.refresh_from_db()
    assert (early, waits, late) == (0, "pending_payment", 1)
    assert (order.status, order.payment_status, Payment.objects.get().status) == ("cancelled", "voided", "voided")
    assert [what for what, _given, _key in api.asked].count(cancel) == 1
    assert stock_of(cart) == [(10, 0)]
    assert history_of(order)[-2:] == [("order", "pending_payment", "cancelled"), ("payment", "pending", "voided")]
    assert_stock_proven()


def test_a_refund_made_in_stripes_dashboard_is_listed_for_people(api: StripeApi) -> None:
    order = order_of(buy(basket(2), payment_method="pm_good"))
    made = at_stripe(api, "requires_capture")
    taken = made | {"status": "succeeded", "amount_received": made["amount"]}
    api.on(f"POST /v1/payment_intents/{made['id']}/capture", (200, taken))
    work_off()
    by_hand = {
        "id": "re_1",
        "object": "refund",
        "amount": 500,
        "currency": "usd",
        "metadata": {},
        "status": "succeeded",
    }
    back = {"object": "list", "data": [], "has_more": False}
    charged = {"id": "ch_1", "object": "charge", "amount_refunded": 500, "refunds": back}
    api.on("GET /v1/payment_intents", page("list", taken | {"latest_charge": charged}))

    before = _differences()
    back["data"] = [by_hand]
    after = _differences()

    assert before == []
    ((reference, told),) = after
    assert reference == order.number
    assert told.startswith(f"stripe {made['id']}: 5.00 USD went back there, 0.00 USD here")


def _differences() -> list[tuple[str, str]]:
    """What is there for people to look at, once nothing is young any more."""
    pieces = reconciling.reconcile(now=now() + timedelta(minutes=10))
    return [(line.reference, line.detail) for piece in pieces for line in piece.differences if not line.moving]


def test_a_shopper_who_answers_while_the_order_is_given_up_is_not_charged(api: StripeApi) -> None:
    cart = basket(2)
    order = order_of(buy(cart, payment_method="pm_asks"))
    made = at_stripe(api, "requires_action")
    api.on(f"POST /v1/payment_intents/{made['id']}/cancel", (503, {"error": {"type": "api_error"}}))
    settle(LATE)
    at_stripe(api, "requires_capture")
    api.on(f"POST /v1/payment_intents/{made['id']}/cancel", (200, made | {"status": "canceled"}))

    work_off(now() + LATE + timedelta(minutes=5))

    order.refresh_from_db()
    assert (order.status, order.payment_status, stock_of(cart)) == ("cancelled", "voided", [(10, 0)])
    assert not any("capture" in what for what, _given, _key in api.asked)
