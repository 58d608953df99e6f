"""What pages, API and checkout see of a cart."""

from dataclasses import dataclass
from datetime import datetime

from catalog.types import Picture
from core.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class CartItemRecord:
    """A line as it was read: ``held_units`` are held until ``held_until``, ``available`` units could be held beside them."""

    id: int
    product_id: int
    sku: str
    slug: str
    title: str
    picture: Picture | None
    quantity: int
    unit_price: Money
    seen_price: Money
    held_units: int
    held_until: datetime | None
    available: int
    max_per_order: int
    sold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CartRecord:
    """A cart as it was read, the oldest line first; at least as new as its ``version``."""

    version: int
    items: tuple[CartItemRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CartOwner:
    """Whose cart it is: a user's, or else a guest's who has the token."""

    user_id: int | None
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CartItemView:
    """A line as it is shown.

    ``total`` is at today's ``unit_price``; ``seen_price`` is what the shopper was last told. ``held`` means that all of the line
    is kept until ``held_until``. ``available_to_buy`` is what the line could come to, its own hold included. A line that is not
    ``sold`` any more can only be taken out, and counts in no sum.
    """

    id: int
    product_id: int
    sku: str
    slug: str
    title: str
    picture: Picture | None
    quantity: int
    unit_price: Money
    seen_price: Money
    price_changed: bool
    total: Money
    held: bool
    held_until: datetime | None
    available_to_buy: int
    max_per_order: int
    sold: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CartView:
    """A cart as it is shown, the oldest line first. ``token`` opens a guest's cart; it is empty for a user's, and for none."""

    token: str
    items: tuple[CartItemView, ...]
    subtotal: Money
    item_count: int
    all_held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CartChange:
    """The cart after a change. ``created`` says that a guest's cart began, whose ``token`` the client must remember."""

    cart: CartView
    token: str
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CartRef:
    """Which cart it is."""

    id: int
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedLine:
    """A line of a locked cart."""

    id: int
    product_id: int
    quantity: int
    seen_price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedCart:
    """A cart that nobody else changes until the transaction ends; ``user_id`` is None for a guest's."""

    id: int
    user_id: int | None
    lines: tuple[LockedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """A line of a declined order that goes back into the cart, with the hold of the order's line."""

    product_id: int
    quantity: int
    order_line_id: int
    seen_price: Money
