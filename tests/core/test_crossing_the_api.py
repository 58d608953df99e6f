"""How amounts and pages cross the API."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import RequestFactory
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request

from core.money import Money
from core.pagination import Pages, PageTooDeep
from core.serializers import MoneyField


def test_an_amount_is_a_string_with_its_currency() -> None:
    assert MoneyField().to_representation(Money(Decimal("49.9"), "USD")) == {"amount": "49.90", "currency": "USD"}
    assert MoneyField().to_representation(Money(Decimal(500), "JPY")) == {"amount": "500", "currency": "JPY"}


@pytest.mark.parametrize("amount", ["49.95", "0", "49.950"])
def test_an_amount_that_was_sent_is_read_exactly(amount: str) -> None:
    assert MoneyField().run_validation({"amount": amount, "currency": "USD"}) == Money(Decimal(amount), "USD")


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "49.95",
        [],
        {},
        {"amount": "49.95"},
        {"currency": "USD"},
        {"amount": 49.95, "currency": "USD"},
        {"amount": "49.955", "currency": "USD"},
        {"amount": "0.5", "currency": "JPY"},
        {"amount": "NaN", "currency": "USD"},
        {"amount": "Infinity", "currency": "USD"},
        {"amount": "1e30", "currency": "USD"},
        {"amount": "", "currency": "USD"},
        {"amount": True, "currency": "USD"},
        {"amount": {}, "currency": "USD"},
        {"amount": "1", "currency": 7},
        {"amount": "1", "currency": "usd"},
        {"amount": "1", "currency": "dollars"},
    ],
    ids=str,
)
def test_what_is_no_amount_is_refused(sent: Any) -> None:
    with pytest.raises(ValidationError):
        MoneyField().run_validation(sent)


def page(number: str) -> Any:
    """A page of ten thousand and thirty things."""
    return Pages().paginate_queryset(range(10_030), Request(RequestFactory().get("/", {"page": number})))


def test_pages_hold_twenty_and_go_up_to_five_hundred() -> None:
    assert page("1") == list(range(20))
    assert page("500") == list(range(9_980, 10_000))


@pytest.mark.parametrize("number", ["501", "99999999999999999999"])
def test_a_page_too_deep_says_which_is_the_last(number: str) -> None:
    with pytest.raises(PageTooDeep) as refusal:
        page(number)

    assert refusal.value.params == {"last_page": 500}


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5"])
def test_what_is_no_page_is_not_found(number: str) -> None:
    with pytest.raises(NotFound):
        page(number)
