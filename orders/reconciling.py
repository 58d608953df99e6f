"""Do orders, payments and the provider's own list agree? Reads only, in pieces; what disagrees is told in lines for people."""

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.db.models import F, Q, QuerySet

from core.money import Money
from orders import metrics
from orders.models import Order
from orders.types import OrderStatus, PaymentStatus
from payments import reconciling as payments
from payments import types as payment_types
from payments.errors import ProviderRefused, ProviderUnavailable
from payments.types import Findings, Mismatch, PaymentDifference, PaymentRange

logger = logging.getLogger(__name__)
EVER = datetime(1970, 1, 1, tzinfo=UTC)
# What the daily job looks at, and for how long: a task that takes longer than the broker waits would be begun twice.
RECENT = timedelta(days=3)
JOB_SECONDS = 200.0
_OPEN = (payment_types.PaymentStatus.CREATED, payment_types.PaymentStatus.ACTION_REQUIRED)
_PREPARED = (OrderStatus.PROCESSING, OrderStatus.SHIPPED, OrderStatus.DELIVERED)
_GIVEN_UP = (OrderStatus.CANCELLED, OrderStatus.PAYMENT_FAILED)
# Where an order and its money can be once it has heard all about its payment.
_FITS: dict[payment_types.PaymentStatus, tuple[tuple[OrderStatus, ...], tuple[PaymentStatus, ...]]] = {
    payment_types.PaymentStatus.CREATED: ((OrderStatus.PENDING_PAYMENT,), (PaymentStatus.PENDING,)),
    payment_types.PaymentStatus.ACTION_REQUIRED: ((OrderStatus.PENDING_PAYMENT,), (PaymentStatus.PENDING,)),
    payment_types.PaymentStatus.AUTHORISED: ((OrderStatus.PAID,), (PaymentStatus.AUTHORISED,)),
    payment_types.PaymentStatus.CAPTURED: (_PREPARED, (PaymentStatus.CAPTURED,)),
    payment_types.PaymentStatus.PARTIALLY_REFUNDED: (_PREPARED, (PaymentStatus.PARTIALLY_REFUNDED,)),
    payment_types.PaymentStatus.REFUNDED: ((OrderStatus.REFUNDED, *_GIVEN_UP), (PaymentStatus.REFUNDED,)),
    payment_types.PaymentStatus.DECLINED: (_GIVEN_UP, (PaymentStatus.FAILED,)),
    payment_types.PaymentStatus.VOIDED: (_GIVEN_UP, (PaymentStatus.VOIDED,)),
}


def reconcile(*, since: datetime = EVER, now: datetime) -> Iterator[Findings]:
    """Everything about the payments made since then, piece by piece: orders against payments, payments against providers.

    `payments_reconcile_differences` is set at the end. Raises ProviderUnavailable and ProviderRefused where a provider's list can
    not be had, after all that could be compared without it; RuntimeError inside a transaction.
    """
    count = 0
    for findings in _all(since, now):
        count += sum(not line.moving for line in findings.differences)
        yield findings
    metrics.DIFFERENCES.set(count)


def reconcile_recent(*, now: datetime) -> int:
    """What was paid lately, for some minutes at most; how many differences there are, each of which is logged."""
    end = time.monotonic() + JOB_SECONDS
    found = 0
    try:
        for findings in reconcile(since=now - RECENT, now=now):
            for line in findings.differences:
                if not line.moving:
                    found += 1
                    logger.error("Order %s does not reconcile: %s", line.reference, line.detail)
            if time.monotonic() > end:
                raise ProviderUnavailable(f"not all could be compared in {JOB_SECONDS:.0f} s")
    except (ProviderUnavailable, ProviderRefused) as trouble:
        logger.warning("Run manage.py reconcile_payments: %s", trouble.detail)
        if found:
            metrics.DIFFERENCES.set(found)
    return found


def _all(since: datetime, now: datetime) -> Iterator[Findings]:
    for piece in payments.ranges(since=since):
        found = [
            *payments.check_refunds(piece, since=since),
            *_compare_orders(piece, since, now),
            *_without_order(piece, since),
        ]
        yield Findings(payments=piece.count, differences=tuple(found))
    for provider in payments.provider_names(since=since):
        yield from payments.compare_with_provider(provider=provider, since=since, now=now)


def _compare_orders(piece: PaymentRange, since: datetime, now: datetime) -> list[PaymentDifference]:
    """Orders that do not agree with their payment. One query, set-based; two more where there are any."""
    fits = Q()
    for status, (order_statuses, payment_statuses) in _FITS.items():
        fits |= Q(payment__status=status, status__in=order_statuses, payment_status__in=payment_statuses)
    overdue = Q(status=OrderStatus.PENDING_PAYMENT, payment__deadline_at__lte=now - payments.YOUNG)
    same = Q(total=F("payment__amount"), currency=F("payment__currency"), number=F("payment__reference"))
    # Nothing is at rest while it is authorised: a capture must be due.
    at_rest = fits & same & ~overdue & ~Q(payment__status=payment_types.PaymentStatus.AUTHORISED)
    rows = list(_orders(piece, since).exclude(at_rest).select_related("payment").order_by("pk"))
    moving = payments.why_moving(payment_ids=[row.payment_id for row in rows], now=now) if rows else {}
    return [payments.explained(_difference(row), moving.get(row.payment_id) or _why_moving(row, now)) for row in rows]


def _difference(row: Order) -> PaymentDifference:
    payment = row.payment
    if row.number != payment.reference:
        kind, text = Mismatch.REFERENCE, f"its payment is for {payment.reference}"
    elif (row.total, row.currency) != (payment.amount, payment.currency):
        kind = Mismatch.AMOUNT
        paid = Money(payment.amount, payment.currency)
        text = f"the order is of {Money(row.total, row.currency)}, its payment of {paid}"
    elif row.status == OrderStatus.PENDING_PAYMENT and payment.status in _OPEN:
        kind = Mismatch.OVERDUE
        text = f"it has waited for its payment since {row.placed_at:%Y-%m-%d %H:%M} UTC: run manage.py settle_payments"
    elif row.status == OrderStatus.PAID and payment.status == payment_types.PaymentStatus.AUTHORISED:
        kind = Mismatch.UNFINISHED
        text = "the money is held, and no capture is due: capture it at the provider, or cancel the order"
    else:
        kind = Mismatch.STATE
        text = (
            f"the order is {row.status} and its money {row.payment_status}, but the payment is {payment.status}:"
            f" {_advice(row)}"
        )
    return PaymentDifference(kind=kind, reference=row.number, detail=text)


def _advice(row: Order) -> str:
    left = Money(row.payment.captured_amount - row.payment.refunded_amount, row.currency)
    if row.status in _GIVEN_UP and left:
        return f"{left} of an order that ended were kept, give them back"
    return "look for a parked event of this order"


def _why_moving(row: Order, now: datetime) -> str:
    return "changed just now" if row.updated_at > now - payments.YOUNG else ""


def _without_order(piece: PaymentRange, since: datetime) -> list[PaymentDifference]:
    """Payments that no order has. One query; two more where there are any."""
    if _orders(piece, since).count() == piece.count:
        return []
    known = payments.references_in(piece, since=since)
    owned = set(_orders(piece, since).values_list("payment_id", flat=True))  # later: an order comes with its payment
    return [
        PaymentDifference(
            kind=Mismatch.NO_ORDER,
            reference=reference,
            detail="the payment has no order: if money was taken, give it back",
        )
        for payment_id, reference in known.items()
        if payment_id not in owned
    ]


def _orders(piece: PaymentRange, since: datetime) -> "QuerySet[Order]":
    return Order.objects.filter(
        payment_id__gt=piece.after_id, payment_id__lte=piece.last_id, payment__created_at__gte=since
    )
