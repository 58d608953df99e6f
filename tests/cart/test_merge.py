"""A guest logs in: what was in the cart comes along, with its holds."""

from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from cart import selectors, services
from cart.models import Cart, CartItem, HoldStart
from core.shopper import Shopper
from inventory.models import Inventory, Reservation
from tests.factories import make_cart, make_cart_item, make_product, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=30)


def test_lines_move_with_their_holds_into_a_cart_that_begins_here() -> None:
    user, guest, product = make_user(), make_cart(), make_product(stock=5)
    item = make_cart_item(cart=guest, product=product, quantity=2, held_until=UNTIL)

    services.merge_at_login(user_id=user.pk, cart_token=guest.token, now=NOW)

    (line,) = selectors.fresh_view(shopper=Shopper(user_id=user.pk), now=NOW).items
    assert (line.id, line.quantity, line.held, line.held_until) == (item.pk, 2, True, UNTIL)
    assert Inventory.objects.get().reserved == 2


def test_quantities_of_a_product_add_up_with_both_holds() -> None:
    user, guest, product = make_user(), make_cart(), make_product(stock=9)
    own = make_cart(user=user)
    kept = make_cart_item(cart=own, product=product, quantity=3, held_until=UNTIL)
    make_cart_item(cart=guest, product=product, quantity=2, held_until=UNTIL + timedelta(minutes=3))

    services.merge_at_login(user_id=user.pk, cart_token=guest.token, now=NOW)

    (line,) = selectors.fresh_view(shopper=Shopper(user_id=user.pk), now=NOW).items
    assert (line.id, line.quantity, line.held, line.held_until) == (kept.pk, 5, True, UNTIL + timedelta(minutes=3))
    assert (Inventory.objects.get().reserved, Reservation.objects.count()) == (5, 1)


def test_what_exceeds_the_most_per_order_is_released() -> None:
    user, guest, product = make_user(), make_cart(), make_product(stock=9, max_per_order=4)
    make_cart_item(cart=make_cart(user=user), product=product, quantity=3, held_until=UNTIL)
    make_cart_item(cart=guest, product=product, quantity=2, held_until=UNTIL)

    services.merge_at_login(user_id=user.pk, cart_token=guest.token, now=NOW)

    (line,) = selectors.fresh_view(shopper=Shopper(user_id=user.pk), now=NOW).items
    assert (line.quantity, line.held) == (4, True)
    assert Inventory.objects.get().reserved == 4


def test_what_exceeds_the_limit_of_lines_is_released(settings: Settings) -> None:
    settings.CART_LINES_LIMIT = 2
    user, guest = make_user(), make_cart()
    make_cart_item(cart=make_cart(user=user), product=make_product(stock=1), held_until=UNTIL)
    for _ in range(2):
        make_cart_item(cart=guest, product=make_product(stock=1), held_until=UNTIL)

    services.merge_at_login(user_id=user.pk, cart_token=guest.token, now=NOW)

    assert len(selectors.fresh_view(shopper=Shopper(user_id=user.pk), now=NOW).items) == 2
    assert (CartItem.objects.count(), Reservation.objects.count()) == (2, 2)
    assert sorted(Inventory.objects.values_list("reserved", flat=True)) == [0, 1, 1]


def test_a_lapsed_line_is_merged_and_stays_lapsed() -> None:
    user, guest, product = make_user(), make_cart(), make_product(stock=5)
    make_cart_item(cart=make_cart(user=user), product=product, quantity=1, held_until=UNTIL)
    make_cart_item(cart=guest, product=product, quantity=2)

    services.merge_at_login(user_id=user.pk, cart_token=guest.token, now=NOW)

    (line,) = selectors.fresh_view(shopper=Shopper(user_id=user.pk), now=NOW).items
    assert (line.quantity, line.held) == (3, False)
    assert Inventory.objects.get().reserved == 1


@pytest.mark.parametrize("users_is_older", [True, False])
def test_the_limit_counts_from_the_earlier_of_the_first_moments(users_is_older: bool) -> None:
    user, guest, product = make_user(), make_cart(), make_product(stock=5)
    own = make_cart(user=user)
    make_cart_item(cart=own, product=product, held_until=UNTIL)
    make_cart_item(cart=guest, product=product, held_until=UNTIL)
    older, younger = (own, guest) if users_is_older else (guest, own)
    HoldStart.objects.filter(cart=younger).update(first_held_at=NOW)
    HoldStart.objects.filter(cart=older).update(first_held_at=NOW - timedelta(hours=3, minutes=50))

    services.merge_at_login(user_id=user.pk, cart_token=guest.token, now=NOW)

    assert HoldStart.objects.get(cart=own).first_held_at == NOW - timedelta(hours=3, minutes=50)
    (line,) = selectors.fresh_view(shopper=Shopper(user_id=user.pk), now=NOW).items
    assert line.held_until == NOW + timedelta(minutes=10)


def test_the_guests_cart_stays_empty_and_its_token_goes_on_proving_it() -> None:
    user, guest, product = make_user(), make_cart(), make_product(stock=5)
    make_cart_item(cart=guest, product=product, quantity=2, held_until=UNTIL)

    services.merge_at_login(user_id=user.pk, cart_token=guest.token, now=NOW)

    shopper = Shopper(cart_token=guest.token)
    assert selectors.item_count(shopper=shopper) == 0
    assert selectors.proves_cart(shopper=shopper, cart_id=guest.pk)
    assert Cart.objects.get(user=user).token != guest.token


def test_merging_twice_changes_nothing_more() -> None:
    user, guest, product = make_user(), make_cart(), make_product(stock=5)
    make_cart_item(cart=guest, product=product, quantity=2, held_until=UNTIL)

    for _ in range(2):
        services.merge_at_login(user_id=user.pk, cart_token=guest.token, now=NOW)

    assert list(CartItem.objects.values_list("quantity", flat=True)) == [2]
    assert Inventory.objects.get().reserved == 2


def test_a_token_that_opens_nothing_or_a_users_cart_brings_nothing() -> None:
    user, victim, product = make_user(), make_user(), make_product(stock=5)
    theirs = make_cart(user=victim)
    make_cart_item(cart=theirs, product=product, held_until=UNTIL)

    for token in ("", "x" * 43, theirs.token, make_cart().token):
        services.merge_at_login(user_id=user.pk, cart_token=token, now=NOW)

    assert not Cart.objects.filter(user=user).exists()
    assert CartItem.objects.get().cart_id == theirs.pk
