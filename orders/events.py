"""What others are told about orders, on the order's number."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from core import events
from orders.models import Order, OrderLine
from orders.types import OrderStatus

TYPES = {
    OrderStatus.PENDING_PAYMENT: "order.created",
    OrderStatus.PAID: "order.paid",
    OrderStatus.PAYMENT_FAILED: "order.payment_failed",
    OrderStatus.PROCESSING: "order.processing",
    OrderStatus.SHIPPED: "order.shipped",
    OrderStatus.DELIVERED: "order.delivered",
    OrderStatus.CANCELLED: "order.cancelled",
    OrderStatus.REFUNDED: "order.refunded",
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
    told = events.insertion_parameters(topic=events.ORDER_EVENTS, key=order.number, type=kind, now=now)
    return {**told, "told": Jsonb(data)}
