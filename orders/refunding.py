"""Staff give money back: for lines, for shipping, or an amount; never more than was taken, once for each key."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db.models import Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from core.errors import FieldError, InvalidInput
from core.money import Money, total
from core.transactions import unit_of_work
from orders import locks, policies
from orders.errors import OrderNotFound, RefundExceedsLine
from orders.models import Order, OrderLine, RefundLine
from orders.types import RefundedLine, RefundRequest, RefundView
from payments import operations as payments
from payments import selectors as payment_selectors
from payments.types import PaymentRef, RefundRef, RefundStatus

_COUNTS = (RefundStatus.PENDING, RefundStatus.SUCCEEDED)


def refund_order(*, number: str, request: RefundRequest, key: str, actor_id: int | None, now: datetime) -> RefundView:
    """Promise a part of an order's money back, or what is left of it; the provider is told soon. The same key is the same refund.

    A line's part is its share of what was paid for it, tax included. Raises OrderNotFound, InvalidInput, RefundExceedsLine, and
    what `payments.operations.open_refund` raises: then nothing is promised.
    """
    with unit_of_work():
        order = locks.order_by_number(number)
        if order is None:
            raise OrderNotFound(_("There is no such order."))
        payment = payments.lock_payment(payment_id=order.payment_id)
        refund_key = uuid.uuid5(payment.key, f"refund {key}")
        known = [it for it in payment_selectors.refunds(payment_id=payment.id) if it.key == refund_key]
        if known:
            return _view(order, known[0], _lines_of(order, known[0]))
        lines = [*_goods(order, request.lines), *(_shipping(order) if request.shipping else ())]
        refund = payments.open_refund(
            payment_id=payment.id,
            amount=_amount(order, payment, request, lines),
            key=refund_key,
            reason=request.reason,
            actor_id=actor_id,
            now=now,
        )
        _write(refund, lines)
    return _view(order, refund, lines)


def _goods(order: Order, wanted: Sequence[tuple[int, int]]) -> list[RefundedLine]:
    """What the wanted units of each line come to. Raises InvalidInput, RefundExceedsLine."""
    counted = Coalesce(Sum("refunded__quantity", filter=Q(refunded__refund__status__in=_COUNTS)), 0)
    before = dict(OrderLine.objects.filter(order=order).annotate(before=counted).values_list("pk", "before"))
    lines = {line.pk: line for line in OrderLine.objects.filter(order=order)}
    if len(dict(wanted)) < len(wanted) or not {line_id for line_id, _quantity in wanted} <= lines.keys():
        detail = _("Name lines of this order, each once.")
        raise InvalidInput(detail, errors=[FieldError("/lines", "invalid", detail)])
    left = {line_id: lines[line_id].quantity - before[line_id] for line_id, _quantity in wanted}
    if any(quantity > left[line_id] for line_id, quantity in wanted):
        raise RefundExceedsLine(
            _("More of a line would be refunded than is left of it."),
            params={"lines": [{"line_id": line_id, "refundable": units} for line_id, units in left.items()]},
        )
    return [
        RefundedLine(
            line_id=line_id,
            quantity=quantity,
            amount=policies.share_of_line(
                paid=_paid_for(order, lines[line_id]),
                quantity=lines[line_id].quantity,
                before=before[line_id],
                more=quantity,
            ),
        )
        for line_id, quantity in wanted
    ]


def _paid_for(order: Order, line: OrderLine) -> Money:
    return Money(line.total + (0 if order.tax_included else line.tax), line.currency)


def _shipping(order: Order) -> list[RefundedLine]:
    """What was paid for shipping, its tax included; once. Raises RefundExceedsLine."""
    given = RefundLine.objects.filter(refund__payment_id=order.payment_id, order_line=None)
    if given.filter(refund__status__in=_COUNTS).exists():
        raise RefundExceedsLine(_("The shipping was refunded before."), params={"lines": []})
    paid = Money(order.total, order.currency) - total(
        (_paid_for(order, line) for line in OrderLine.objects.filter(order=order)), order.currency
    )
    return [RefundedLine(line_id=None, quantity=1, amount=paid)]


def _amount(order: Order, payment: PaymentRef, request: RefundRequest, lines: Sequence[RefundedLine]) -> Money:
    """How much goes back. Raises InvalidInput for an amount beside lines: one of them is a mistake."""
    if lines and request.amount is not None:
        detail = _("Name lines and shipping, or an amount.")
        raise InvalidInput(detail, errors=[FieldError("/amount", "invalid", detail)])
    if lines:
        return total((line.amount for line in lines), order.currency)
    return request.amount if request.amount is not None else payment.captured - payment.refunded


def _write(refund: RefundRef, lines: Sequence[RefundedLine]) -> None:
    RefundLine.objects.bulk_create(
        RefundLine(refund_id=refund.id, order_line_id=line.line_id, quantity=line.quantity, amount=line.amount.amount)
        for line in lines
    )


def _lines_of(order: Order, refund: RefundRef) -> list[RefundedLine]:
    return [
        RefundedLine(line_id=row.order_line_id, quantity=row.quantity, amount=Money(row.amount, order.currency))
        for row in RefundLine.objects.filter(refund_id=refund.id).order_by("pk")
    ]


def _view(order: Order, refund: RefundRef, lines: Sequence[RefundedLine]) -> RefundView:
    return RefundView(
        id=str(refund.key),
        order_number=order.number,
        amount=refund.amount,
        status=refund.status,
        reason=refund.reason,
        lines=tuple(lines),
    )
