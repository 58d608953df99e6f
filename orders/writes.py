"""Changes of order rows that the caller has locked or made: the one place where a status is written, with its history row."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from cart.types import LockedCart
from catalog.types import SellableProduct
from orders import policies
from orders.errors import InvalidTransition
from orders.events import TOLD_OF_A_MOVE, TOLD_OF_A_NEW_ORDER, status_parameters
from orders.models import Order, OrderHistory, OrderLine
from orders.types import CheckoutRequest, OrderStatus, PaymentStatus, PostalAddress
from payments.types import PaymentRef
from pricing.types import Quote

_ORDER = (
    "number",
    "user_id",
    "cart_id",
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
_LINE = {
    "product_id": "bigint",
    "position": "int",
    "sku": "text",
    "title": "text",
    "quantity": "int",
    "unit_price": "numeric",
    "total": "numeric",
    "tax_rate": "numeric",
    "tax": "numeric",
    "currency": "text",
}
_STEP = {
    "kind": "text",
    "from_status": "text",
    "to_status": "text",
    "at": "timestamptz",
    "actor_id": "bigint",
    "note": "text",
}


def _rows(table: str, prefix: str, columns: Mapping[str, str], source: str) -> str:
    """The INSERT of several rows that belong to the order in the CTE ``source``, each column an array."""
    names = ", ".join(columns)
    arrays = ", ".join(f"%({prefix}_{name})s::{kind}[]" for name, kind in columns.items())
    return f"""
        INSERT INTO {table} (order_id, {names}) SELECT {source}.id, r.* FROM {source}, unnest({arrays}) AS r ({names})
    """  # noqa: S608 - made of constants


_CREATE = f"""
    WITH made AS (
        INSERT INTO orders_order ({", ".join(_ORDER)}) VALUES ({", ".join(f"%({name})s" for name in _ORDER)})
        ON CONFLICT DO NOTHING RETURNING id
    ), lines AS (
        {_rows("orders_orderline", "line", _LINE, "made")} RETURNING order_id, position, id
    ), steps AS ({_rows("orders_orderhistory", "step", _STEP, "made")}), told AS ({TOLD_OF_A_NEW_ORDER})
    SELECT order_id, position, id FROM lines
"""  # noqa: S608 - made of constants
_MOVED = """
    UPDATE orders_order SET status = %(status)s, payment_status = %(payment_status)s, updated_at = %(now)s
    WHERE id = %(id)s RETURNING id
"""
_STEPS = _rows("orders_orderhistory", "step", _STEP, "moved")
_MOVE = f"WITH moved AS ({_MOVED}) {_STEPS}"
_MOVE_AND_TELL = f"WITH moved AS ({_MOVED}), told AS ({TOLD_OF_A_MOVE}) {_STEPS}"


class KeyHasOrder(Exception):
    """The request's key has made an order before; nothing was written."""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order as it was just written, with all there is of it."""

    row: Order
    lines: tuple[OrderLine, ...]
    history: tuple[OrderHistory, ...]


@dataclass(frozen=True, slots=True)
class MadeBy:
    """Which request makes an order: whose key, which key, and what tells the request from another one."""

    owner: str
    key: str
    fingerprint: str


def create(
    *,
    request: CheckoutRequest,
    cart: LockedCart,
    quote: Quote,
    payment: PaymentRef,
    products: Mapping[int, SellableProduct],
    made_by: MadeBy,
    now: datetime,
) -> NewOrder:
    """A new order waiting for its payment, with lines, first history and event, in one statement. ``cart`` is the locked one.

    Raises KeyHasOrder where the request has made one before.
    """
    order = Order(
        number=payment.reference,
        user_id=cart.user_id,
        cart_id=cart.id,
        payment_id=payment.id,
        email=request.email,
        status=OrderStatus.PENDING_PAYMENT,
        payment_status=PaymentStatus.PENDING,
        currency=quote.total.currency,
        subtotal=quote.subtotal.amount,
        shipping=quote.shipping.amount,
        tax=quote.tax.amount,
        total=quote.total.amount,
        tax_included=quote.tax_included,
        shipping_method=quote.shipping_method,
        shipping_name=quote.shipping_name,
        shipping_address=address_json(request.shipping_address),
        billing_address=address_json(request.billing_address),
        quote=quote.to_json(),
        idempotency_owner=made_by.owner,
        idempotency_key=made_by.key,
        request_fingerprint=made_by.fingerprint,
        placed_at=now,
        updated_at=now,
    )
    lines = _lines(order, quote, products)
    history = [
        _entry(OrderHistory.Kind.PAYMENT, "", PaymentStatus.PENDING, now=now),
        _entry(OrderHistory.Kind.ORDER, "", OrderStatus.PENDING_PAYMENT, now=now),
    ]
    _insert(order, lines, history, now)
    return NewOrder(order, tuple(lines), tuple(history))


def _lines(order: Order, quote: Quote, products: Mapping[int, SellableProduct]) -> list[OrderLine]:
    return [
        OrderLine(
            order=order,
            product_id=line.product_id,
            position=position,
            sku=products[line.product_id].sku,
            title=products[line.product_id].title,
            quantity=line.quantity,
            unit_price=line.unit_price.amount,
            total=line.total.amount,
            tax_rate=line.tax_rate,
            tax=line.tax.amount,
            currency=line.total.currency,
        )
        for position, line in enumerate(quote.lines)
    ]


def _insert(order: Order, lines: Sequence[OrderLine], history: Sequence[OrderHistory], now: datetime) -> None:
    values = {name: getattr(order, name) for name in _ORDER}
    for name in ("shipping_address", "billing_address", "quote"):
        values[name] = Jsonb(values[name])
    columns = {f"line_{name}": [getattr(line, name) for line in lines] for name in _LINE}
    with connection.cursor() as cursor:
        cursor.execute(
            _CREATE, {**values, **columns, **_columns_of(history), **status_parameters(order, lines=lines, now=now)}
        )
        made = cursor.fetchall()
    if not made:
        raise KeyHasOrder
    places = {line.position: line for line in lines}
    for order_id, position, line_id in made:
        order.pk = order_id
        places[position].pk = line_id


def move(order: Order, wanted: OrderStatus, *, now: datetime, actor_id: int | None = None, note: str = "") -> None:
    """Take ``order`` to ``wanted``: status, history row, event. Raises InvalidTransition where that does not follow."""
    advance(order, wanted, None, now=now, actor_id=actor_id, note=note)


def move_payment(order: Order, wanted: PaymentStatus, *, now: datetime, note: str = "") -> bool:
    """Note where the order's money stands, if that is forwards; whether it was. What comes late or twice changes nothing."""
    return bool(advance(order, None, wanted, now=now, note=note))


def advance(
    order: Order,
    status: OrderStatus | None,
    payment_status: PaymentStatus | None,
    *,
    now: datetime,
    actor_id: int | None = None,
    note: str = "",
) -> tuple[OrderHistory, ...]:
    """`move_payment`, then `move`, in one statement; the history's new rows, none where nothing changed."""
    history: list[OrderHistory] = []
    if payment_status is not None and policies.payment_may_become(order.payment_status, payment_status):
        # What the shop does with the order has an actor, what happens to its money has none.
        history.append(_entry(OrderHistory.Kind.PAYMENT, order.payment_status, payment_status, now=now, note=note))
        order.payment_status = payment_status
    if status is not None:
        _refuse_unless_it_follows(order.status, status)
        history.append(_entry(OrderHistory.Kind.ORDER, order.status, status, now=now, actor_id=actor_id, note=note))
        order.status = status
    if history:
        _save(order, history, is_told=status is not None, now=now)
    return tuple(history)


def _save(order: Order, history: Sequence[OrderHistory], *, is_told: bool, now: datetime) -> None:
    order.updated_at = now
    values: dict[str, Any] = {
        "id": order.pk,
        "status": order.status,
        "payment_status": order.payment_status,
        "now": now,
    }
    told = status_parameters(order, now=now) if is_told else {}
    with connection.cursor() as cursor:
        cursor.execute(_MOVE_AND_TELL if is_told else _MOVE, {**values, **_columns_of(history), **told})


def _refuse_unless_it_follows(before: str, wanted: OrderStatus) -> None:
    if not policies.may_become(before, wanted):
        raise InvalidTransition(
            _("An order that is “%(before)s” can not become “%(wanted)s”.") % {"before": before, "wanted": wanted},
            params={"order_status": str(before), "wanted": str(wanted)},
        )


def _entry(
    kind: OrderHistory.Kind, before: str, wanted: str, *, now: datetime, actor_id: int | None = None, note: str = ""
) -> OrderHistory:
    return OrderHistory(kind=kind, from_status=before, to_status=wanted, at=now, actor_id=actor_id, note=note)


def _columns_of(history: Sequence[OrderHistory]) -> dict[str, list[Any]]:
    return {f"step_{name}": [getattr(entry, name) for entry in history] for name in _STEP}


def address_json(address: PostalAddress) -> dict[str, str]:
    """An address as an order keeps it."""
    return {
        "name": address.name,
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "region": address.region,
        "postal_code": address.postal_code,
        "country": address.country,
        "phone": address.phone,
    }
