"""What shoppers do with their carts. Every change holds the stock it promises, or is refused as a whole."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from django.conf import settings

from cart import locks, selectors, writes
from cart.errors import (
    BadQuantity,
    CartIsFull,
    CartNotFound,
    HoldLimitReached,
    LineNotFound,
    TooMany,
    TooManyHolds,
    UnknownProduct,
)
from cart.merging import merge
from cart.models import Cart, CartItem
from cart.policies import hold_until
from cart.types import CartChange
from cart.writes import WrittenLine
from catalog import selectors as catalog
from catalog.types import SellableProduct
from core.net import pseudonym
from core.shopper import Shopper
from core.transactions import unit_of_work
from inventory import operations as inventory
from inventory import selectors as stock
from inventory.types import HoldRequest


def add_item(
    *, shopper: Shopper, product_id: int, quantity: int, now: datetime, known_cart: bool = False
) -> CartChange:
    """Put ``quantity`` more of a product into the shopper's cart, which begins here if there is none, and hold them.

    A token that opens nothing begins a new cart, with a token of its own; ``known_cart`` refuses it instead. A product that has
    been held as long as may be goes in without a hold. At most six statements for one warehouse, the answer's reading aside.
    Raises BadQuantity, UnknownProduct, TooMany, CartIsFull, CartNotFound, TooManyHolds, InsufficientInventory, Unavailable.
    """
    if quantity < 1:
        raise BadQuantity.too_low()
    with unit_of_work():
        cart = locks.cart_of(shopper=shopper)
        if cart is None and known_cart and shopper.user_id is None and shopper.cart_token:
            raise CartNotFound.of_token()
        created = cart is None and shopper.user_id is None
        cart = cart or _begin_cart(shopper, now)
        product = _product(product_id)
        line = None
        if quantity <= product.max_per_order:
            line = writes.add_to_line(
                cart=cart,
                product_id=product.id,
                quantity=quantity,
                price=product.price,
                limit=product.max_per_order,
                address=_crowd(shopper),
                now=now,
            )
        if line is None:
            raise _why_not(cart, product)
        _hold(cart, product.id, line, shopper, now)
    token = "" if shopper.user_id is not None else cart.token
    view = selectors.fresh_view(shopper=replace(shopper, cart_token=token), now=now)
    return CartChange(cart=view, token=token, created=created)


def change_item(*, shopper: Shopper, item_id: int, quantity: int, now: datetime) -> CartChange:
    """Make a line ``quantity`` units, holding or releasing the difference; the hold begins anew.

    Raises BadQuantity, LineNotFound, UnknownProduct, TooMany, TooManyHolds, InsufficientInventory, Unavailable.
    """
    if quantity < 1:
        raise BadQuantity.too_low()

    def change(cart: Cart, item: CartItem) -> None:
        product = _product(item.product_id)
        if quantity > product.max_per_order:
            raise TooMany.of(limit=product.max_per_order, in_cart=item.quantity)
        _hold(cart, product.id, _rewrite(cart, item, product, quantity, shopper, now), shopper, now)

    return _on_line(shopper, item_id, change, now)


def hold_item(*, shopper: Shopper, item_id: int, now: datetime) -> CartChange:
    """Hold a line again, or for longer.

    Raises LineNotFound, UnknownProduct, HoldLimitReached, TooManyHolds, InsufficientInventory, Unavailable.
    """

    def hold(cart: Cart, item: CartItem) -> None:
        product = _product(item.product_id)
        line = _rewrite(cart, item, product, item.quantity, shopper, now)
        if not _hold(cart, product.id, line, shopper, now):
            raise HoldLimitReached.of_line()

    return _on_line(shopper, item_id, hold, now)


def remove_item(*, shopper: Shopper, item_id: int, now: datetime) -> CartChange:
    """Take a line out and release what it holds. Raises LineNotFound, Unavailable."""

    def remove(cart: Cart, item: CartItem) -> None:
        inventory.release_cart_lines(cart_line_ids=[item.pk], now=now)
        CartItem.objects.filter(pk=item.pk).delete()
        writes.touch(cart_id=cart.pk, now=now)

    return _on_line(shopper, item_id, remove, now)


def clear(*, shopper: Shopper, now: datetime) -> CartChange:
    """Take everything out and release it; a shopper without a cart has nothing to clear. Raises Unavailable."""
    with unit_of_work():
        cart = locks.cart_of(shopper=shopper)
        if cart is not None:
            items = list(CartItem.objects.filter(cart=cart).values_list("pk", flat=True))
            inventory.release_cart_lines(cart_line_ids=items, now=now)
            CartItem.objects.filter(cart=cart).delete()
            writes.touch(cart_id=cart.pk, now=now)
    return _change(shopper, now)


def merge_at_login(*, user_id: int, cart_token: str, now: datetime) -> None:
    """Bring what a guest has in the cart into the cart of the user who logged in; holds are neither lost nor doubled.

    Quantities of a product add up, to the most per order and to the limit of lines; the rest is released. The guest's cart stays,
    empty: its token goes on proving the guest's orders. Twice does no harm. Raises Unavailable.
    """
    if not cart_token:
        return
    with unit_of_work():
        guest_id = Cart.objects.filter(token=cart_token, user=None, items__isnull=False).values_list("pk", flat=True)
        found = guest_id.first()
        if found is None:
            return
        own_id = _cart_of_user(user_id, now)
        carts = locks.carts(cart_ids=[found, own_id])
        if len(carts) == 2:
            merge(guest=carts[found], own=carts[own_id], now=now)


def _on_line(shopper: Shopper, item_id: int, change: Callable[[Cart, CartItem], None], now: datetime) -> CartChange:
    """Run ``change`` on a line of the shopper's locked cart. Raises LineNotFound."""
    with unit_of_work():
        cart = locks.cart_of(shopper=shopper)
        item = CartItem.objects.filter(cart=cart, pk=item_id).first() if cart else None
        if cart is None or item is None:
            raise LineNotFound.of_id()
        change(cart, item)
    return _change(shopper, now)


def _change(shopper: Shopper, now: datetime) -> CartChange:
    view = selectors.fresh_view(shopper=shopper, now=now)
    return CartChange(cart=view, token=view.token, created=False)


def _product(product_id: int) -> SellableProduct:
    product = catalog.sellable(product_ids=[product_id]).get(product_id)
    if product is None or not selectors.is_sold(product):
        raise UnknownProduct.of_id()
    return product


def _rewrite(
    cart: Cart, item: CartItem, product: SellableProduct, quantity: int, shopper: Shopper, now: datetime
) -> WrittenLine:
    line = writes.set_line(
        cart=cart,
        line_id=item.pk,
        product_id=product.id,
        quantity=quantity,
        price=product.price,
        address=_crowd(shopper),
        now=now,
    )
    assert line is not None  # its cart is locked
    return line


def _hold(cart: Cart, product_id: int, line: WrittenLine, shopper: Shopper, now: datetime) -> bool:
    """Hold all of a line; False, and what it held released, where it has been held as long as may be."""
    until = hold_until(
        first_held_at=line.first_held_at,
        now=now,
        lifetime=settings.HOLD_LIFETIME,
        limit=settings.HOLD_LIFETIME_LIMIT,
    )
    if until is None:
        inventory.release_cart_lines(cart_line_ids=[line.id], now=now)
        return False
    if line.crowd >= settings.GUEST_ADDRESS_HOLDS_LIMIT:
        _refuse_a_crowd(cart, line, shopper, now)
    request = HoldRequest(cart_line_id=line.id, product_id=product_id, quantity=line.quantity, expires_at=until)
    inventory.hold(requests=[request], near=None, now=now)
    return True


def _crowd(shopper: Shopper) -> str:
    """Under what the shopper's holds are counted with those of others from there; empty for users, and with limits off."""
    return pseudonym(shopper.address) if settings.LIMITS_ON and shopper.user_id is None else ""


def _refuse_a_crowd(cart: Cart, line: WrittenLine, shopper: Shopper, now: datetime) -> None:
    """Raise TooManyHolds where other guests of this address hold as many lines as may be, unless the line is held already.

    Requests that come at the same moment are not seen by each other: the limit is generous, and may be passed by as many.
    """
    others = selectors.lines_of_crowd(address=_crowd(shopper), since=now - settings.HOLD_LIFETIME, but_cart_id=cart.pk)
    holds = stock.cart_holds(cart_line_ids=[line.id, *others])
    live = {line_id for line_id, hold in holds.items() if hold.until > now}
    if line.id not in live and len(live) >= settings.GUEST_ADDRESS_HOLDS_LIMIT:
        raise TooManyHolds.from_here(min(holds[line_id].until for line_id in live) - now)


def _why_not(cart: Cart, product: SellableProduct) -> TooMany | CartIsFull:
    """Which limit an addition met."""
    in_cart = CartItem.objects.filter(cart=cart, product_id=product.id).values_list("quantity", flat=True).first()
    if in_cart is None and CartItem.objects.filter(cart=cart).count() >= settings.CART_LINES_LIMIT:
        return CartIsFull.at(settings.CART_LINES_LIMIT)
    return TooMany.of(limit=product.max_per_order, in_cart=in_cart or 0)


def _begin_cart(shopper: Shopper, now: datetime) -> Cart:
    if shopper.user_id is None:
        return Cart.objects.create(token=secrets.token_urlsafe(32), created_at=now, updated_at=now)
    cart = locks.carts(cart_ids=[_cart_of_user(shopper.user_id, now)])
    return next(iter(cart.values()))


def _cart_of_user(user_id: int, now: datetime) -> int:
    """The id of the user's cart, which begins here if there is none; two requests at once make one."""
    fresh = Cart(token=secrets.token_urlsafe(32), user_id=user_id, created_at=now, updated_at=now)
    Cart.objects.bulk_create([fresh], ignore_conflicts=True)
    return Cart.objects.values_list("pk", flat=True).get(user_id=user_id)
