"""A guest's cart joins a user's."""

from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from cart import writes
from cart.models import Cart, CartItem, HoldStart
from cart.policies import joined_quantity
from catalog import selectors as catalog
from inventory import operations as inventory
from inventory.types import LineMerge


@dataclass(slots=True)
class _Outcome:
    """What becomes of the guest's lines."""

    moved: list[CartItem] = field(default_factory=list)
    grown: list[CartItem] = field(default_factory=list)
    merges: list[LineMerge] = field(default_factory=list)
    released: list[int] = field(default_factory=list)


def merge(*, guest: Cart, own: Cart, now: datetime) -> None:
    """Move the lines of one locked cart, and their holds, into another; the first stays, empty."""
    theirs = list(CartItem.objects.filter(cart=guest).order_by("added_at", "pk"))
    if not theirs:
        return
    writes.take_over_hold_starts(from_cart_id=guest.pk, to_cart_id=own.pk)
    outcome = _decide(theirs, own, now)
    inventory.merge_lines(merges=outcome.merges, now=now)
    inventory.release_cart_lines(cart_line_ids=outcome.released, now=now)
    CartItem.objects.filter(pk__in=[item.pk for item in outcome.moved]).update(cart=own)
    CartItem.objects.bulk_update(outcome.grown, ["quantity"])
    CartItem.objects.filter(cart=guest).delete()
    for cart in (guest, own):
        writes.touch(cart_id=cart.pk, now=now)


def _decide(theirs: list[CartItem], own: Cart, now: datetime) -> _Outcome:
    """A line moves where the user has no such product, joins where there is one, and goes where the cart is full."""
    present = {item.product_id: item for item in CartItem.objects.filter(cart=own)}
    products = catalog.sellable(product_ids=[item.product_id for item in theirs])
    starts = dict(HoldStart.objects.filter(cart=own).values_list("product_id", "first_held_at"))
    outcome = _Outcome()
    room = settings.CART_LINES_LIMIT - len(present)
    for item in theirs:
        ours = present.get(item.product_id)
        if ours is not None:
            limit = products[item.product_id].max_per_order
            ours.quantity = joined_quantity(ours=ours.quantity, theirs=item.quantity, limit=limit)
            outcome.grown.append(ours)
            outcome.merges.append(
                LineMerge(
                    from_line_id=item.pk,
                    to_line_id=ours.pk,
                    product_id=item.product_id,
                    quantity=ours.quantity,
                    expires_at=starts.get(item.product_id, now) + settings.HOLD_LIFETIME_LIMIT,
                )
            )
        elif len(outcome.moved) < room:
            outcome.moved.append(item)
        else:
            outcome.released.append(item.pk)
    return outcome
