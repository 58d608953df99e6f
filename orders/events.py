"""What others are told about orders, on the order's number."""

from datetime import datetime

from core import events
from orders.models import Order
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


def publish_status(order: Order, *, now: datetime) -> None:
    """Tell where ``order``, whose row the caller has locked or just made, stands now. Ids and figures only."""
    data = {
        "order_id": order.pk,
        "number": order.number,
        "status": str(order.status),
        "total": str(order.total),
        "currency": order.currency,
        "lines": [
            {"product_id": product_id, "quantity": quantity}
            for product_id, quantity in order.lines.order_by("position").values_list("product_id", "quantity")
        ],
    }
    events.publish(
        topic=events.ORDER_EVENTS, key=order.number, type=TYPES[OrderStatus(order.status)], data=data, now=now
    )
