"""The words of an order's life. The tables of allowed transitions are in `orders.policies`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.money import Money


class OrderStatus(models.TextChoices):
    """Where an order stands (DESIGN.md section 4, "Fulfil")."""

    PENDING_PAYMENT = "pending_payment", _("Waiting for payment")
    PAYMENT_FAILED = "payment_failed", _("Payment failed")
    PAID = "paid", _("Paid")
    PROCESSING = "processing", _("Being prepared")
    SHIPPED = "shipped", _("Shipped")
    DELIVERED = "delivered", _("Delivered")
    CANCELLED = "cancelled", _("Cancelled")
    REFUNDED = "refunded", _("Refunded")


class PaymentStatus(models.TextChoices):
    """Where an order's money stands."""

    PENDING = "pending", _("Not settled")
    FAILED = "failed", _("Failed")
    AUTHORISED = "authorised", _("Authorised")
    CAPTURED = "captured", _("Captured")
    PARTIALLY_REFUNDED = "partially_refunded", _("Partially refunded")
    REFUNDED = "refunded", _("Refunded")
    VOIDED = "voided", _("Voided")


class ShipmentStatus(models.TextChoices):
    """Where a parcel is."""

    PREPARING = "preparing", _("Being packed")
    SHIPPED = "shipped", _("On its way")
    DELIVERED = "delivered", _("Delivered")
    LOST = "lost", _("Lost")
    CANCELLED = "cancelled", _("Cancelled")


class ReturnStatus(models.TextChoices):
    """Where a return stands."""

    REQUESTED = "requested", _("Requested")
    APPROVED = "approved", _("Approved")
    REFUSED = "refused", _("Refused")
    RECEIVED = "received", _("Received")
    REFUNDED = "refunded", _("Refunded")
    CANCELLED = "cancelled", _("Cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLineView:
    """A line of an order as it was bought."""

    id: int
    product_id: int | None
    sku: str
    title: str
    quantity: int
    unit_price: Money
    total: Money
    tax: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One transition: what changed, from what to what, when, and by whom."""

    kind: str
    from_status: str
    to_status: str
    label: str
    at: datetime
    actor: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order as its shopper and staff see it."""

    number: str
    status: str
    status_label: str
    payment_status: str
    payment_status_label: str
    email: str
    subtotal: Money
    shipping: Money
    tax: Money
    total: Money
    tax_included: bool
    shipping_method: str
    shipping_name: str
    shipping_address: dict[str, Any]
    billing_address: dict[str, Any]
    placed_at: datetime
    lines: tuple[OrderLineView, ...]
    history: tuple[HistoryEntry, ...]
    next_action_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSummary:
    """An order in a list."""

    number: str
    status: str
    status_label: str
    total: Money
    placed_at: datetime
    item_count: int
    first_title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalAddress:
    """Where something goes. ``country`` is an ISO 3166 code, ``region`` a state's name or code where the country has states."""

    name: str
    line1: str
    city: str
    country: str
    line2: str = ""
    region: str = ""
    postal_code: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """What a shopper sends to buy the cart. ``total`` is what they were shown, ``payment_method`` the provider's token."""

    email: str
    shipping_address: PostalAddress
    billing_address: PostalAddress
    shipping_method: str
    payment_method: str
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRequest:
    """What staff give back: so many of some lines (id, quantity) and the ``shipping``; else an amount; else all that is left."""

    lines: tuple[tuple[int, int], ...] = ()
    shipping: bool = False
    amount: Money | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundedLine:
    """So many of a line that go back, and what for; no line is the shipping."""

    line_id: int | None
    quantity: int
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundView:
    """A refund of an order. ``status`` is pending until the provider has done it."""

    id: str
    order_number: str
    amount: Money
    status: str
    reason: str
    lines: tuple[RefundedLine, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPage:
    """One page of a user's orders."""

    orders: tuple[OrderSummary, ...]
    total: int
    page: int
    pages: int
