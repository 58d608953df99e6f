"""What others are told about money, on the order's key, so that it comes in the order it happened."""

from datetime import datetime

from core import events
from payments.models import Payment, Refund

AUTHORISED = "payment.authorised"
DECLINED = "payment.declined"
CAPTURED = "payment.captured"
CAPTURE_REFUSED = "payment.capture_refused"
VOIDED = "payment.voided"
REFUNDED = "payment.refunded"
REFUND_REFUSED = "payment.refund_refused"


def publish(type: str, payment: Payment, *, now: datetime, refund: Refund | None = None) -> None:  # noqa: A002 - CloudEvents calls it type
    """Tell of ``payment``, whose row the caller has locked, and of ``refund`` if it is about one."""
    data: dict[str, object] = {
        "payment_id": payment.pk,
        "reference": payment.reference,
        "status": str(payment.status),
        "amount": str(payment.amount),
        "captured_amount": str(payment.captured_amount),
        "refunded_amount": str(payment.refunded_amount),
        "currency": payment.currency,
        "failure_code": payment.failure_code,
    }
    if refund is not None:
        data["refund"] = {"id": refund.pk, "key": str(refund.key), "amount": str(refund.amount)}
    events.publish(topic=events.ORDER_EVENTS, key=payment.reference, type=type, data=data, now=now)
