"""Reads of payments."""

from collections.abc import Collection
from datetime import datetime

from django.conf import settings

from payments import writes
from payments.models import Payment, Refund
from payments.stripe import browser
from payments.types import CardEntry, PaymentRef, PaymentStatus, RefundRef


def find_payment(*, payment_id: int) -> PaymentRef | None:
    """A payment as it is now, unlocked. One query."""
    row = Payment.objects.filter(pk=payment_id).first()
    return None if row is None else writes.ref_of(row)


def payments(*, payment_ids: Collection[int]) -> dict[int, PaymentRef]:
    """Payments by id, unlocked. One query."""
    return {row.pk: writes.ref_of(row) for row in Payment.objects.filter(pk__in=set(payment_ids))}


def unsettled(*, created_before: datetime, limit: int, after_id: int = 0) -> list[PaymentRef]:
    """Payments made before then of which the provider has said neither yes nor no, by id from ``after_id`` on. One query."""
    rows = Payment.objects.filter(
        status__in=(PaymentStatus.CREATED, PaymentStatus.ACTION_REQUIRED),
        created_at__lt=created_before,
        pk__gt=after_id,
    )
    return [writes.ref_of(row) for row in rows.order_by("pk")[:limit]]


def refunds(*, payment_id: int) -> list[RefundRef]:
    """A payment's refunds, the oldest first. One query."""
    return [writes.refund_ref_of(row) for row in Refund.objects.filter(payment_id=payment_id).order_by("pk")]


def card_entry() -> CardEntry | None:
    """How shoppers enter their card; None where payments are simulated, and a card is chosen. No query."""
    return browser.card_entry() if settings.STRIPE_PUBLISHABLE_KEY else None
