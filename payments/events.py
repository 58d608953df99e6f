"""What others are told about money, on the order's key, so that it comes in the order it happened."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core import events
from core.event_types import event
from payments.models import Payment, Refund

KEY = "the order's number"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundFacts:
    """A refund; ``key`` is that of the request that asked for it."""

    id: int
    key: str
    amount: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFacts:
    """A payment as it stands; ``reference`` is the number of the order. ``refund`` where it is about one."""

    payment_id: int
    reference: str
    status: str
    amount: Decimal
    captured_amount: Decimal
    refunded_amount: Decimal
    currency: str
    failure_code: str
    refund: RefundFacts | None = None


@event("payment.authorised", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentAuthorised(PaymentFacts):
    """The money is set aside."""


@event("payment.declined", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDeclined(PaymentFacts):
    """The provider refused the payment."""


@event("payment.captured", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptured(PaymentFacts):
    """The money is taken."""


@event("payment.capture_refused", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentCaptureRefused(PaymentFacts):
    """The money could not be taken, for good."""


@event("payment.voided", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentVoided(PaymentFacts):
    """What was set aside is free again."""


@event("payment.refunded", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefunded(PaymentFacts):
    """Money went back."""


@event("payment.refund_refused", topic=events.ORDER_EVENTS, key=KEY)
@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRefundRefused(PaymentFacts):
    """Money did not go back: the provider refused."""


def publish(told: type[PaymentFacts], payment: Payment, *, now: datetime, refund: Refund | None = None) -> None:
    """Tell of ``payment``, whose row the caller has locked, and of ``refund`` if it is about one."""
    facts = told(
        payment_id=payment.pk,
        reference=payment.reference,
        status=str(payment.status),
        amount=payment.amount,
        captured_amount=payment.captured_amount,
        refunded_amount=payment.refunded_amount,
        currency=payment.currency,
        failure_code=payment.failure_code,
        refund=RefundFacts(id=refund.pk, key=str(refund.key), amount=refund.amount) if refund else None,
    )
    events.publish(facts, key=payment.reference, now=now)
