"""Follows the provider: what its answers, webhooks and look-ups make of a locked payment, in whatever order they come."""

import logging
import uuid
from datetime import datetime

from django.db.models import Sum
from django.utils.translation import gettext as _

from core.errors import InvalidInput
from core.money import Money
from payments import events, policies, writes
from payments.errors import ProviderRefused, RefundKeyReused, RefundTooLarge
from payments.models import Payment, PaymentWork, Refund
from payments.types import PaymentStatus, ProviderRefund, ProviderState, RefundRef, RefundStatus

logger = logging.getLogger(__name__)
EXTERNAL = "external"
_EVENT_OF = {
    PaymentStatus.AUTHORISED: events.PaymentAuthorised,
    PaymentStatus.DECLINED: events.PaymentDeclined,
    PaymentStatus.CAPTURED: events.PaymentCaptured,
    PaymentStatus.VOIDED: events.PaymentVoided,
}


def follow(
    row: Payment,
    state: ProviderState,
    *,
    now: datetime,
    provider_reference: str = "",
    failure_code: str = "",
    next_action_url: str = "",
    tell: bool = True,
    capture: bool = False,
) -> None:
    """Take locked ``row`` to where the provider says it stands, never backwards; with ``tell``, publish what that changed.

    With ``capture``, a payment that comes to be authorised by this is captured soon. Money held for a payment that was given up
    is voided, money taken for it is refunded.
    """
    was_given_up = row.status in policies.GIVEN_UP
    if was_given_up and state == ProviderState.AUTHORISED:
        writes.schedule_again(row, PaymentWork.Kind.VOID, now=now)
        return
    wanted = policies.status_of(state)
    if provider_reference and not row.provider_reference:
        row.provider_reference = provider_reference
        if not policies.may_become(PaymentStatus(row.status), wanted):
            writes.save(row, now=now)
    if policies.may_become(PaymentStatus(row.status), wanted):
        row.failure_code = row.failure_code or failure_code  # the first reason is the one that counts
        row.next_action_url = next_action_url
    ask = PaymentWork.Kind.CAPTURE if capture and wanted == PaymentStatus.AUTHORISED else None
    if not writes.move(row, wanted, now=now, ask=ask):
        return
    if tell and wanted in _EVENT_OF:
        events.publish(_EVENT_OF[wanted], row, now=now)
    if wanted == PaymentStatus.CAPTURED and (was_given_up or _is_void_asked_for(row)):
        refund_all(row, now=now)


def open_refund(
    row: Payment, *, amount: Money, key: uuid.UUID, reason: str, actor_id: int | None, now: datetime
) -> RefundRef:
    """Promise ``amount`` of locked ``row`` back and have the provider told; the same key again gives the same refund.

    Raises InvalidInput for an amount that is none, RefundTooLarge, RefundKeyReused, and ProviderRefused for a payment that no
    provider took.
    """
    known = Refund.objects.filter(key=key).first()
    if known is not None:
        if (known.payment_id, known.amount, known.currency) != (row.pk, amount.amount, amount.currency):
            raise RefundKeyReused(_("This key belongs to another refund."))
        return writes.refund_ref_of(known)
    _check_refundable(row, amount)
    row.refunded_amount += amount.amount
    writes.save(row, now=now)
    refund = Refund.objects.create(
        payment=row,
        key=key,
        amount=amount.amount,
        currency=amount.currency,
        reason=reason,
        actor_id=actor_id,
        created_at=now,
        updated_at=now,
    )
    PaymentWork.objects.create(payment=row, kind=PaymentWork.Kind.REFUND, refund=refund, due_at=now, created_at=now)
    writes.note(row, "payment.refund", now=now, data={"refund": refund.pk, "amount": str(amount)}, actor_id=actor_id)
    return writes.refund_ref_of(refund)


def follow_refund(row: Payment, found: ProviderRefund, *, now: datetime) -> None:
    """Take a refund of locked ``row`` to where the provider says it stands; what only people can set right is logged and noted.

    That is a refund that the shop did not ask for, and one that came back from the shopper's bank after it had gone out.
    """
    refund = None if found.key is None else Refund.objects.filter(payment=row, key=found.key).first()
    if refund is None or refund.amount != found.amount.amount:
        told = f"{found.provider_reference} of {found.amount}, {found.status}"
        logger.error("Payment %s: the provider tells of refund %s, which was not asked for", row.reference, told)
        writes.note(row, "payment.refund_elsewhere", now=now, data={"refund": told})
        return
    refund.provider_reference = found.provider_reference or refund.provider_reference
    if found.status == RefundStatus.SUCCEEDED:
        _finish_refund(row, refund, RefundStatus.SUCCEEDED, now=now)
    elif found.status == RefundStatus.FAILED and refund.status == RefundStatus.SUCCEEDED:
        logger.error("Payment %s: refund %s of %s came back", row.reference, found.provider_reference, found.amount)
        writes.note(row, "payment.refund_came_back", now=now, data={"refund": refund.pk, "amount": str(refund.amount)})
    elif found.status == RefundStatus.FAILED:
        fail_refund(row, refund, now=now)


def check_given_back(row: Payment, given_back: Money) -> None:
    """Log it when more went back of locked ``row`` than was ever asked for: somebody else gave it back, at the provider."""
    asked = row.refunds.aggregate(sum=Sum("amount"))["sum"] or 0
    if given_back.amount > asked:
        logger.error("Payment %s: %s went back, %s was asked for", row.reference, given_back, asked)


def fail_refund(row: Payment, refund: Refund, *, now: datetime) -> None:
    """Take back the promise of a refund that the provider refused for good."""
    if policies.refund_may_become(RefundStatus(refund.status), RefundStatus.FAILED):
        row.refunded_amount -= refund.amount
        _finish_refund(row, refund, RefundStatus.FAILED, now=now)


def _finish_refund(row: Payment, refund: Refund, wanted: RefundStatus, *, now: datetime) -> None:
    if not policies.refund_may_become(RefundStatus(refund.status), wanted):
        return
    refund.status = wanted
    refund.updated_at = now
    refund.save()
    back = row.refunds.filter(status=RefundStatus.SUCCEEDED).aggregate(sum=Sum("amount"))["sum"]
    status = policies.status_with_refunds(
        captured=Money(row.captured_amount, row.currency), given_back=Money(back or row.amount * 0, row.currency)
    )
    if not writes.move(row, status, now=now):
        writes.save(row, now=now)
    writes.note(row, f"payment.refund_{wanted}", now=now, data={"refund": refund.pk, "amount": str(refund.amount)})
    told = events.PaymentRefunded if wanted == RefundStatus.SUCCEEDED else events.PaymentRefundRefused
    events.publish(told, row, now=now, refund=refund)


def _check_refundable(row: Payment, amount: Money) -> None:
    if row.provider == EXTERNAL:
        raise ProviderRefused(
            _("This payment was not taken here: give the money back where it was taken."),
            params={"failure_code": EXTERNAL},
        )
    if amount.amount <= 0 or amount.currency != row.currency:
        raise InvalidInput(_("A refund is an amount above zero, in the currency of the payment."))
    left = Money(row.captured_amount - row.refunded_amount, row.currency)
    if amount > left:
        raise RefundTooLarge(
            _("At most %(left)s can go back.") % {"left": left},
            params={"refundable": {"amount": str(left.amount), "currency": left.currency}},
        )


def _is_void_asked_for(row: Payment) -> bool:
    return PaymentWork.objects.filter(payment=row, kind=PaymentWork.Kind.VOID).exists()


def refund_all(row: Payment, *, now: datetime) -> None:
    """Give back what was taken for a payment that was given up: once, by a key that follows from the payment's.

    One that the provider refused is not tried again by itself, or it would be for ever: staff are told by the log.
    """
    left = Money(row.captured_amount - row.refunded_amount, row.currency)
    key = uuid.uuid5(row.key, "given up")
    if not left:
        return
    if Refund.objects.filter(key=key).exists():
        logger.error("Payment %s was given up, and %s of it could not be given back", row.reference, left)
        return
    open_refund(row, amount=left, key=key, reason=_("Paid after it was given up"), actor_id=None, now=now)
