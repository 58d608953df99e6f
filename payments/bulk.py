"""Payments of the past, many at once: taken elsewhere, so that no provider is ever asked about them."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.copying import copy_rows, reserve_ids
from core.money import Money
from core.transactions import require_transaction
from payments.progress import EXTERNAL
from payments.types import PaymentStatus, RefundStatus

_PAYMENT = (
    "id",
    "provider",
    "key",
    "reference",
    "provider_reference",
    "method",
    "status",
    "currency",
    "amount",
    "captured_amount",
    "refunded_amount",
    "failure_code",
    "next_action_url",
    "deadline_at",
    "created_at",
    "updated_at",
)
_REFUND = (
    "id",
    "payment_id",
    "key",
    "amount",
    "currency",
    "reason",
    "status",
    "provider_reference",
    "created_at",
    "updated_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastPayment:
    """What was paid for the order called ``reference``: captured, unless it was ``voided``; ``refunded_at`` says it went back."""

    reference: str
    amount: Money
    at: datetime
    voided: bool = False
    refunded_at: datetime | None = None
    refund_reason: str = ""

    @property
    def status(self) -> PaymentStatus:
        """Where the payment stands."""
        if self.voided:
            return PaymentStatus.VOIDED
        return PaymentStatus.REFUNDED if self.refunded_at else PaymentStatus.CAPTURED


@dataclass(frozen=True, slots=True)
class PaymentIds:
    """The ids of a payment and of its refund, if it has one."""

    payment: int
    refund: int | None


def write_past_payments(*, payments: Sequence[PastPayment]) -> list[PaymentIds]:
    """Write them with their refunds; their ids, in the same order. Nothing is published: it is history, not news."""
    require_transaction("payments.bulk.write_past_payments")
    ids = reserve_ids("payments_payment", len(payments))
    refunded = [(pk, payment) for pk, payment in zip(ids, payments, strict=True) if payment.refunded_at]
    refunds = dict(zip((pk for pk, _ in refunded), reserve_ids("payments_refund", len(refunded)), strict=True))
    copy_rows("payments_payment", _PAYMENT, (_row(pk, payment) for pk, payment in zip(ids, payments, strict=True)))
    copy_rows(
        "payments_refund",
        _REFUND,
        (
            (
                refunds[pk],
                pk,
                uuid.uuid4(),
                payment.amount.amount,
                payment.amount.currency,
                payment.refund_reason,
                RefundStatus.SUCCEEDED.value,
                "",
                payment.refunded_at,
                payment.refunded_at,
            )
            for pk, payment in refunded
        ),
    )
    return [PaymentIds(pk, refunds.get(pk)) for pk in ids]


def _row(pk: int, payment: PastPayment) -> tuple[object, ...]:
    amount = payment.amount.amount
    return (
        pk,
        EXTERNAL,
        uuid.uuid4(),
        payment.reference,
        "",
        "",
        payment.status.value,
        payment.amount.currency,
        amount,
        Decimal(0) if payment.voided else amount,
        amount if payment.refunded_at else Decimal(0),
        "",
        "",
        payment.at,
        payment.at,
        payment.refunded_at or payment.at,
    )
