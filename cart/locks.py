"""Every lock on carts. It comes before any lock on stock; several carts are locked by id."""

from collections.abc import Collection

from django.db.models import QuerySet

from cart.models import Cart
from core.shopper import Shopper


def cart_of(*, shopper: Shopper) -> Cart | None:
    """Lock the shopper's cart: a user's by user, else a guest's by token. One query."""
    return _lock(carts_open_to(shopper)).first()


def cart(*, cart_id: int) -> Cart | None:
    """Lock one cart. One query."""
    return _lock(Cart.objects.filter(pk=cart_id)).first()


def carts(*, cart_ids: Collection[int]) -> dict[int, Cart]:
    """Lock carts in the order of their ids; those that are gone are left out. One query."""
    return {row.pk: row for row in _lock(Cart.objects.filter(pk__in=set(cart_ids)))}


def carts_open_to(shopper: Shopper) -> "QuerySet[Cart]":
    """The one cart that is the shopper's, or none. A user's cart is opened by no token."""
    if shopper.user_id is not None:
        return Cart.objects.filter(user_id=shopper.user_id)
    return Cart.objects.filter(token=shopper.cart_token, user=None) if shopper.cart_token else Cart.objects.none()


def _lock(rows: "QuerySet[Cart]") -> "QuerySet[Cart]":
    return rows.select_for_update(no_key=True).order_by("pk")
