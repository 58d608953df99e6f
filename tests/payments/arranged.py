"""Payments in the state a test begins with, brought there as the shop does it."""

import itertools
import uuid
from decimal import Decimal

from django.db import transaction

from core.clock import now
from core.models import OutboxEvent
from core.money import Money
from payments import gateways, operations, selectors, services
from payments.types import PaymentRef, PaymentStatus

_numbers = itertools.count(1)
VISA = "pm_card_visa"


def usd(amount: str) -> Money:
    """Dollars."""
    return Money(Decimal(amount), "USD")


def unsaved(*, amount: str = "49.95", method: str = VISA) -> PaymentRef:
    """A payment as the provider is asked about it, without a row."""
    return PaymentRef(
        id=0,
        key=uuid.uuid4(),
        reference=f"HB-U{next(_numbers)}",
        amount=usd(amount),
        status=PaymentStatus.CREATED,
        method=method,
        deadline_at=now(),
        provider="simulated",
        provider_reference="",
        captured=usd("0"),
        refunded=usd("0"),
        failure_code="",
        next_action_url="",
    )


def opened(*, amount: str = "49.95", method: str = VISA, reference: str = "") -> PaymentRef:
    """A new payment."""
    with transaction.atomic():
        return operations.open_payment(
            reference=reference or f"HB-{next(_numbers)}", amount=usd(amount), method=method, now=now()
        )


def authorised(*, amount: str = "49.95", method: str = VISA) -> PaymentRef:
    """A payment that the provider authorised and the shop knows of."""
    payment = opened(amount=amount, method=method)
    answer = gateways.authorise(payment=payment, return_url="http://127.0.0.1/orders/1/")
    with transaction.atomic():
        return operations.record_authorisation(payment_id=payment.id, authorisation=answer, now=now())


def captured(*, amount: str = "49.95", method: str = VISA) -> PaymentRef:
    """A payment that was taken."""
    payment = authorised(amount=amount, method=method)
    capture(payment)
    services.do_payment_work(now=now())
    payment = fresh(payment)
    assert payment.status == PaymentStatus.CAPTURED
    return payment


def capture(payment: PaymentRef) -> None:
    """Ask for a capture."""
    with transaction.atomic():
        operations.schedule_capture(payment_id=payment.id, now=now())


def void(payment: PaymentRef) -> None:
    """Give a payment up."""
    with transaction.atomic():
        operations.schedule_void(payment_id=payment.id, now=now())


def fresh(payment: PaymentRef) -> PaymentRef:
    """The payment as it is now."""
    found = selectors.find_payment(payment_id=payment.id)
    assert found is not None
    return found


def told(payment: PaymentRef) -> list[str]:
    """What was published about a payment, in order."""
    return list(OutboxEvent.objects.filter(key=payment.reference).order_by("id").values_list("type", flat=True))
