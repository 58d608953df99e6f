"""Orders of the past, many at once. Nothing is published: it is history, not news."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.types.json import Jsonb

from core.copying import copy_rows, reserve_ids
from core.transactions import require_transaction
from orders.models import Order
from orders.types import OrderStatus, PaymentStatus, PostalAddress, ReturnStatus, ShipmentStatus
from orders.writes import address_json
from pricing.types import Quote

OWNER = "past"  # who made them, in place of a shopper's key
_ORDER = (
    "id",
    "number",
    "user_id",
    "payment_id",
    "email",
    "status",
    "payment_status",
    "currency",
    "subtotal",
    "shipping",
    "tax",
    "total",
    "tax_included",
    "shipping_method",
    "shipping_name",
    "shipping_address",
    "billing_address",
    "quote",
    "notes",
    "idempotency_owner",
    "idempotency_key",
    "request_fingerprint",
    "placed_at",
    "updated_at",
)
_LINE = (
    "id",
    "order_id",
    "product_id",
    "position",
    "sku",
    "title",
    "quantity",
    "unit_price",
    "total",
    "tax_rate",
    "tax",
    "currency",
)
_HISTORY = ("order_id", "kind", "from_status", "to_status", "at", "note")
_SHIPMENT = (
    "id",
    "order_id",
    "warehouse_id",
    "status",
    "carrier",
    "tracking_number",
    "tracking_url",
    "created_at",
    "shipped_at",
    "delivered_at",
)
_RETURN = (
    "id",
    "order_id",
    "number",
    "status",
    "label_reference",
    "warehouse_id",
    "refund_id",
    "requested_at",
    "updated_at",
)
_RETURN_LINE = (
    "parent_id",
    "order_line_id",
    "quantity",
    "received_quantity",
    "restocked_quantity",
    "reason",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastStep:
    """One transition; ``kind`` is that of `OrderHistory`."""

    kind: str
    before: str
    after: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PastParcel:
    """A parcel with all of the lines at ``positions``."""

    warehouse_id: int
    positions: tuple[int, ...]
    carrier: str
    tracking_number: str
    packed_at: datetime
    shipped_at: datetime
    delivered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PastReturn:
    """All of an order that came back, and was written off."""

    number: str
    warehouse_id: int
    reason: str
    requested_at: datetime
    refunded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PastOrder:
    """An order as it ended. ``names`` are SKU and title of each line of ``quote``."""

    number: str
    user_id: int | None
    email: str
    address: PostalAddress
    placed_at: datetime
    updated_at: datetime
    status: OrderStatus
    payment_status: PaymentStatus
    quote: Quote
    names: tuple[tuple[str, str], ...]
    steps: tuple[PastStep, ...]
    parcels: tuple[PastParcel, ...] = ()
    sent_back: PastReturn | None = None


def known_numbers(*, numbers: Collection[str]) -> set[str]:
    """Those of ``numbers`` that orders have. One query."""
    return set(Order.objects.filter(number__any_of=numbers).values_list("number", flat=True))


def write_past_orders(
    *, orders: Sequence[PastOrder], payment_ids: Sequence[int], refund_ids: Sequence[int | None]
) -> list[list[int]]:
    """Write them with lines, history, parcels and returns; the ids of each one's lines, in the orders' order."""
    require_transaction("orders.bulk.write_past_orders")
    ids = reserve_ids("orders_order", len(orders))
    line_ids = iter(reserve_ids("orders_orderline", sum(len(order.quote.lines) for order in orders)))
    lines = [[next(line_ids) for _line in order.quote.lines] for order in orders]
    numbered = list(zip(ids, orders, strict=True))
    paid = zip(numbered, payment_ids, strict=True)
    copy_rows("orders_order", _ORDER, (_order_row(pk, order, payment) for (pk, order), payment in paid))
    copy_rows(
        "orders_orderline",
        _LINE,
        (row for (pk, order), own in zip(numbered, lines, strict=True) for row in _line_rows(pk, order, own)),
    )
    copy_rows(
        "orders_orderhistory",
        _HISTORY,
        ((pk, step.kind, step.before, step.after, step.at, "") for pk, order in numbered for step in order.steps),
    )
    _write_parcels(numbered, lines)
    _write_returns(numbered, lines, refund_ids)
    return lines


def _order_row(pk: int, order: PastOrder, payment_id: int) -> tuple[object, ...]:
    quote = order.quote
    address = Jsonb(address_json(order.address))
    return (
        pk,
        order.number,
        order.user_id,
        payment_id,
        order.email,
        order.status.value,
        order.payment_status.value,
        quote.total.currency,
        quote.subtotal.amount,
        quote.shipping.amount,
        quote.tax.amount,
        quote.total.amount,
        quote.tax_included,
        quote.shipping_method,
        quote.shipping_name,
        address,
        address,
        Jsonb(quote.to_json()),
        "",
        OWNER,
        order.number,
        "",
        order.placed_at,
        order.updated_at,
    )


def _line_rows(order_id: int, order: PastOrder, ids: Sequence[int]) -> list[tuple[object, ...]]:
    return [
        (
            ids[position],
            order_id,
            line.product_id,
            position,
            *order.names[position],
            line.quantity,
            line.unit_price.amount,
            line.total.amount,
            line.tax_rate,
            line.tax.amount,
            line.total.currency,
        )
        for position, line in enumerate(order.quote.lines)
    ]


def _write_parcels(numbered: Sequence[tuple[int, PastOrder]], lines: Sequence[Sequence[int]]) -> None:
    parcels = [
        (pk, order, own, parcel) for (pk, order), own in zip(numbered, lines, strict=True) for parcel in order.parcels
    ]
    ids = reserve_ids("orders_shipment", len(parcels))
    copy_rows(
        "orders_shipment",
        _SHIPMENT,
        (
            (
                pk,
                order_id,
                parcel.warehouse_id,
                (ShipmentStatus.DELIVERED if parcel.delivered_at else ShipmentStatus.SHIPPED).value,
                parcel.carrier,
                parcel.tracking_number,
                "",
                parcel.packed_at,
                parcel.shipped_at,
                parcel.delivered_at,
            )
            for pk, (order_id, _order, _own, parcel) in zip(ids, parcels, strict=True)
        ),
    )
    copy_rows(
        "orders_shipmentline",
        ("shipment_id", "order_line_id", "quantity"),
        (
            (pk, own[position], order.quote.lines[position].quantity)
            for pk, (_order_id, order, own, parcel) in zip(ids, parcels, strict=True)
            for position in parcel.positions
        ),
    )


def _write_returns(
    numbered: Sequence[tuple[int, PastOrder]], lines: Sequence[Sequence[int]], refund_ids: Sequence[int | None]
) -> None:
    back = [
        (order_id, order, order.sent_back, own, refund_id)
        for (order_id, order), own, refund_id in zip(numbered, lines, refund_ids, strict=True)
        if order.sent_back
    ]
    ids = reserve_ids("orders_return", len(back))
    copy_rows(
        "orders_return",
        _RETURN,
        (
            (
                pk,
                order_id,
                sent.number,
                ReturnStatus.REFUNDED.value,
                "",
                sent.warehouse_id,
                refund_id,
                sent.requested_at,
                sent.refunded_at,
            )
            for pk, (order_id, _order, sent, _own, refund_id) in zip(ids, back, strict=True)
        ),
    )
    copy_rows(
        "orders_returnline",
        _RETURN_LINE,
        (
            (pk, own[position], line.quantity, line.quantity, 0, sent.reason)
            for pk, (_order_id, order, sent, own, _refund) in zip(ids, back, strict=True)
            for position, line in enumerate(order.quote.lines)
        ),
    )
