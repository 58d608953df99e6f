"""Every lock on payments: the payment's row first, always; its refunds and work are read and written under it."""

import uuid

from django.utils.translation import gettext as _

from payments.errors import PaymentNotFound
from payments.models import Payment


def payment(*, payment_id: int) -> Payment:
    """Lock and return a payment. Raises PaymentNotFound."""
    return _locked(pk=payment_id)


def payment_of_key(*, key: uuid.UUID) -> Payment:
    """Lock and return the payment that the provider knows by ``key``. Raises PaymentNotFound."""
    return _locked(key=key)


def payment_of_provider(*, provider: str, provider_reference: str) -> Payment:
    """Lock and return the payment that the provider calls so. Raises PaymentNotFound."""
    return _locked(provider=provider, provider_reference=provider_reference)


def _locked(**which: int | str | uuid.UUID) -> Payment:
    found = Payment.objects.select_for_update(no_key=True).filter(**which).first()
    if found is None:
        raise PaymentNotFound(_("There is no such payment."))
    return found
