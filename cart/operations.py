"""What checkout does to a cart, inside its own transaction."""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from cart import locks, writes
from cart.errors import CartNotFound
from cart.models import Cart, CartItem, HoldStart
from cart.policies import hold_until, joined_quantity
from cart.types import LockedCart, LockedLine, PutBack
from catalog import selectors as catalog
from core.money import Money
from core.transactions import require_transaction
from inventory import operations as inventory
from inventory.types import OrderMove


def lock(*, cart_id: int) -> LockedCart:
    """Lock a cart and read its lines, by id. Two queries. Raises CartNotFound, and RuntimeError outside a transaction."""
    require_transaction("cart.operations.lock")
    cart = locks.cart(cart_id=cart_id)
    if cart is None:
        raise CartNotFound(_("This cart does not exist any more."))
    return LockedCart(
        id=cart.pk,
        user_id=cart.user_id,
        lines=tuple(
            LockedLine(
                id=item.pk,
                product_id=item.product_id,
                quantity=item.quantity,
                seen_price=Money.rounded(item.seen_price, item.currency),
            )
            for item in CartItem.objects.filter(cart=cart).order_by("pk")
        ),
    )


def take_all(*, cart_id: int, now: datetime) -> None:
    """Empty a locked cart whose holds have moved to an order. When its holds began is remembered.

    Raises RuntimeError outside a transaction.
    """
    require_transaction("cart.operations.take_all")
    writes.empty(cart_id=cart_id, now=now)


def put_back(*, cart_id: int, lines: Sequence[PutBack], now: datetime) -> None:
    """Put the lines of a declined order back into the cart they came from, and their holds with them.

    A line that is there again grows, up to the most per order; what exceeds that, or the limit of lines, is released, as is
    everything when the cart is gone. A hold ends when it would have in the cart: the limit counts from its first moment.
    The order's lines hold nothing afterwards. Raises RuntimeError outside a transaction.
    """
    require_transaction("cart.operations.put_back")
    cart = locks.cart(cart_id=cart_id)
    kept = _restored_lines(cart, lines, now) if cart is not None else []
    starts = dict(HoldStart.objects.filter(cart_id=cart_id).values_list("product_id", "first_held_at"))
    until = {
        move.cart_line_id: hold_until(
            first_held_at=starts.get(move.product_id, now),
            now=now,
            lifetime=settings.HOLD_LIFETIME,
            limit=settings.HOLD_LIFETIME_LIMIT,
        )
        for move in kept
    }
    inventory.return_to_cart(
        moves=kept, expires_at={line: end for line, end in until.items() if end is not None}, now=now
    )
    inventory.release_order(order_line_ids=[line.order_line_id for line in lines], now=now)
    writes.touch(cart_id=cart_id, now=now)


def _restored_lines(cart: Cart, lines: Sequence[PutBack], now: datetime) -> list[OrderMove]:
    """Write the lines that fit; how many units of each hold go back to which."""
    products = catalog.sellable(product_ids=[line.product_id for line in lines])
    present = {item.product_id: item for item in CartItem.objects.filter(cart=cart)}
    moves: list[OrderMove] = []
    for line in lines:
        item = present.get(line.product_id)
        limit = products[line.product_id].max_per_order
        ours = item.quantity if item else 0
        quantity = joined_quantity(ours=ours, theirs=line.quantity, limit=limit)
        if item is None and len(present) >= settings.CART_LINES_LIMIT:
            continue
        if item is None:
            item = present[line.product_id] = CartItem.objects.create(
                cart=cart,
                product_id=line.product_id,
                quantity=quantity,
                seen_price=line.seen_price.amount,
                currency=line.seen_price.currency,
                added_at=now,
            )
        elif quantity != ours:
            item.quantity = quantity
            item.save(update_fields=["quantity"])
        moves.append(
            OrderMove(
                cart_line_id=item.pk,
                order_line_id=line.order_line_id,
                product_id=line.product_id,
                quantity=quantity - ours,
            )
        )
    return moves
