"""Quotes and orders as they are read: by whose they are, and by nobody else."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from accounts.models import User
from core.clock import now
from core.money import Money
from orders.models import Order, OrderHistory, OrderLine
from payments import operations as payments
from tests.factories import PASSWORD, make_cart, make_product, make_shipping_method, make_tax_rate, make_user
from tests.orders.arranged import assert_refused, basket
from tests.servers.purchase import ADDRESS

pytestmark = pytest.mark.django_db


def make_order(*, number: str, user: User | None = None, cart_id: int | None = None, age: int = 0) -> Order:
    """An order for two of something at 10.00 and 5.00 for shipping, paid elsewhere."""
    at, product = now() - timedelta(days=age), make_product()
    with transaction.atomic():
        payment = payments.record_external(reference=number, amount=Money(Decimal("25.00"), "USD"), now=at)
    order = Order.objects.create(
        number=number, user=user, cart_id=cart_id, payment_id=payment.id, email="ada@example.com",
        status="processing", payment_status="captured", currency="USD", subtotal=20, shipping=5, tax=0, total=25,
        shipping_method="standard", shipping_name="Standard", shipping_address=ADDRESS, billing_address=ADDRESS,
        idempotency_owner="test", idempotency_key=number, placed_at=at, updated_at=at,
    )  # fmt: skip
    OrderLine.objects.create(
        order=order, product=product, position=0, sku=product.sku, title=product.title, quantity=2,
        unit_price=10, total=20, tax=0, currency="USD",
    )  # fmt: skip
    OrderHistory.objects.create(order=order, kind="order", to_status="processing", at=at)
    return order


def logged_in(user: User) -> dict[str, str]:
    body = {"email": user.email, "password": PASSWORD}
    answer = Client().post("/api/v1/auth/login", body, content_type="application/json")
    return {"Authorization": f"Token {answer.json()['token']}"}


def read(number: str, headers: dict[str, str]) -> Any:
    return Client().get(f"/api/v1/orders/{number}", headers=headers)


def quote(headers: dict[str, str], **body: Any) -> Any:
    return Client().post(
        "/api/v1/quote", {"shipping_address": ADDRESS, **body}, content_type="application/json", headers=headers
    )


def test_a_guest_reads_the_order_with_the_carts_token() -> None:
    cart = make_cart()
    make_order(number="HB-ONE", cart_id=cart.pk)

    response = read("HB-ONE", {"X-Cart-Token": cart.token})

    order = response.json()
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert (order["number"], order["status"], order["total"]) == (
        "HB-ONE",
        "processing",
        {"amount": "25.00", "currency": "USD"},
    )
    assert [entry["to_status"] for entry in order["history"]] == ["processing"]


@pytest.mark.parametrize("number", ["HB-ONE", "HB-NONE"])
def test_nobody_else_is_told_whether_an_order_exists(number: str) -> None:
    cart, owner = make_cart(), make_user()
    make_order(number="HB-ONE", user=owner, cart_id=cart.pk)

    answers = [
        read(number, headers)
        for headers in ({}, {"X-Cart-Token": cart.token}, {"X-Cart-Token": "x" * 43}, logged_in(make_user()))
    ]

    assert {assert_refused(answer, 404, "order_not_found")["detail"] for answer in answers} == {
        "There is no such order, or it is not yours."
    }


def test_a_user_reads_only_own_orders_the_newest_first(django_assert_max_num_queries: Any) -> None:
    user = make_user()
    for age in range(22):
        make_order(number=f"HB-{age}", user=user, age=age)
    make_order(number="HB-OTHER", user=make_user())
    headers = logged_in(user)

    with django_assert_max_num_queries(6):
        first = Client().get("/api/v1/orders", headers=headers).json()
    second = Client().get("/api/v1/orders?page=2", headers=headers).json()

    assert (first["total"], first["pages"]) == (22, 2)
    assert [order["number"] for order in first["results"]] == [f"HB-{age}" for age in range(20)]
    assert [order["number"] for order in second["results"]] == ["HB-20", "HB-21"]
    assert (first["results"][0]["item_count"], first["results"][0]["total"]["amount"]) == (2, "25.00")
    assert read("HB-3", headers).status_code == 200


@pytest.mark.parametrize("page", ["0", "-1", "501", "x", "²", "9" * 40])
def test_pages_are_numbers_from_1_to_500(page: str) -> None:
    response = Client().get("/api/v1/orders", {"page": page}, headers=logged_in(make_user()))

    assert_refused(response, 400, "invalid_input")


def test_a_guest_has_no_list_of_orders() -> None:
    assert_refused(Client().get("/api/v1/orders"), 401, "not_authenticated")


def test_a_quote_names_the_cheapest_way_to_ship_and_all_others() -> None:
    cart = basket(2, 1)
    make_shipping_method(code="express", name="Express", flat_amount=Decimal("12.50"))
    make_shipping_method(code="abroad", countries=["DE"], flat_amount=Decimal("1.00"))

    found = quote(cart.headers).json()

    assert [found[name]["amount"] for name in ("subtotal", "shipping", "tax", "total")] == [
        "30.00",
        "5.00",
        "0.00",
        "35.00",
    ]
    assert found["shipping_method"] == "standard"
    assert {way["code"]: way["amount"]["amount"] for way in found["shipping_methods"]} == {
        "standard": "5.00",
        "express": "12.50",
    }
    assert quote(cart.headers, shipping_method="express").json()["total"]["amount"] == "42.50"


def test_a_quote_adds_the_tax_of_the_destination() -> None:
    cart = basket(1)
    make_tax_rate(country="DE", rate=Decimal("0.19"))

    found = quote(cart.headers, shipping_address={"country": "de"}).json()

    parts = {name: Decimal(found[name]["amount"]) for name in ("subtotal", "shipping", "tax", "total")}
    assert parts["subtotal"] == Decimal("10.00")
    assert parts["total"] == parts["subtotal"] + parts["shipping"] + parts["tax"] or found["tax_included"]
    assert found["lines"][0]["tax"]["amount"] == "1.90"


def test_a_quote_changes_nothing_and_needs_no_hold() -> None:
    cart = basket(1, held=False)

    assert quote(cart.headers).status_code == 200

    assert Order.objects.count() == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"shipping_address": {"country": "USA"}}, 400, "invalid_input"),
        ({"shipping_address": None}, 400, "invalid_input"),
        ({"shipping_method": "by-balloon"}, 400, "unknown_shipping_method"),
    ],
)
def test_a_quote_for_nonsense_is_refused(body: dict[str, Any], status: int, code: str) -> None:
    assert_refused(quote(basket(1).headers, **body), status, code)


def test_an_empty_cart_has_no_quote() -> None:
    assert_refused(quote({}), 409, "empty_cart")
