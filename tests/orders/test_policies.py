"""What may follow what, what a number looks like, and where an address is wrong: no database."""

import itertools
import re
from dataclasses import replace

import pytest

from orders import policies
from orders.types import OrderStatus, PaymentStatus, PostalAddress

GERMAN = PostalAddress(
    name="Konrad Zuse", line1="Pariser Platz 1", city="Berlin", postal_code="10117", country="DE", phone="+493012345678"
)
AMERICAN = PostalAddress(
    name="Ada Lovelace", line1="350 Fifth Avenue", city="New York", region="NY", postal_code="10118", country="US"
)
JAPANESE = PostalAddress(
    name="Ada", line1="1-1 Chiyoda", city="", region="東京都", postal_code="100-8111", country="JP"
)
FORWARD = {
    ("", "pending_payment"),
    ("pending_payment", "paid"),
    ("pending_payment", "payment_failed"),
    ("pending_payment", "cancelled"),
    ("paid", "processing"),
    ("paid", "cancelled"),
    ("processing", "shipped"),
    ("processing", "cancelled"),
    ("processing", "refunded"),
    ("shipped", "delivered"),
    ("shipped", "refunded"),
    ("delivered", "refunded"),
}


def test_an_order_goes_forwards_only() -> None:
    states = ["", *OrderStatus.values]

    allowed = {pair for pair in itertools.product(states, OrderStatus.values) if policies.may_become(*pair)}

    assert allowed == FORWARD


def test_an_orders_money_never_goes_back() -> None:
    reached = {PaymentStatus.REFUNDED, PaymentStatus.VOIDED}

    assert all(not policies.payment_may_become(end, wanted) for end in reached for wanted in PaymentStatus.values)
    assert not policies.payment_may_become(PaymentStatus.CAPTURED, PaymentStatus.AUTHORISED)
    assert not policies.payment_may_become(PaymentStatus.AUTHORISED, PaymentStatus.PENDING)


def test_a_number_has_sixty_random_bits_and_no_letter_that_looks_like_a_digit() -> None:
    numbers = {policies.new_number() for _round in range(1000)}

    assert len(numbers) == 1000
    assert all(re.fullmatch("HB-[0-9A-HJKMNP-TV-Z]{6}-[0-9A-HJKMNP-TV-Z]{6}", number) for number in numbers)


@pytest.mark.parametrize("address", [GERMAN, AMERICAN, JAPANESE])
def test_a_right_address_stays_as_it_is(address: PostalAddress) -> None:
    checked = policies.check_address(address, pointer="/shipping_address")

    assert (checked.address, checked.errors) == (address, ())


def test_an_address_is_brought_to_its_usual_form() -> None:
    written = replace(AMERICAN, region="New York", city=" new york ")

    checked = policies.check_address(written, pointer="")

    assert checked.errors == ()
    assert checked.address == replace(AMERICAN, city="new york")


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        (replace(GERMAN, postal_code="1011"), [("/a/postal_code", "invalid")]),
        (replace(GERMAN, postal_code=""), [("/a/postal_code", "required")]),
        (replace(AMERICAN, region=""), [("/a/region", "required")]),
        (replace(AMERICAN, region="Bavaria"), [("/a/region", "invalid")]),
        (replace(AMERICAN, country="ZZ"), [("/a/country", "invalid")]),
        (replace(AMERICAN, country=""), [("/a/country", "required")]),
        (replace(AMERICAN, line1="", city=""), [("/a/city", "required"), ("/a/line1", "required")]),
        (replace(GERMAN, phone="+49"), [("/a/phone", "invalid")]),
        (replace(GERMAN, phone="call me"), [("/a/phone", "invalid")]),
        (replace(GERMAN, postal_code="X", phone="12"), [("/a/phone", "invalid"), ("/a/postal_code", "invalid")]),
    ],
)
def test_a_wrong_address_says_which_field(wrong: PostalAddress, errors: list[tuple[str, str]]) -> None:
    checked = policies.check_address(wrong, pointer="/a")

    assert sorted((error.pointer, error.code) for error in checked.errors) == errors


def test_a_wrong_postal_code_is_answered_with_an_example() -> None:
    (error,) = policies.check_address(replace(GERMAN, postal_code="1011"), pointer="").errors

    assert error.detail == "This is no postal code of this country. One looks like 26133."
