"""The cart as an outside client meets it."""

import json
from typing import Any

import pytest
from django.test import Client
from knox.models import AuthToken

from cart.models import Cart, CartItem, HoldStart
from inventory.models import Inventory, Reservation
from tests.factories import make_cart, make_cart_item, make_product, make_user

pytestmark = pytest.mark.django_db


def send(method: str, path: str, body: Any = None, *, token: str = "", user: str = "", raw: bytes = b"") -> Any:
    """One request to the API, as a fresh client without cookies sends it."""
    headers = {**({"X-Cart-Token": token} if token else {}), **({"Authorization": f"Token {user}"} if user else {})}
    data = (
        {"data": raw, "content_type": "application/json"} if raw else {"data": body, "content_type": "application/json"}
    )
    return getattr(Client(headers=headers), method)(f"/api/v1{path}", **(data if raw or body is not None else {}))


def state() -> tuple[list[object], ...]:
    tables = (Cart, CartItem, HoldStart, Inventory, Reservation)
    return tuple(list(table.objects.order_by("pk").values()) for table in tables)


def assert_problem(response: Any, status: int, code: str, *pointers: str) -> None:
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    body = response.json()
    assert (body["status"], body["code"]) == (status, code)
    assert [error["pointer"] for error in body.get("errors", [])] == list(pointers)


def test_a_guest_shops_with_the_token_of_the_first_answer() -> None:
    product = make_product(stock=10, title="Kettle")

    first = send("post", "/cart/items", {"product_id": product.pk, "quantity": 2})
    token = first["X-Cart-Token"]
    second = send("post", "/cart/items", {"product_id": product.pk, "quantity": 1}, token=token)
    read = send("get", "/cart", token=token)

    assert (first.status_code, second.status_code, read.status_code) == (201, 201, 200)
    assert "X-Cart-Token" not in second
    assert read.json() == second.json()
    (line,) = read.json()["items"]
    assert (line["product_id"], line["title"], line["quantity"], line["held"]) == (product.pk, "Kettle", 3, True)
    assert line["held_until"].endswith("Z")
    assert (line["unit_price"], line["total"]) == (
        {"amount": "10.00", "currency": "USD"},
        {"amount": "30.00", "currency": "USD"},
    )
    assert read.json()["subtotal"] == {"amount": "30.00", "currency": "USD"}
    assert (read.json()["item_count"], read.json()["all_held"]) == (3, True)
    assert read["Cache-Control"] == "no-store"


def test_a_line_is_changed_held_again_and_taken_out() -> None:
    product = make_product(stock=10)
    first = send("post", "/cart/items", {"product_id": product.pk, "quantity": 2})
    token, line = first["X-Cart-Token"], first.json()["items"][0]["id"]

    changed = send("patch", f"/cart/items/{line}", {"quantity": 5}, token=token)
    held = send("post", f"/cart/items/{line}/hold", token=token)
    removed = send("delete", f"/cart/items/{line}", token=token)

    assert [answer.status_code for answer in (changed, held, removed)] == [200, 200, 200]
    assert changed.json()["items"][0]["quantity"] == 5
    assert held.json()["items"][0]["held"] is True
    assert removed.json()["items"] == []
    assert Inventory.objects.get().reserved == 0


def test_a_cart_is_cleared() -> None:
    first = send("post", "/cart/items", {"product_id": make_product(stock=10).pk, "quantity": 2})

    cleared = send("delete", "/cart", token=first["X-Cart-Token"])

    assert (cleared.status_code, cleared.json()["items"]) == (200, [])
    assert Inventory.objects.get().reserved == 0


def test_a_user_has_one_cart_on_every_device_and_is_given_no_token() -> None:
    _, user = AuthToken.objects.create(user=make_user())
    product = make_product(stock=10)

    added = send("post", "/cart/items", {"product_id": product.pk, "quantity": 2}, user=user)
    read = send("get", "/cart", user=user)

    assert (added.status_code, "X-Cart-Token" in added) == (201, False)
    assert read.json()["items"][0]["quantity"] == 2


def test_who_has_no_cart_reads_an_empty_one_and_none_is_made() -> None:
    read = send("get", "/cart")

    assert read.json() == {
        "items": [],
        "subtotal": {"amount": "0.00", "currency": "USD"},
        "item_count": 0,
        "all_held": True,
    }
    assert Cart.objects.count() == 0


def test_too_little_stock_is_a_conflict_that_says_what_there_is() -> None:
    product = make_product(stock=3)

    refused = send("post", "/cart/items", {"product_id": product.pk, "quantity": 4})

    assert_problem(refused, 409, "insufficient_inventory")
    assert refused.json()["lines"] == [{"product_id": product.pk, "requested": 4, "available": 3}]
    assert Cart.objects.count() == 0


@pytest.mark.parametrize("quantity", [0, -1, 1.5, 10**12, "many", None, True, [1], {"a": 1}])
def test_a_bad_quantity_is_named_and_changes_nothing(quantity: Any) -> None:
    first = send("post", "/cart/items", {"product_id": make_product(stock=9).pk, "quantity": 2})
    token, line = first["X-Cart-Token"], first.json()["items"][0]
    before = state()

    added = send("post", "/cart/items", {"product_id": line["product_id"], "quantity": quantity}, token=token)
    changed = send("patch", f"/cart/items/{line['id']}", {"quantity": quantity}, token=token)

    for answer in (added, changed):
        assert_problem(answer, 400, "invalid_input", "/quantity")
    assert state() == before


def test_a_quantity_above_the_most_per_order_is_named_and_changes_nothing() -> None:
    product = make_product(stock=99, max_per_order=5)
    first = send("post", "/cart/items", {"product_id": product.pk, "quantity": 2})
    token, line = first["X-Cart-Token"], first.json()["items"][0]
    before = state()

    added = send("post", "/cart/items", {"product_id": product.pk, "quantity": 4}, token=token)
    changed = send("patch", f"/cart/items/{line['id']}", {"quantity": 6}, token=token)

    for answer in (added, changed):
        assert_problem(answer, 400, "quantity_above_limit", "/quantity")
        assert (answer.json()["max_per_order"], answer.json()["in_cart"]) == (5, 2)
    assert state() == before


@pytest.mark.parametrize("product_id", [0, -5, 10**30, "x", None, 1.5])
def test_an_impossible_product_is_named(product_id: Any) -> None:
    refused = send("post", "/cart/items", {"product_id": product_id, "quantity": 1})

    assert_problem(refused, 400, "invalid_input", "/product_id")


def test_an_unknown_or_inactive_product_is_named_and_changes_nothing() -> None:
    inactive = make_product(stock=5, is_active=False)
    before = state()

    for product_id in (inactive.pk, inactive.pk + 1000):
        refused = send("post", "/cart/items", {"product_id": product_id, "quantity": 1})
        assert_problem(refused, 400, "unknown_product", "/product_id")

    assert state() == before


def test_missing_fields_are_all_named() -> None:
    assert_problem(send("post", "/cart/items", {}), 400, "invalid_input", "/quantity", "/product_id")


@pytest.mark.parametrize("raw", [b"{", b"\xff\xfe", b'{"quantity": NaN}', b"[" * 10_000])
def test_a_body_that_is_no_json_is_refused(raw: bytes) -> None:
    refused = send("post", "/cart/items", raw=raw)

    assert refused.status_code == 400
    assert refused["Content-Type"] == "application/problem+json"
    assert Cart.objects.count() == 0


@pytest.mark.parametrize("body", [[], "text", 5, None])
def test_json_that_is_no_object_is_refused(body: Any) -> None:
    refused = send("post", "/cart/items", raw=json.dumps(body).encode())

    assert_problem(refused, 400, "invalid_input", "/")


@pytest.mark.parametrize("token", ["x" * 43, "short", "x" * 500, "\u00e9" * 43])
def test_a_token_never_issued_is_refused_everywhere(token: str) -> None:
    product = make_product(stock=5)
    before = state()

    answers = [
        send("get", "/cart", token=token),
        send("post", "/cart/items", {"product_id": product.pk, "quantity": 1}, token=token),
    ]

    for answer in answers:
        assert_problem(answer, 404, "cart_not_found", "/X-Cart-Token")
    assert state() == before


def test_another_shoppers_line_is_not_found_and_not_touched() -> None:
    theirs = make_cart_item(cart=make_cart(), product=make_product(stock=5), quantity=2)
    mine = make_cart()
    before = state()

    for item_id in (theirs.pk, theirs.pk + 1000, 10**30):
        for answer in (
            send("patch", f"/cart/items/{item_id}", {"quantity": 1}, token=mine.token),
            send("delete", f"/cart/items/{item_id}", token=mine.token),
            send("post", f"/cart/items/{item_id}/hold", token=mine.token),
        ):
            assert_problem(answer, 404, "cart_line_not_found", "/id")

    assert state() == before


def test_methods_that_do_not_exist_are_refused() -> None:
    assert_problem(send("put", "/cart", {}), 405, "method_not_allowed")
