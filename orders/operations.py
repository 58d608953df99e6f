"""What becomes of an order once the provider has spoken: composed into the transaction of checkout, settling or an event.

Each locks the order's cart, then the order, then its payment, in the one order of rule 3, and is harmless to repeat.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from cart import operations as cart
from cart.errors import CartNotFound
from cart.types import PutBack
from core.money import Money
from core.transactions import require_transaction
from inventory import operations as inventory
from inventory.types import SaleLine
from orders import locks, metrics, writes
from orders.errors import OrderNotFound
from orders.models import Order, OrderHistory, OrderLine
from orders.types import OrderStatus, PaymentStatus
from payments import operations as payments
from payments import types as payment_types
from payments.types import Authorisation, PaymentRef

_SAID_YES = frozenset(
    {
        payment_types.PaymentStatus.AUTHORISED,
        payment_types.PaymentStatus.CAPTURED,
        payment_types.PaymentStatus.PARTIALLY_REFUNDED,
        payment_types.PaymentStatus.REFUNDED,
    }
)
_SAID_NO = frozenset({payment_types.PaymentStatus.DECLINED, payment_types.PaymentStatus.VOIDED})
_SOLD = frozenset({OrderStatus.PAID, OrderStatus.PROCESSING})
_GIVEN_UP = frozenset({OrderStatus.PAYMENT_FAILED, OrderStatus.CANCELLED})


class CartNeeded(Exception):
    """The order fails, which takes its cart: everything is to be rolled back, and begun again with the cart locked."""


@dataclass(frozen=True, slots=True)
class Concluded:
    """A locked order, the steps that the provider's word made it take, and ``since`` when it had stood where it was."""

    order: Order
    steps: tuple[OrderHistory, ...]
    since: datetime


def conclude(
    *,
    order_id: int,
    authorisation: Authorisation,
    line_ids: Sequence[int] = (),
    with_cart: bool = True,
    now: datetime,
) -> Concluded:
    """Write down what the provider said, and let the order follow it: paid, failed, or waiting on.

    ``line_ids`` are the order's lines, where the caller knows them. An order that fails gives its goods back to the cart; without
    the cart, which most often is not needed, CartNeeded is raised then. Six statements for an order that comes to be paid. Raises
    Order.DoesNotExist, and RuntimeError outside a transaction.
    """
    require_transaction("orders.operations.conclude")
    order = _lock(order_id) if with_cart else locks.order(order_id)
    since = order.updated_at
    is_waiting = order.status == OrderStatus.PENDING_PAYMENT
    payment = payments.record_authorisation(
        payment_id=order.payment_id, authorisation=authorisation, capture=is_waiting, now=now
    )
    if is_waiting and payment.status in _SAID_NO and not with_cart:
        raise CartNeeded
    steps = follow(order, payment, line_ids=line_ids, is_capture_asked=is_waiting, now=now)
    return Concluded(order, steps, since)


def follow_payment(*, number: str, now: datetime) -> Order | None:
    """Let an order follow its payment as that stands now, and say which; None when there is no such order.

    Raises RuntimeError outside a transaction.
    """
    require_transaction("orders.operations.follow_payment")
    found = Order.objects.filter(number=number).values_list("pk", flat=True).first()
    if found is None:
        return None
    order = _lock(found)
    follow(order, payments.lock_payment(payment_id=order.payment_id), now=now)
    return order


def give_up(*, order_id: int, now: datetime) -> Order:
    """Cancel an order whose payment did not come in time: release what it holds, and have the provider give up too.

    An authorisation that arrives later is voided. Raises RuntimeError outside a transaction.
    """
    require_transaction("orders.operations.give_up")
    order = _lock(order_id)
    payment = payments.lock_payment(payment_id=order.payment_id)
    follow(order, payment, now=now)
    if order.status == OrderStatus.PENDING_PAYMENT:
        inventory.release_order(order_line_ids=_line_ids(order), now=now)
        writes.move(order, OrderStatus.CANCELLED, now=now, note="payment deadline")
        payments.schedule_void(payment_id=payment.id, now=now)
        _count("failed")
    return order


def cancel(*, number: str, actor_id: int | None, reason: str, now: datetime) -> None:
    """Cancel an order that was not shipped: what it holds or took goes back to the shelves, and its money to the shopper.

    Raises OrderNotFound, InvalidTransition, and RuntimeError outside a transaction.
    """
    require_transaction("orders.operations.cancel")
    order = follow_payment(number=number, now=now)
    if order is None:
        raise OrderNotFound(_("There is no such order."))
    if order.status == OrderStatus.PENDING_PAYMENT:
        inventory.release_order(order_line_ids=_line_ids(order), now=now)
    elif order.status in _SOLD:
        _restock(order, actor_id, now)
    writes.move(order, OrderStatus.CANCELLED, now=now, actor_id=actor_id, note=reason)
    payments.schedule_void(payment_id=order.payment_id, now=now)


def cancel_uncaptured(*, number: str, now: datetime) -> None:
    """Cancel an order whose capture was refused for good: the goods go back, the authorisation is given up.

    Raises RuntimeError outside a transaction.
    """
    require_transaction("orders.operations.cancel_uncaptured")
    order = follow_payment(number=number, now=now)
    if order is not None and order.status == OrderStatus.PAID:
        _restock(order, None, now)
        writes.move(order, OrderStatus.CANCELLED, now=now, note="capture refused")
        payments.schedule_void(payment_id=order.payment_id, now=now)


def follow(
    order: Order,
    payment: PaymentRef,
    *,
    line_ids: Sequence[int] = (),
    is_capture_asked: bool = False,
    now: datetime,
) -> tuple[OrderHistory, ...]:
    """Take a locked order, and its money, to where its locked payment stands; the steps, none when it is there already.

    ``line_ids`` are the order's lines, read here where none are given. What comes to be paid is captured, unless that is asked
    for already.
    """
    steps: tuple[OrderHistory, ...] = ()
    if order.status == OrderStatus.PENDING_PAYMENT:
        if payment.status in _SAID_YES:
            steps = _pay(order, line_ids or _line_ids(order), now=now)
            if not is_capture_asked:
                payments.schedule_capture(payment_id=payment.id, now=now)
        elif payment.status in _SAID_NO:
            steps = _fail(order, payment, now=now)
    elif order.status in _GIVEN_UP and payment.status in _SAID_YES:
        # It said yes after we had given up: the money goes back by itself.
        payments.schedule_void(payment_id=payment.id, now=now)
    return (*steps, *_follow_money(order, payment, now=now))


def _pay(order: Order, line_ids: Sequence[int], *, now: datetime) -> tuple[OrderHistory, ...]:
    inventory.sell(order_line_ids=line_ids, reference=order.number, now=now)
    steps = writes.advance(order, OrderStatus.PAID, PaymentStatus.AUTHORISED, now=now)
    _count("success")
    value = float(order.total)
    transaction.on_commit(lambda: metrics.ORDER_VALUE.observe(value))
    return steps


def _fail(order: Order, payment: PaymentRef, *, now: datetime) -> tuple[OrderHistory, ...]:
    lines = [
        PutBack(
            product_id=line.product_id,
            quantity=line.quantity,
            order_line_id=line.pk,
            seen_price=Money.rounded(line.unit_price, line.currency),
        )
        for line in order.lines.order_by("position")
        if line.product_id is not None
    ]
    if order.cart_id is not None:
        cart.put_back(cart_id=order.cart_id, lines=lines, now=now)
    inventory.release_order(order_line_ids=_line_ids(order), now=now)
    _count("failed")
    return writes.advance(order, OrderStatus.PAYMENT_FAILED, PaymentStatus.FAILED, now=now, note=payment.failure_code)


def _follow_money(order: Order, payment: PaymentRef, *, now: datetime) -> tuple[OrderHistory, ...]:
    """Capture makes a paid order one to prepare; a whole refund ends it."""
    stages: dict[payment_types.PaymentStatus, tuple[PaymentStatus, ...]] = {
        payment_types.PaymentStatus.CAPTURED: (PaymentStatus.CAPTURED,),
        payment_types.PaymentStatus.PARTIALLY_REFUNDED: (PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED),
        payment_types.PaymentStatus.REFUNDED: (PaymentStatus.CAPTURED, PaymentStatus.REFUNDED),
        payment_types.PaymentStatus.DECLINED: (PaymentStatus.FAILED,),  # of an order that was given up before
        payment_types.PaymentStatus.VOIDED: (PaymentStatus.VOIDED,),
    }
    steps: list[OrderHistory] = []
    for stage in stages.get(payment.status, ()):
        steps += writes.advance(order, None, stage, now=now)
    # Some of it, or all, may have gone back before the order heard that it was taken.
    taken = (PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)
    if order.status == OrderStatus.PAID and order.payment_status in taken:
        steps += writes.advance(order, OrderStatus.PROCESSING, None, now=now)
    refundable = (OrderStatus.PROCESSING, OrderStatus.SHIPPED, OrderStatus.DELIVERED)
    if order.payment_status == PaymentStatus.REFUNDED and order.status in refundable:
        steps += writes.advance(order, OrderStatus.REFUNDED, None, now=now)
    return tuple(steps)


def _restock(order: Order, actor_id: int | None, now: datetime) -> None:
    lines = [
        SaleLine(order_line_id=line.pk, product_id=line.product_id, quantity=line.quantity)
        for line in order.lines.all()
        if line.product_id is not None
    ]
    inventory.restock(lines=lines, reference=order.number, actor_id=actor_id, now=now)


def _lock(order_id: int) -> Order:
    """Lock the order's cart, for a decline gives the goods back to it, and then the order."""
    cart_id = Order.objects.values_list("cart_id", flat=True).get(pk=order_id)
    if cart_id is not None:
        with suppress(CartNotFound):  # the goods of a cart that is gone will be released instead
            cart.lock(cart_id=cart_id)
    return locks.order(order_id)


def _line_ids(order: Order) -> list[int]:
    return list(OrderLine.objects.filter(order=order).order_by("pk").values_list("pk", flat=True))


def _count(status: str) -> None:
    transaction.on_commit(metrics.ORDERS.labels(status=status).inc)
