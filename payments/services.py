"""Use cases of money: tell the provider what was decided, hear what it says, give money back."""

import time
import uuid
from collections import Counter
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from core.money import Money
from payments import locks, metrics, policies, progress, providers, work, writes
from payments.errors import PaymentNotFound, WebhookMismatch, WebhookRefused
from payments.models import Payment, ProviderEvent
from payments.types import ProviderNotice, ProviderRefund, RefundRef, WebhookReceipt, WorkReport

# No new piece is begun after that long, so that a run ends soon, however slow the provider.
SLICE_SECONDS = 5.0


def do_payment_work(*, now: datetime) -> WorkReport:
    """Capture, void and refund what is due, a few seconds' worth. Safe to run many times at once, and to be killed.

    The first time-out ends the run: the provider is away, and what waits is tried again by the next.
    """
    begin = time.monotonic()
    results: Counter[str] = Counter()
    while time.monotonic() - begin < SLICE_SECONDS and not results[work.POSTPONED]:
        task = work.claim(now=now)
        if task is None:
            break
        results[work.do(task, now=now)] += 1
    return WorkReport(done=results[work.DONE], refused=results[work.REFUSED], postponed=results[work.POSTPONED])


def receive_webhook(*, provider: str, body: bytes, headers: dict[str, str], now: datetime) -> WebhookReceipt | None:
    """Take what a provider tells of a payment, once by its event's id, in any order. None for what the shop has no use for.

    Raises WebhookRefused, WebhookTooOld, WebhookMismatch, and PaymentNotFound for a payment that is not the shop's.
    """
    try:
        notice = providers.of(provider).parse_webhook(body=body, headers=headers, now=now)
        receipt = None if notice is None else _take(provider, notice, now=now)
    except (WebhookRefused, WebhookMismatch, PaymentNotFound):
        metrics.WEBHOOKS.labels(result="refused").inc()
        raise
    if receipt is None:
        metrics.WEBHOOKS.labels(result="ignored").inc()
        return None
    metrics.WEBHOOKS.labels(result="taken" if receipt.is_new else "duplicate").inc()
    return receipt


def refund(
    *, payment_id: int, amount: Money, key: uuid.UUID, reason: str, actor_id: int | None, now: datetime
) -> RefundRef:
    """Promise a part of a captured payment back, or all of it; the same key again gives the same refund.

    Raises InvalidInput for an amount that is none, RefundTooLarge, RefundKeyReused, ProviderRefused, PaymentNotFound.
    """
    with transaction.atomic(durable=True):
        row = locks.payment(payment_id=payment_id)
        return progress.open_refund(row, amount=amount, key=key, reason=reason, actor_id=actor_id, now=now)


def _take(provider: str, notice: ProviderNotice, *, now: datetime) -> WebhookReceipt | None:
    with transaction.atomic(durable=True):
        row = _locked(provider, notice)
        if row is None:
            return None
        if not _store(provider, notice, row, now=now):
            return WebhookReceipt(event_id=notice.event_id, is_new=False)
        if notice.payment is not None:
            progress.follow(
                row,
                notice.payment.state,
                now=now,
                provider_reference=notice.payment.provider_reference,
                failure_code=notice.payment.failure_code,
                next_action_url=notice.payment.next_action_url,
            )
            progress.check_given_back(row, notice.payment.refunded)
        if notice.refund is not None:
            progress.follow_refund(row, notice.refund, now=now)
    return WebhookReceipt(event_id=notice.event_id, is_new=True)


def _locked(provider: str, notice: ProviderNotice) -> Payment | None:
    """The payment that a webhook tells of, locked. None for a refund of somebody else's, made in the same account.

    Raises PaymentNotFound, WebhookMismatch.
    """
    if notice.payment is None:
        return _locked_of_refund(provider, notice.refund)
    row = locks.payment_of_key(key=notice.payment.key)
    if row.provider != provider:
        raise PaymentNotFound(_("There is no such payment."))
    if not policies.is_same_money(writes.ref_of(row), notice.payment):
        raise WebhookMismatch(_("This webhook speaks of another order or amount."))
    return row


def _locked_of_refund(provider: str, refund: ProviderRefund | None) -> Payment | None:
    if refund is None or not refund.payment_reference:
        return None
    try:
        row = locks.payment_of_provider(provider=provider, provider_reference=refund.payment_reference)
    except PaymentNotFound:
        if refund.key is None:
            return None
        raise
    if row.currency != refund.amount.currency:
        raise WebhookMismatch(_("This webhook speaks of another order or amount."))
    return row


def _store(provider: str, notice: ProviderNotice, row: Payment, *, now: datetime) -> bool:
    """Keep the event by its id; whether it is new. The payment's lock is held, so two copies can not both be."""
    refund = notice.refund
    payload: dict[str, Any] = {
        "key": str(row.key),
        "state": str(notice.payment.state) if notice.payment else None,
        "refund": str(refund.key or refund.provider_reference) if refund else None,
    }
    _row, is_new = ProviderEvent.objects.get_or_create(
        provider=provider,
        event_id=notice.event_id,
        defaults={"type": notice.type, "payload": payload, "received_at": now},
    )
    return is_new
