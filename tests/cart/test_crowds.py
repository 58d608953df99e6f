"""Guests of one address hold so much and no more; users, other addresses, and what is held already are not concerned."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import Settings

from cart import services
from cart.errors import TooManyHolds
from cart.models import Cart, CartItem
from core.shopper import HEADER, Shopper
from inventory.models import Reservation
from tests.factories import make_product, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture(autouse=True)
def _two_for_an_address(settings: Settings) -> None:
    settings.GUEST_ADDRESS_HOLDS_LIMIT = 2
    settings.LIMITS_ON = True


def guest(address: str = HERE, *, now: datetime = NOW) -> Shopper:
    """A guest who holds something."""
    change = services.add_item(
        shopper=Shopper(address=address), product_id=make_product(stock=5).pk, quantity=1, now=now
    )
    return Shopper(cart_token=change.token, address=address)


def test_one_guest_too_many_is_refused_until_the_next_hold_ends_and_nothing_is_left() -> None:
    guest()
    guest(now=NOW + timedelta(minutes=5))

    with pytest.raises(TooManyHolds) as refusal:
        guest(now=NOW + timedelta(minutes=10))

    assert refusal.value.retry_after == 20 * 60
    assert (Cart.objects.count(), Reservation.objects.count()) == (2, 2)


def test_other_addresses_users_and_shops_without_limits_go_on(settings: Settings) -> None:
    guest(), guest()

    guest(ELSEWHERE)
    services.add_item(
        shopper=Shopper(user_id=make_user().pk, address=HERE),
        product_id=make_product(stock=5).pk,
        quantity=1,
        now=NOW,
    )
    settings.LIMITS_ON = False
    guest()

    assert Reservation.objects.count() == 5


def test_one_household_of_ipv6_counts_as_one_address() -> None:
    guest("2001:db8:1:1::1"), guest("2001:db8:1:1::2")

    with pytest.raises(TooManyHolds):
        guest("2001:db8:1:1:ffff::3")
    guest("2001:db8:1:2::1")


def test_holds_that_lapsed_or_were_given_back_do_not_count() -> None:
    first, _second = guest(), guest()
    services.clear(shopper=first, now=NOW)

    third = guest()
    later = NOW + timedelta(minutes=30)
    guest(now=later), guest(now=later)

    with pytest.raises(TooManyHolds):
        services.hold_item(shopper=third, item_id=CartItem.objects.get(cart__token=third.cart_token).pk, now=later)


def test_who_holds_a_line_may_change_and_prolong_it_whatever_others_hold(settings: Settings) -> None:
    first, _second, third = guest(), guest(), guest(ELSEWHERE)
    here = Shopper(cart_token=third.cart_token, address=HERE)  # it moved networks
    line = CartItem.objects.get(cart__token=first.cart_token)
    settings.GUEST_ADDRESS_HOLDS_LIMIT = 1

    services.change_item(shopper=first, item_id=line.pk, quantity=3, now=NOW)
    services.hold_item(shopper=here, item_id=CartItem.objects.get(cart__token=third.cart_token).pk, now=NOW)

    assert sum(Reservation.objects.values_list("quantity", flat=True)) == 5


def test_the_address_itself_is_not_kept() -> None:
    guest()

    assert all(len(kept) == 32 and HERE not in kept for kept in Cart.objects.values_list("guest_address", flat=True))


def test_over_the_api_it_is_a_429_that_says_when_to_come_back(client: Client) -> None:
    guest("127.0.0.1"), guest("127.0.0.1")
    body = {"product_id": make_product(stock=5).pk, "quantity": 1}

    # The clock of the request is the real one: the holds above ended long ago, those made here have not.
    answers = [client.post("/api/v1/cart/items", body, content_type="application/json") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert (answers[2].json()["code"], HEADER in answers[2]) == ("too_many_holds", False)
    assert 1790 < int(answers[2]["Retry-After"]) <= 1800
