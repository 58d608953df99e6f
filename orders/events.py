"""What others are told about orders, on the order's number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from psycopg.types.json import Jsonb

from core import events
from core.event_types import event
from orders.models import Order, OrderLine
from orders.types import OrderStatus

KEY = "the order's number"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedUnits:
    """So many of a product; the product is none when it is gone from the catalogue."""

    product_id: int | None
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """An order as it stands."""

    order_id: int
    number: str
    status: str
    total: Decimal
    currency: str
    lines: tuple[OrderedUnits, ...]


@event("order.created", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCreated(OrderFacts):
    """It was placed, and waits for its payment."""


@event("order.paid", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPaid(OrderFacts):
    """It is paid: its goods are its own."""


@event("order.payment_failed", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPaymentFailed(OrderFacts):
    """Its payment was refused; its goods went back to the cart."""


@event("order.processing", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderProcessing(OrderFacts):
    """Its money is taken, and it is being prepared."""


@event("order.shipped", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderShipped(OrderFacts):
    """Parcels of it are on their way."""


@event("order.delivered", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDelivered(OrderFacts):
    """All of it has arrived."""


@event("order.cancelled", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelled(OrderFacts):
    """It was called off; its goods and its money go back."""


@event("order.refunded", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefunded(OrderFacts):
    """All of its money went back."""


TYPES: dict[OrderStatus, type[OrderFacts]] = {
    OrderStatus.PENDING_PAYMENT: OrderCreated,
    OrderStatus.PAID: OrderPaid,
    OrderStatus.PAYMENT_FAILED: OrderPaymentFailed,
    OrderStatus.PROCESSING: OrderProcessing,
    OrderStatus.SHIPPED: OrderShipped,
    OrderStatus.DELIVERED: OrderDelivered,
    OrderStatus.CANCELLED: OrderCancelled,
    OrderStatus.REFUNDED: OrderRefunded,
}
# The event of a status, written by the statement that writes the status: see `orders.writes`.
TOLD_OF_A_NEW_ORDER = events.insertion(data="%(told)s || jsonb_build_object('order_id', id)", source="made")
TOLD_OF_A_MOVE = events.insertion(
    data="""%(told)s || jsonb_build_object('order_id', id, 'lines', (
        SELECT jsonb_agg(jsonb_build_object('product_id', l.product_id, 'quantity', l.quantity) ORDER BY l.position)
        FROM orders_orderline l WHERE l.order_id = moved.id
    ))""",
    source="moved",
)


def status_parameters(order: Order, *, lines: Sequence[OrderLine] | None = None, now: datetime) -> dict[str, Any]:
    """What those statements need to tell where ``order``, locked or just made, stands. Ids and figures only.

    ``lines`` are those of a new order, which the statement that makes them can not read.
    """
    data: dict[str, Any] = {
        "number": order.number,
        "status": str(order.status),
        "total": str(order.total),
        "currency": order.currency,
    }
    if lines is not None:
        data["lines"] = [{"product_id": line.product_id, "quantity": line.quantity} for line in lines]
    kind = TYPES[OrderStatus(order.status)]
    told = events.insertion_parameters(kind, key=order.number, now=now)
    return {**told, "told": Jsonb(data)}
