"""Staff refund lines, shipping, amounts or all of an order over the API: once for each key, and never more than was paid."""

from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from core.models import IdempotencyClaim
from core.money import Money
from orders import policies
from orders.models import Order, OrderLine, RefundLine
from payments.models import Payment, Refund
from pricing.models import TaxRate
from tests.factories import make_tax_rate, make_user
from tests.orders.arranged import Basket, basket, buy, history_of, new_key, order_of, token_of, work_off
from tests.races.threads import at_once
from tests.servers.simulator import Simulator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("provider")]


def clerk() -> User:
    """Staff who may refund."""
    user = make_user(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="add_refund"))
    return user


def bought(cart: Basket, **changes: Any) -> Order:
    """An order whose money was taken."""
    order = order_of(buy(cart, **changes))
    work_off()
    return order


def refund(order: Order, user: User | None, body: dict[str, Any], *, key: str = "") -> Any:
    """POST /api/v1/orders/{number}/refunds."""
    sent = {"Idempotency-Key": key or new_key(), **(token_of(user) if user else {})}
    return Client().post(f"/api/v1/orders/{order.number}/refunds", body, content_type="application/json", headers=sent)


def line_ids(order: Order) -> list[int]:
    return list(OrderLine.objects.filter(order=order).order_by("position").values_list("pk", flat=True))


def given_back(order: Order) -> str:
    return str(Payment.objects.get(pk=order.payment_id).refunded_amount.quantize(Decimal("0.01")))


def test_lines_and_shipping_go_back_and_then_the_rest(provider: Simulator) -> None:
    order, user = bought(basket(3, 1)), clerk()
    first_line, _second = line_ids(order)

    part = refund(order, user, {"lines": [{"line_id": first_line, "quantity": 2}], "shipping": True, "reason": "torn"})
    work_off()
    rest = refund(order, user, {})
    work_off()

    assert (part.status_code, rest.status_code) == (201, 201)
    told = part.json()
    assert told["amount"] == {"amount": "25.00", "currency": "USD"}
    assert (told["order_number"], told["status"], told["reason"]) == (order.number, "pending", "torn")
    assert [(line["line_id"], line["quantity"], line["amount"]["amount"]) for line in told["lines"]] == [
        (first_line, 2, "20.00"),
        (None, 1, "5.00"),
    ]
    assert rest.json()["amount"] == {"amount": "20.00", "currency": "USD"}
    assert given_back(order) == "45.00"
    assert history_of(order)[-1] == ("order", "processing", "refunded")
    assert {row.status for row in Refund.objects.all()} == {"succeeded"}
    assert Refund.objects.first().actor_id == user.pk  # type: ignore[union-attr]  # there is one


def test_the_same_key_is_the_same_refund_long_after(provider: Simulator) -> None:
    order, user, key = bought(basket(2)), clerk(), new_key()
    body = {"lines": [{"line_id": line_ids(order)[0], "quantity": 2}]}

    first, again = refund(order, user, body, key=key), refund(order, user, body, key=key)
    forget_claims()
    late = refund(order, user, body, key=key)

    assert (first.status_code, again.status_code, late.status_code) == (201, 200, 201)
    assert again.content == first.content
    assert late.json() == first.json()
    assert (Refund.objects.count(), given_back(order)) == (1, "20.00")


def test_many_clicks_at_once_are_one_refund_and_many_keys_never_too_much() -> None:
    order, user, key = bought(basket(4)), clerk(), new_key()
    (line,) = line_ids(order)
    body = {"lines": [{"line_id": line, "quantity": 1}]}

    same = at_once([partial(refund, order, user, body, key=key)] * 8)
    others = at_once([partial(refund, order, user, body)] * 8)

    assert [answer.status_code for answer in same].count(201) == 1
    assert {answer.status_code for answer in same} <= {200, 201, 409}
    assert sorted(answer.status_code for answer in others) == [201] * 3 + [409] * 5
    assert {answer.json()["code"] for answer in others if answer.status_code == 409} == {"refund_exceeds_line"}
    assert given_back(order) == "40.00"


def test_what_a_failed_refund_promised_can_be_given_again(provider: Simulator) -> None:
    order, user = bought(basket(1)), clerk()
    body = {"lines": [{"line_id": line_ids(order)[0], "quantity": 1}], "shipping": True}
    refund(order, user, body)
    Refund.objects.update(status="failed")
    Payment.objects.update(refunded_amount=0)

    assert refund(order, user, body).status_code == 201
    assert RefundLine.objects.count() == 4


def test_tax_that_was_added_goes_back_with_its_line(provider: Simulator) -> None:
    make_tax_rate(country="US", rate=Decimal("0.10"))
    cart = basket(3)
    order, user = bought(cart, total={"amount": "38.50", "currency": "USD"}), clerk()

    answer = refund(order, user, {"lines": [{"line_id": line_ids(order)[0], "quantity": 1}], "shipping": True})

    amounts = [line["amount"]["amount"] for line in answer.json()["lines"]]
    assert (amounts, answer.json()["amount"]["amount"]) == (["11.00", "5.50"], "16.50")
    assert TaxRate.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"amount": {"amount": "25.01", "currency": "USD"}}, 409, "refund_too_large"),
        ({"amount": {"amount": "0.00", "currency": "USD"}}, 400, "invalid_input"),
        ({"amount": {"amount": "-1.00", "currency": "USD"}}, 400, "invalid_input"),
        ({"amount": {"amount": "1.00", "currency": "EUR"}}, 400, "invalid_input"),
        ({"amount": {"amount": "1.00", "currency": "USD"}, "shipping": True}, 400, "invalid_input"),
        ({"lines": [{"line_id": 10**12, "quantity": 1}]}, 400, "invalid_input"),
        ({"lines": [{"line_id": 1, "quantity": 0}]}, 400, "invalid_input"),
        ({"lines": "all"}, 400, "invalid_input"),
    ],
)
def test_what_can_not_be_refunded_is_refused_and_nothing_is_promised(
    body: dict[str, Any], status: int, code: str
) -> None:
    order = bought(basket(2))

    answer = refund(order, clerk(), body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (Refund.objects.count(), given_back(order)) == (0, "0.00")


def test_a_line_twice_in_one_request_and_shipping_twice_are_refused() -> None:
    order, user = bought(basket(2)), clerk()
    (line,) = line_ids(order)

    twice = refund(order, user, {"lines": [{"line_id": line, "quantity": 1}] * 2})
    refund(order, user, {"shipping": True})
    again = refund(order, user, {"shipping": True})

    assert (twice.status_code, twice.json()["code"]) == (400, "invalid_input")
    assert (again.status_code, again.json()["code"]) == (409, "refund_exceeds_line")
    assert given_back(order) == "5.00"


def test_only_staff_who_may_refund_with_a_key() -> None:
    order, shopper, user = bought(basket(1)), make_user(), make_user(is_staff=True)
    url = f"/api/v1/orders/{order.number}/refunds"

    answers = [refund(order, who, {}) for who in (None, shopper, user)]
    keyless = Client().post(url, {}, content_type="application/json", headers=token_of(clerk()))
    unknown = Client().post(
        "/api/v1/orders/HB-NONE/refunds",
        {},
        content_type="application/json",
        headers={**token_of(clerk()), "Idempotency-Key": new_key()},
    )

    assert [answer.status_code for answer in answers] == [401, 403, 403]
    assert (keyless.status_code, keyless.json()["code"]) == (400, "idempotency_key_missing")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "order_not_found")
    assert Refund.objects.count() == 0


@given(minor=st.integers(0, 10**7), steps=st.lists(st.integers(1, 9), min_size=1, max_size=8))
def test_shares_of_a_line_add_up_to_what_was_paid_in_whatever_steps(minor: int, steps: list[int]) -> None:
    paid, quantity, before = Money.from_minor(minor, "USD"), sum(steps), 0
    shares = []
    for more in steps:
        shares.append(policies.share_of_line(paid=paid, quantity=quantity, before=before, more=more))
        before += more

    assert sum(share.minor for share in shares) == minor
    assert min(share.minor for share in shares) >= 0


def forget_claims() -> None:
    """As a day later."""
    cache.clear()
    IdempotencyClaim.objects.all().delete()
