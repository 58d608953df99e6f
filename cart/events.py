"""Facts about carts that others act on."""

from dataclasses import dataclass

from core.event_types import event
from core.events import CART_EVENTS


@event("cart.changed", topic=CART_EVENTS, key="the cart's id")
@dataclass(frozen=True, slots=True, kw_only=True)
class CartChanged:
    """A cart's lines or holds are not what they were."""

    cart_id: int
    version: int
