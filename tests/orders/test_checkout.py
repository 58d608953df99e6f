"""POST /api/v1/orders: one key, one order, one payment."""

import json
import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cart.models import CartItem
from cart.services import merge_at_login
from catalog.models import Product
from core.clock import now
from core.models import IdempotencyClaim
from inventory.models import Reservation
from orders.models import Order
from payments.models import Payment
from tests.factories import make_cart_item, make_user
from tests.orders.arranged import (
    assert_refused,
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
    token_of,
)
from tests.servers.purchase import ADDRESS
from tests.servers.simulator import Simulator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("provider")]


def test_a_cart_becomes_a_paid_order_and_its_holds_become_sales(provider: Simulator) -> None:
    cart = basket(2, 1)

    response = buy(cart)

    placed = json.loads(response.content)
    order = order_of(response)
    assert response.status_code == 201
    assert response.headers["Location"] == f"/api/v1/orders/{order.number}"
    assert (placed["status"], placed["payment_status"]) == ("paid", "authorised")
    assert placed["total"] == {"amount": "35.00", "currency": "USD"}
    assert [(line["sku"], line["quantity"], line["total"]["amount"]) for line in placed["lines"]] == [
        (cart.products[0].sku, 2, "20.00"),
        (cart.products[1].sku, 1, "10.00"),
    ]
    assert (stock_of(cart), lines_of(cart.cart)) == ([(8, 0), (9, 0)], [])
    assert at_provider(provider, order) == [("authorised", 0, 0)]
    assert_stock_proven()


def test_every_transition_leaves_a_row_of_history_and_an_event() -> None:
    order = order_of(buy(basket(1)))

    assert history_of(order) == [
        ("payment", "", "pending"),
        ("order", "", "pending_payment"),
        ("payment", "pending", "authorised"),
        ("order", "pending_payment", "paid"),
    ]
    assert events_of(order) == ["order.created", "order.paid"]


def test_lines_and_addresses_are_snapshots() -> None:
    cart = basket(1)
    number = order_of(buy(cart)).number

    Product.objects.update(title="Renamed", price=Decimal("99.00"), sku="RENAMED")

    seen = Client().get(f"/api/v1/orders/{number}", headers=cart.headers).json()
    assert (seen["lines"][0]["title"], seen["lines"][0]["sku"]) == (cart.products[0].title, cart.products[0].sku)
    assert seen["total"]["amount"] == "15.00"
    assert seen["shipping_address"] == ADDRESS


def test_the_same_key_again_says_the_same_and_buys_nothing(provider: Simulator) -> None:
    cart, key = basket(2), new_key()
    first = buy(cart, key=key)

    again = buy(cart, key=key)

    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert (Order.objects.count(), Payment.objects.count()) == (1, 1)
    assert at_provider(provider, order_of(first)) == [("authorised", 0, 0)]
    assert stock_of(cart) == [(8, 0)]


def test_a_key_answers_with_its_order_long_after_the_claim_was_forgotten() -> None:
    cart, key = basket(2), new_key()
    first = buy(cart, key=key)
    IdempotencyClaim.objects.all().delete()
    cache.clear()
    make_cart_item(cart=cart.cart, product=cart.products[0])

    again = buy(cart, key=key)

    assert (again.status_code, json.loads(again.content)["number"]) == (200, order_of(first).number)
    assert (Order.objects.count(), CartItem.objects.count()) == (1, 1)


@pytest.mark.parametrize("method", ["pm_card_visa", "pm_card_declined", "pm_card_authentication_required"])
@pytest.mark.parametrize("forgotten", [False, True])
def test_the_same_key_with_another_body_is_refused(method: str, forgotten: bool) -> None:
    cart, key = basket(2), new_key()
    first = buy(cart, key=key, payment_method=method)
    if forgotten:
        IdempotencyClaim.objects.all().delete()
        cache.clear()

    other = buy(cart, key=key, payment_method=method, email="someone@example.com")

    assert_refused(other, 422, "idempotency_key_reused")
    assert Order.objects.count() == 1
    again = buy(cart, key=key, payment_method=method)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert json.loads(again.content)["number"] == json.loads(first.content)["number"]


def test_two_shoppers_may_use_the_same_key() -> None:
    key = new_key()

    responses = [buy(basket(1), key=key), buy(basket(1), key=key)]

    assert [response.status_code for response in responses] == [201, 201]
    assert Order.objects.count() == 2


@pytest.mark.parametrize("step", ["paid", "declined", "refused"])
def test_a_key_survives_that_its_guest_logs_in(step: str, provider: Simulator) -> None:
    cart, user, key = basket(1), make_user(), new_key()
    changes: dict[str, Any] = {
        "declined": {"payment_method": "pm_card_declined"},
        "refused": {"shipping_method": "pigeon"},
    }
    first = buy(cart, key=key, **changes.get(step, {}))
    merge_at_login(user_id=user.pk, cart_token=cart.cart.token, now=now())

    again = buy(cart, key=key, headers=token_of(user), **changes.get(step, {}))

    assert again.content == first.content
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Order.objects.count() == Payment.objects.count() == (0 if step == "refused" else 1)


def test_a_key_that_a_guest_did_not_use_is_the_users_after_the_log_in() -> None:
    cart, user = basket(1), make_user()
    merge_at_login(user_id=user.pk, cart_token=cart.cart.token, now=now())

    order = order_of(buy(cart, headers=token_of(user)))

    assert (order.user_id, order.idempotency_owner) == (user.pk, f"user:{user.pk}")


def test_a_key_may_have_255_characters() -> None:
    assert buy(basket(1), key="k" * 255).status_code == 201


def test_a_decline_is_402_and_the_goods_are_back_in_the_cart_and_held(provider: Simulator) -> None:
    cart, key = basket(2), new_key()

    response = buy(cart, key=key, payment_method="pm_card_insufficient_funds")

    problem = assert_refused(response, 402, "payment_declined")
    order = order_of(response)
    assert (problem["reason"], order.status, order.payment_status) == (
        "insufficient_funds",
        "payment_failed",
        "failed",
    )
    assert (stock_of(cart), lines_of(cart.cart)) == ([(10, 2)], [(cart.products[0].pk, 2)])
    held = Client().get("/api/v1/cart", headers=cart.headers).json()
    assert [item["held"] for item in held["items"]] == [True]
    assert events_of(order) == ["order.created", "order.payment_failed"]
    assert at_provider(provider, order) == [("declined", 0, 0)]
    assert_stock_proven()


def test_a_new_key_after_a_decline_makes_a_new_order_and_the_old_one_says_declined() -> None:
    cart, key = basket(2), new_key()
    declined = buy(cart, key=key, payment_method="pm_card_declined")

    paid = buy(cart)
    again = buy(cart, key=key, payment_method="pm_card_declined")

    assert paid.status_code == 201
    assert order_of(paid) != order_of(declined)
    assert (again.status_code, again.content) == (402, declined.content)
    assert (stock_of(cart), lines_of(cart.cart)) == ([(8, 0)], [])


def test_a_refusal_is_forgotten_after_300_seconds() -> None:
    cart, key = basket(2), new_key()
    Product.objects.update(price=Decimal("11.00"))
    buy(cart, key=key)
    Product.objects.update(price=Decimal("10.00"))
    claim = IdempotencyClaim.objects.get()
    assert claim.expires_at is not None
    assert claim.expires_at - claim.created_at == timedelta(seconds=300)

    IdempotencyClaim.objects.update(expires_at=now())
    cache.clear()

    assert buy(cart, key=key).status_code == 201


def test_a_lapsed_hold_is_taken_again() -> None:
    cart = basket(2, held=False)

    response = buy(cart)

    assert (response.status_code, stock_of(cart)) == (201, [(8, 0)])
    assert_stock_proven()


def test_an_unknown_card_is_declined() -> None:
    cart = basket(1)

    problem = assert_refused(buy(cart, payment_method="pm_card_made_up"), 402, "payment_declined")

    assert problem["reason"] == "invalid_method"
    assert lines_of(cart.cart) == [(cart.products[0].pk, 1)]


def test_numbers_can_be_neither_guessed_nor_counted() -> None:
    numbers = {order_of(buy(basket(1))).number for _round in range(3)}

    assert len(numbers) == 3
    assert all(re.fullmatch("HB-[0-9A-HJKMNP-TV-Z]{6}-[0-9A-HJKMNP-TV-Z]{6}", number) for number in numbers)


@pytest.mark.parametrize("quantities", [[1], [2] * 12])
def test_a_checkout_takes_twenty_statements_however_many_lines(quantities: list[int]) -> None:
    cart = basket(*quantities)

    with CaptureQueriesContext(connection) as queries:
        assert buy(cart).status_code == 201

    statements = [query["sql"] for query in queries if query["sql"] not in ("BEGIN", "COMMIT")]
    assert len(statements) == 20, statements


def test_no_hold_outlives_its_order() -> None:
    buy(basket(1, 2))

    assert Reservation.objects.count() == 0
