"""What checkout does to a cart: lock it, take it all, and put it back after a decline."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from pytest_django import Settings

from cart import operations, selectors, services
from cart.errors import CartNotFound
from cart.models import Cart, CartItem, HoldStart
from cart.types import LockedCart, LockedLine, PutBack
from core.money import Money
from core.shopper import Shopper
from inventory import operations as inventory
from inventory.models import Inventory, Reservation
from inventory.types import OrderMove
from tests.factories import make_cart, make_cart_item, make_product, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=30)
ORDER_LINE = 900


def ordered(cart: Cart, *, now: datetime = NOW) -> list[PutBack]:
    """Everything in the cart goes into an order, as checkout does it; what to put back on a decline."""
    with transaction.atomic():
        lines = operations.lock(cart_id=cart.pk).lines
        moves = [
            OrderMove(
                cart_line_id=line.id,
                order_line_id=ORDER_LINE + place,
                product_id=line.product_id,
                quantity=line.quantity,
            )
            for place, line in enumerate(lines)
        ]
        inventory.move_to_order(moves=moves, near=None, now=now)
        operations.take_all(cart_id=cart.pk, now=now)
    return [
        PutBack(
            product_id=line.product_id,
            quantity=line.quantity,
            order_line_id=ORDER_LINE + place,
            seen_price=line.seen_price,
        )
        for place, line in enumerate(lines)
    ]


def put_back(cart_id: int, lines: list[PutBack], *, now: datetime = NOW) -> None:
    with transaction.atomic():
        operations.put_back(cart_id=cart_id, lines=lines, now=now)


def test_a_locked_cart_tells_its_lines_and_owner() -> None:
    user, product = make_user(), make_product(stock=5)
    cart = make_cart(user=user)
    item = make_cart_item(cart=cart, product=product, quantity=2, held_until=UNTIL)

    with transaction.atomic():
        locked = operations.lock(cart_id=cart.pk)

    line = LockedLine(id=item.pk, product_id=product.pk, quantity=2, seen_price=Money(product.price, "USD"))
    assert locked == LockedCart(id=cart.pk, user_id=user.pk, lines=(line,))
    with pytest.raises(CartNotFound), transaction.atomic():
        operations.lock(cart_id=cart.pk + 1000)


def test_an_ordered_cart_is_empty_and_the_order_holds_the_stock() -> None:
    cart, product = make_cart(), make_product(stock=5)
    make_cart_item(cart=cart, product=product, quantity=2, held_until=UNTIL)

    ordered(cart)

    assert selectors.fresh_view(shopper=Shopper(cart_token=cart.token), now=NOW).items == ()
    assert list(Reservation.objects.values_list("order_line_id", "quantity")) == [(ORDER_LINE, 2)]
    assert (Inventory.objects.get().reserved, HoldStart.objects.count()) == (2, 1)
    assert Cart.objects.get(pk=cart.pk).version == 1


def test_a_declined_order_comes_back_held() -> None:
    cart, product = make_cart(), make_product(stock=2)
    make_cart_item(cart=cart, product=product, quantity=2, held_until=UNTIL)
    HoldStart.objects.update(first_held_at=NOW)
    lines = ordered(cart)

    later = NOW + timedelta(minutes=5)
    put_back(cart.pk, lines, now=later)

    (line,) = selectors.fresh_view(shopper=Shopper(cart_token=cart.token), now=later).items
    assert (line.product_id, line.quantity, line.held) == (product.pk, 2, True)
    assert (line.held_until, str(line.seen_price)) == (later + timedelta(minutes=30), "10.00 USD")
    assert (Inventory.objects.get().reserved, Reservation.objects.count()) == (2, 1)


def test_what_was_bought_again_meanwhile_grows_up_to_the_most_per_order() -> None:
    cart, product = make_cart(), make_product(stock=9, max_per_order=4)
    make_cart_item(cart=cart, product=product, quantity=3, held_until=UNTIL)
    lines = ordered(cart)
    services.add_item(shopper=Shopper(cart_token=cart.token), product_id=product.pk, quantity=2, now=NOW)

    put_back(cart.pk, lines)

    (line,) = selectors.fresh_view(shopper=Shopper(cart_token=cart.token), now=NOW).items
    assert (line.quantity, line.held) == (4, True)
    assert Inventory.objects.get().reserved == 4


def test_a_line_beyond_the_limit_of_lines_is_released(settings: Settings) -> None:
    settings.CART_LINES_LIMIT = 1
    cart, product, other = make_cart(), make_product(stock=3), make_product(stock=3)
    make_cart_item(cart=cart, product=product, quantity=3, held_until=UNTIL)
    lines = ordered(cart)
    services.add_item(shopper=Shopper(cart_token=cart.token), product_id=other.pk, quantity=1, now=NOW)

    put_back(cart.pk, lines)

    assert list(CartItem.objects.values_list("product_id", flat=True)) == [other.pk]
    assert Inventory.objects.get(product=product).reserved == 0


def test_a_hold_comes_back_no_longer_than_its_limit_from_the_first_moment() -> None:
    cart, product = make_cart(), make_product(stock=3)
    make_cart_item(cart=cart, product=product, quantity=3, held_until=UNTIL)
    HoldStart.objects.update(first_held_at=NOW - timedelta(hours=3, minutes=50))
    lines = ordered(cart)

    put_back(cart.pk, lines)

    shopper = Shopper(cart_token=cart.token)
    (line,) = selectors.fresh_view(shopper=shopper, now=NOW).items
    assert line.held_until == NOW + timedelta(minutes=10)


def test_a_hold_past_its_limit_comes_back_as_a_line_without_one() -> None:
    cart, product = make_cart(), make_product(stock=3)
    make_cart_item(cart=cart, product=product, quantity=3, held_until=UNTIL)
    HoldStart.objects.update(first_held_at=NOW - timedelta(hours=4))
    lines = ordered(cart)

    put_back(cart.pk, lines)

    (line,) = selectors.fresh_view(shopper=Shopper(cart_token=cart.token), now=NOW).items
    assert (line.quantity, line.held) == (3, False)
    assert Inventory.objects.get().reserved == 0


def test_when_the_cart_is_gone_everything_is_released() -> None:
    cart, product = make_cart(), make_product(stock=3)
    make_cart_item(cart=cart, product=product, quantity=3, held_until=UNTIL)
    lines = ordered(cart)
    cart_id = cart.pk
    cart.delete()

    put_back(cart_id, lines)

    assert (Inventory.objects.get().reserved, Reservation.objects.count(), CartItem.objects.count()) == (0, 0, 0)
