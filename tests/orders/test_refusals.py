"""POST /api/v1/orders, refused before anybody is asked for money: nothing is different afterwards."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from catalog.models import Product
from core.clock import now
from orders.models import Order
from payments.models import Payment
from tests.factories import make_cart_item, make_user
from tests.orders.arranged import (
    Basket,
    assert_refused,
    assert_stock_proven,
    basket,
    buy,
    lines_of,
    new_key,
    stock_of,
)
from tests.servers.purchase import ADDRESS

pytestmark = pytest.mark.django_db


def assert_nothing_bought(order: Basket, stock: list[tuple[int, int]], lines: list[tuple[int, int]]) -> None:
    """No order, no payment, stock and cart as they were."""
    assert (Order.objects.count(), Payment.objects.count()) == (0, 0)
    assert (stock_of(order), lines_of(order.cart)) == (stock, lines)
    assert_stock_proven()


@pytest.mark.parametrize(
    ("key", "code"),
    [(None, "idempotency_key_missing"), ("", "idempotency_key_missing"), ("k" * 256, "idempotency_key_invalid")],
)
def test_a_key_is_needed(key: str | None, code: str) -> None:
    cart = basket(1)
    headers = {**cart.headers, **({} if key is None else {"Idempotency-Key": key})}

    response = Client().post("/api/v1/orders", {}, content_type="application/json", headers=headers)

    assert_refused(response, 400, code)
    assert_nothing_bought(cart, [(10, 1)], [(cart.products[0].pk, 1)])


@pytest.mark.django_db(transaction=True)  # what Valkey says again is told to it after the commit
def test_a_changed_price_is_refused_with_the_new_quote_and_remembered() -> None:
    cart, key = basket(2), new_key()
    Product.objects.update(price=Decimal("11.00"))

    response = buy(cart, key=key)
    Product.objects.update(price=Decimal("10.00"))
    again = buy(cart, key=key)

    problem = assert_refused(response, 409, "price_changed")
    assert problem["quote"]["total"] == {"amount": "27.00", "currency": "USD"}
    assert (again.status_code, again.content) == (409, response.content)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert_nothing_bought(cart, [(10, 2)], [(cart.products[0].pk, 2)])


def test_another_currency_is_another_price() -> None:
    cart = basket(1)

    response = buy(cart, total={"amount": "15.00", "currency": "EUR"})

    assert_refused(response, 409, "price_changed")
    assert_nothing_bought(cart, [(10, 1)], [(cart.products[0].pk, 1)])


def test_a_lapsed_line_that_is_sold_out_is_refused_and_named() -> None:
    cart = basket(2, 1, held=False)
    other = basket(9)
    make_cart_item(cart=other.cart, product=cart.products[0], quantity=9, held_until=now() + timedelta(minutes=5))

    response = buy(cart)

    problem = assert_refused(response, 409, "insufficient_inventory")
    assert problem["lines"] == [{"product_id": cart.products[0].pk, "requested": 2, "available": 1}]
    assert_nothing_bought(
        cart, [(10, 9), (10, 0)], [(product.pk, 3 - at) for at, product in enumerate(cart.products, 1)]
    )


def test_what_is_no_longer_sold_is_refused() -> None:
    cart = basket(1)
    Product.objects.update(is_active=False)

    problem = assert_refused(buy(cart), 409, "product_unavailable")

    assert problem["product_ids"] == [cart.products[0].pk]
    assert_nothing_bought(cart, [(10, 1)], [(cart.products[0].pk, 1)])


@pytest.mark.parametrize("headers", [{}, {"X-Cart-Token": "x" * 43}])
def test_an_empty_cart_buys_nothing(headers: dict[str, str]) -> None:
    cart = basket()

    response = buy(Basket(cart.cart, [], "5.00", headers))

    assert_refused(response, 409, "empty_cart")


def test_a_user_without_a_cart_buys_nothing() -> None:
    response = buy(Basket(basket().cart, [], "5.00", _login(make_user().email)))

    assert_refused(response, 409, "empty_cart")
    assert Order.objects.count() == 0


def test_an_unknown_way_to_ship_is_refused() -> None:
    cart = basket(1)

    response = buy(cart, shipping_method="by-balloon")

    assert_refused(response, 400, "unknown_shipping_method")
    assert_nothing_bought(cart, [(10, 1)], [(cart.products[0].pk, 1)])


@pytest.mark.parametrize(
    ("changes", "pointers"),
    [
        ({"postal_code": "ABC"}, ["/shipping_address/postal_code"]),
        ({"region": "Nowhere"}, ["/shipping_address/region"]),
        ({"country": "ZZ"}, ["/shipping_address/country"]),
        ({"phone": "12"}, ["/shipping_address/phone"]),
        ({"city": ""}, ["/shipping_address/city"]),
        ({"name": None}, ["/shipping_address/name"]),
    ],
)
def test_a_wrong_address_is_refused_field_by_field(changes: dict[str, Any], pointers: list[str]) -> None:
    cart = basket(1)

    response = buy(cart, shipping_address={**ADDRESS, **changes})

    problem = json.loads(response.content)
    assert (response.status_code, [error["pointer"] for error in problem["errors"]]) == (400, pointers)
    assert_nothing_bought(cart, [(10, 1)], [(cart.products[0].pk, 1)])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("email", "nobody"),
        ("total", "15.00"),
        ("total", {"amount": 15.0, "currency": "USD"}),
        ("total", {"amount": "NaN", "currency": "USD"}),
        ("total", {"amount": "15.00", "currency": "usd"}),
        ("shipping_address", []),
        ("payment_method", None),
    ],
)
def test_a_malformed_field_is_refused_and_named(name: str, value: Any) -> None:
    cart = basket(1)

    response = buy(cart, **{name: value})

    problem = assert_refused(response, 400, "invalid_input")
    assert [error["pointer"].split("/")[1] for error in problem["errors"]] == [name]
    assert_nothing_bought(cart, [(10, 1)], [(cart.products[0].pk, 1)])


def _login(email: str) -> dict[str, str]:
    answer = Client().post(
        "/api/v1/auth/login", {"email": email, "password": "correct-horse-battery"}, content_type="application/json"
    )
    return {"Authorization": f"Token {answer.json()['token']}"}
