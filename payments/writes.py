"""Changes of payment rows that the caller has locked: the one place where a status is written, with its audit row."""

from datetime import datetime

from django.db import connection

from core import audit
from core.money import Money
from payments import policies
from payments.models import Payment, PaymentWork, Refund
from payments.types import PaymentRef, PaymentStatus, RefundRef, RefundStatus

_MOVED = (
    "status",
    "provider_reference",
    "captured_amount",
    "refunded_amount",
    "failure_code",
    "next_action_url",
    "updated_at",
)
_MOVE = f"""
    WITH moved AS (
        UPDATE payments_payment SET {", ".join(f"{name} = %({name})s" for name in _MOVED)} WHERE id = %(id)s RETURNING id
    ), asked AS (
        INSERT INTO payments_paymentwork (payment_id, kind, due_at, attempts, last_error, created_at)
        SELECT id, %(ask)s, %(updated_at)s, 0, '', %(updated_at)s FROM moved WHERE %(ask)s::text IS NOT NULL
        ON CONFLICT DO NOTHING
    )
    {audit.insertion(source="moved")}
"""  # noqa: S608 - made of constants


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


def move(row: Payment, wanted: PaymentStatus, *, now: datetime, ask: PaymentWork.Kind | None = None) -> bool:
    """Take ``row`` to ``wanted`` if that is forwards, and save it; whether it was. One statement.

    With ``ask``, the provider is told soon to capture or void, as by `schedule`.
    """
    before = PaymentStatus(row.status)
    if not policies.may_become(before, wanted):
        return False
    row.status = wanted
    if wanted != PaymentStatus.ACTION_REQUIRED:
        row.next_action_url = ""
    if wanted == PaymentStatus.CAPTURED:
        row.captured_amount = row.amount
    row.updated_at = now
    noted = audit.insertion_parameters(
        action="payment.status", object_type="payment", data={"from": before, "to": wanted}, now=now
    )
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {**{name: getattr(row, name) for name in _MOVED}, "id": row.pk, "ask": ask, **noted})
    return True


def save(row: Payment, *, now: datetime) -> None:
    """Write what was set on ``row``."""
    row.updated_at = now
    row.save()


def note(row: Payment, action: str, *, now: datetime, data: dict[str, object], actor_id: int | None = None) -> None:
    """Note who changed what about the money of ``row``."""
    audit.note(action=action, object_type="payment", object_id=row.pk, data=data, actor_id=actor_id, now=now)


def schedule(row: Payment, kind: PaymentWork.Kind, *, now: datetime) -> None:
    """Have the provider told to capture or void, soon; one already asked for is not asked for twice."""
    work = PaymentWork(payment=row, kind=kind, due_at=now, created_at=now)
    PaymentWork.objects.bulk_create([work], ignore_conflicts=True)


def schedule_again(row: Payment, kind: PaymentWork.Kind, *, now: datetime) -> None:
    """As `schedule`, and once more where it was done before: there is something new to capture or void."""
    schedule(row, kind, now=now)
    PaymentWork.objects.filter(payment=row, kind=kind, done_at__isnull=False).update(due_at=now, done_at=None)
