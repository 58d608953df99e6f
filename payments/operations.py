"""Changes of payments that orders compose into their own transaction. They lock the payment, after the order (rule 3)."""

import uuid
from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from core.money import Money
from core.transactions import require_transaction
from payments import locks, policies, progress, providers, writes
from payments.errors import PaymentNotAuthorised
from payments.models import Payment, PaymentWork
from payments.types import Authorisation, PaymentRef, PaymentStatus, RefundRef


def open_payment(*, reference: str, amount: Money, method: str, now: datetime) -> PaymentRef:
    """A new payment for the order numbered ``reference``, with the key by which its provider will know it for ever.

    ``method`` is the provider's token for the shopper's card. Raises RuntimeError outside a transaction.
    """
    require_transaction("payments.operations.open_payment")
    row = Payment.objects.create(
        provider=providers.current().name,
        key=uuid.uuid4(),
        reference=reference,
        method=method,
        amount=amount.amount,
        currency=amount.currency,
        deadline_at=now + settings.PAYMENT_DEADLINE,
        created_at=now,
        updated_at=now,
    )
    return writes.ref_of(row)


def lock_payment(*, payment_id: int) -> PaymentRef:
    """Lock a payment until the transaction ends, and return it. Raises PaymentNotFound, RuntimeError outside a transaction."""
    require_transaction("payments.operations.lock_payment")
    return writes.ref_of(locks.payment(payment_id=payment_id))


def record_authorisation(
    *, payment_id: int, authorisation: Authorisation, capture: bool = False, now: datetime
) -> PaymentRef:
    """Note what `gateways.authorise` or `gateways.look_up` said, and return the payment as it is then; never backwards.

    The status returned counts, not the answer given: a webhook may have come before, or the payment been given up, and then an
    authorisation is voided. An unknown outcome changes nothing. Publishes nothing: the caller knows. With ``capture``, what is
    or comes to be authorised is captured soon, as by `schedule_capture`. Two statements. Raises PaymentNotFound, and RuntimeError
    outside a transaction.
    """
    require_transaction("payments.operations.record_authorisation")
    row = locks.payment(payment_id=payment_id)
    if capture and row.status == PaymentStatus.AUTHORISED:
        writes.schedule(row, PaymentWork.Kind.CAPTURE, now=now)
    state = policies.state_after(authorisation.outcome)
    if state is not None:
        progress.follow(
            row,
            state,
            now=now,
            provider_reference=authorisation.provider_reference,
            failure_code=authorisation.failure_code,
            next_action_url=authorisation.next_action_url,
            tell=False,
            capture=capture,
        )
    return writes.ref_of(row)


def schedule_capture(*, payment_id: int, now: datetime) -> None:
    """Have an authorised payment captured soon; harmless when it was asked for, or done, before.

    `payment.captured` or `payment.capture_refused` tells how it went. Raises PaymentNotAuthorised, PaymentNotFound, and
    RuntimeError outside a transaction.
    """
    require_transaction("payments.operations.schedule_capture")
    row = locks.payment(payment_id=payment_id)
    if row.status in policies.TAKEN:
        return
    if row.status != PaymentStatus.AUTHORISED:
        raise PaymentNotAuthorised(_("This payment is not authorised."), params={"status": str(row.status)})
    writes.schedule(row, PaymentWork.Kind.CAPTURE, now=now)


def schedule_void(*, payment_id: int, now: datetime) -> None:
    """Have a payment given up at its provider soon, whatever has become of it there; harmless when it was asked for before.

    An authorisation on its way comes to nothing; money taken already is refunded. `payment.voided` tells when it is done.
    Raises PaymentNotFound, ProviderRefused for an external payment, and RuntimeError outside a transaction.
    """
    require_transaction("payments.operations.schedule_void")
    row = locks.payment(payment_id=payment_id)
    if row.status in policies.TAKEN:
        progress.refund_all(row, now=now)
    elif row.status not in policies.GIVEN_UP:
        writes.schedule_again(row, PaymentWork.Kind.VOID, now=now)


def open_refund(
    *, payment_id: int, amount: Money, key: uuid.UUID, reason: str, actor_id: int | None, now: datetime
) -> RefundRef:
    """Promise a part of a captured payment back; a worker tells the provider. The same key again gives the same refund.

    `payment.refunded` or `payment.refund_refused` tells how it went. Raises InvalidInput for an amount that is none,
    RefundTooLarge, RefundKeyReused, ProviderRefused for an external payment, PaymentNotFound, and RuntimeError outside a
    transaction.
    """
    require_transaction("payments.operations.open_refund")
    row = locks.payment(payment_id=payment_id)
    return progress.open_refund(row, amount=amount, key=key, reason=reason, actor_id=actor_id, now=now)


def record_external(*, reference: str, amount: Money, now: datetime) -> PaymentRef:
    """A payment that was taken elsewhere, for imported and demo orders: captured, and no provider is ever asked about it.

    Raises RuntimeError outside a transaction.
    """
    require_transaction("payments.operations.record_external")
    row = Payment.objects.create(
        provider=progress.EXTERNAL,
        key=uuid.uuid4(),
        reference=reference,
        method=progress.EXTERNAL,
        status=PaymentStatus.CAPTURED,
        amount=amount.amount,
        captured_amount=amount.amount,
        currency=amount.currency,
        deadline_at=now,
        created_at=now,
        updated_at=now,
    )
    return writes.ref_of(row)
