"""What shoppers do with their carts, and what it does to the stock."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from pytest_django import DjangoAssertNumQueries

from cart import selectors, services
from cart.models import Cart, CartItem, HoldStart
from core.shopper import Shopper
from inventory.models import Inventory, Reservation
from tests.factories import make_cart, make_cart_item, make_product, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_guests_first_addition_begins_a_cart_and_holds_the_stock() -> None:
    product = make_product(stock=10)

    change = services.add_item(shopper=Shopper(), product_id=product.pk, quantity=3, now=NOW)

    assert (change.created, len(change.token)) == (True, 43)
    (line,) = change.cart.items
    assert (line.quantity, line.held, line.held_until) == (3, True, NOW + settings.HOLD_LIFETIME)
    assert (str(line.unit_price), str(line.total), str(change.cart.subtotal)) == ("10.00 USD", "30.00 USD", "30.00 USD")
    assert (line.available_to_buy, change.cart.item_count, change.cart.all_held) == (10, 3, True)
    stock = Inventory.objects.get()
    assert (stock.quantity, stock.reserved) == (10, 3)
