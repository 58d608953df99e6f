"""One piece of payment work: found in the table under a lease, done at the provider with nothing locked, noted under the lock."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from payments import events, gateways, locks, metrics, policies, progress, writes
from payments.errors import ProviderRefused, ProviderUnavailable
from payments.models import Payment, PaymentWork
from payments.types import PaymentRef, ProviderPayment, ProviderRefund, RefundRef, RefundStatus

# Longer than the provider's time-out: who holds a piece of work for less is still at it, who holds it for longer is dead.
LEASE = timedelta(seconds=60)
DONE, REFUSED, POSTPONED = "done", "refused", "postponed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A piece of work as it was claimed."""

    id: int
    kind: str
    attempts: int
    payment: PaymentRef
    refund: RefundRef | None


def claim(*, now: datetime) -> Task | None:
    """Take the piece that has been due the longest, unless somebody else is at it; None when nothing is due."""
    with transaction.atomic(durable=True):
        row = (
            PaymentWork.objects.select_for_update(skip_locked=True)
            .filter(done_at=None, due_at__lte=now)
            .order_by("due_at", "pk")
            .first()
        )
        if row is None:
            return None
        row.attempts += 1
        row.due_at = now + max(LEASE, policies.delay_after(row.attempts))
        row.save()
    return Task(
        id=row.pk,
        kind=row.kind,
        attempts=row.attempts,
        payment=writes.ref_of(row.payment),
        refund=None if row.refund is None else writes.refund_ref_of(row.refund),
    )


def do(task: Task, *, now: datetime) -> str:
    """Tell the provider and note the answer; DONE, REFUSED or POSTPONED. Harmless to do twice."""
    try:
        if task.kind == PaymentWork.Kind.CAPTURE and _is_void_asked_for(task):
            result = _finish(task, error="given up before it was captured", now=now)
        elif task.refund is not None:
            result = _note_refund(task, task.refund, _tell_refund(task, task.refund), now=now)
        elif task.kind == PaymentWork.Kind.CAPTURE:
            result = _note(task, gateways.capture(payment=task.payment), now=now)
        else:
            result = _note(task, gateways.void(payment=task.payment), now=now)
    except ProviderUnavailable as trouble:
        result = _postpone(task, trouble.detail, now=now)
    except ProviderRefused as refusal:
        result = _note_refusal(task, refusal, now=now)
    metrics.WORK.labels(kind=task.kind, result=result).inc()
    return result


def _tell_refund(task: Task, refund: RefundRef) -> ProviderRefund:
    return gateways.refund(payment=task.payment, key=refund.key, amount=refund.amount)


def _note(task: Task, found: ProviderPayment, *, now: datetime) -> str:
    with transaction.atomic(durable=True):
        row = locks.payment(payment_id=task.payment.id)
        progress.follow(
            row,
            found.state,
            now=now,
            provider_reference=found.provider_reference,
            failure_code=found.failure_code,
        )
        return _close(task, now=now)


def _note_refund(task: Task, refund: RefundRef, found: ProviderRefund, *, now: datetime) -> str:
    if found.status == RefundStatus.PENDING:
        return _postpone(task, "the provider is still at it", now=now)
    with transaction.atomic(durable=True):
        row = locks.payment(payment_id=refund.payment_id)
        progress.follow_refund(row, found, now=now)
        return _close(task, now=now)


def _note_refusal(task: Task, refusal: ProviderRefused, *, now: datetime) -> str:
    """No for good: the order must hear of a refused capture, and a refused refund is promised no longer."""
    with transaction.atomic(durable=True):
        row = locks.payment(payment_id=task.payment.id)
        if task.refund is not None:
            progress.fail_refund(row, row.refunds.get(pk=task.refund.id), now=now)
        elif task.kind == PaymentWork.Kind.CAPTURE and _is_open(task):
            _tell_capture_refused(row, refusal.failure_code, now=now)
        return _close(task, error=refusal.detail, result=REFUSED, now=now)


def _tell_capture_refused(row: Payment, failure_code: str, *, now: datetime) -> None:
    row.failure_code = failure_code[:50]
    writes.save(row, now=now)
    writes.note(row, "payment.capture_refused", now=now, data={"failure_code": row.failure_code})
    events.publish(events.PaymentCaptureRefused, row, now=now)


def _finish(task: Task, *, error: str, now: datetime) -> str:
    with transaction.atomic(durable=True):
        locks.payment(payment_id=task.payment.id)
        return _close(task, error=error, now=now)


def _close(task: Task, *, now: datetime, error: str = "", result: str = DONE) -> str:
    PaymentWork.objects.filter(pk=task.id, done_at=None).update(done_at=now, last_error=error[:500])
    return result


def _postpone(task: Task, error: str, *, now: datetime) -> str:
    due_at = now + policies.delay_after(task.attempts)
    PaymentWork.objects.filter(pk=task.id, done_at=None, attempts=task.attempts).update(
        due_at=due_at, last_error=error[:500]
    )
    return POSTPONED


def _is_open(task: Task) -> bool:
    return PaymentWork.objects.filter(pk=task.id, done_at=None).exists()


def _is_void_asked_for(task: Task) -> bool:
    return PaymentWork.objects.filter(payment_id=task.payment.id, kind=PaymentWork.Kind.VOID).exists()
