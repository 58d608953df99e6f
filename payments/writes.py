"""Changes of payment rows that the caller has locked: the one place where a status is written, with its audit row."""

from datetime import datetime

from core.models import AuditLog
from core.money import Money
from payments import policies
from payments.models import Payment, PaymentWork, Refund
from payments.types import PaymentRef, PaymentStatus, RefundRef, RefundStatus


def ref_of(row: Payment) -> PaymentRef:
    """What others see of a payment."""
    return PaymentRef(
        id=row.pk,
        key=row.key,
        reference=row.reference,
        amount=Money(row.amount, row.currency),
        status=PaymentStatus(row.status),
        method=row.method,
        deadline_at=row.deadline_at,
        provider=row.provider,
        provider_reference=row.provider_reference,
        captured=Money(row.captured_amount, row.currency),
        refunded=Money(row.refunded_amount, row.currency),
        failure_code=row.failure_code,
        next_action_url=row.next_action_url,
    )


def refund_ref_of(row: Refund) -> RefundRef:
    """What others see of a refund."""
    return RefundRef(
        id=row.pk,
        key=row.key,
        payment_id=row.payment_id,
        amount=Money(row.amount, row.currency),
        status=RefundStatus(row.status),
        reason=row.reason,
    )


def move(row: Payment, wanted: PaymentStatus, *, now: datetime) -> bool:
    """Take ``row`` to ``wanted`` if that is forwards, and save it; whether it was."""
    before = PaymentStatus(row.status)
    if not policies.may_become(before, wanted):
        return False
    row.status = wanted
    if wanted != PaymentStatus.ACTION_REQUIRED:
        row.next_action_url = ""
    if wanted == PaymentStatus.CAPTURED:
        row.captured_amount = row.amount
    save(row, now=now)
    audit(row, "payment.status", now=now, data={"from": before, "to": wanted})
    return True


def save(row: Payment, *, now: datetime) -> None:
    """Write what was set on ``row``."""
    row.updated_at = now
    row.save()


def audit(row: Payment, action: str, *, now: datetime, data: dict[str, object], actor_id: int | None = None) -> None:
    """Note who changed what about the money of ``row``."""
    AuditLog.objects.create(
        at=now, actor_id=actor_id, action=action, object_type="payment", object_id=str(row.pk), data=data
    )


def schedule(row: Payment, kind: PaymentWork.Kind, *, now: datetime) -> None:
    """Have the provider told to capture or void, soon; one already asked for is not asked for twice."""
    work = PaymentWork(payment=row, kind=kind, due_at=now, created_at=now)
    PaymentWork.objects.bulk_create([work], ignore_conflicts=True)


def schedule_again(row: Payment, kind: PaymentWork.Kind, *, now: datetime) -> None:
    """As `schedule`, and once more where it was done before: there is something new to capture or void."""
    schedule(row, kind, now=now)
    PaymentWork.objects.filter(payment=row, kind=kind, done_at__isnull=False).update(due_at=now, done_at=None)
