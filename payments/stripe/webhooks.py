"""Stripe's webhooks: believed when signed, and what they tell of payments and refunds."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe
from django.conf import settings
from django.utils.translation import gettext as _

from payments.errors import ProviderUnavailable, WebhookRefused, WebhookTooOld
from payments.stripe.shapes import KEY, metadata_of, payment_of, payment_of_charge, refund_of
from payments.types import ProviderNotice, ProviderPayment

SIGNATURE_HEADER = "Stripe-Signature"
SIGNATURE_LIFETIME = timedelta(minutes=5)
_PAYMENTS: dict[str, Callable[[Mapping[str, Any]], ProviderPayment]] = {
    "payment_intent.requires_action": payment_of,
    "payment_intent.amount_capturable_updated": payment_of,
    "payment_intent.succeeded": payment_of,
    "payment_intent.payment_failed": payment_of,
    "payment_intent.canceled": payment_of,
    "charge.refunded": payment_of_charge,
}
# One that was made in Stripe's dashboard tells of itself by the same events, without our key. The last is an older name.
_REFUNDS = frozenset({"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"})
# What is none at all fails in many ways: one that is not ASCII is a TypeError of the SDK's.
_NO_SIGNATURE = (
    stripe.SignatureVerificationError,
    ValueError,
    TypeError,
    OverflowError,
    OSError,
    StopIteration,
)


def parse(*, body: bytes, header: str, now: datetime) -> ProviderNotice | None:
    """What a webhook says, None when it is of no use. Raises WebhookRefused, WebhookTooOld."""
    _check_signature(body, header, now=now)
    try:
        event = json.loads(body)
        kind, found = str(event["type"]), event["data"]["object"]
        if kind in _PAYMENTS and KEY in metadata_of(found):
            return ProviderNotice(event_id=str(event["id"])[:100], type=kind, payment=_PAYMENTS[kind](found))
        if kind in _REFUNDS and found.get("payment_intent"):
            return ProviderNotice(event_id=str(event["id"])[:100], type=kind, refund=refund_of(found))
    except (ValueError, KeyError, TypeError, AttributeError, ProviderUnavailable) as problem:
        raise WebhookRefused(_("This webhook makes no sense.")) from problem
    return None


def _check_signature(body: bytes, header: str, *, now: datetime) -> None:
    secret = settings.STRIPE_WEBHOOK_SECRET
    try:
        if not secret:
            raise ValueError("no secret")
        stripe.WebhookSignature.verify_header(body.decode(), header, secret, None)
        stamp = next(part[2:] for part in header.split(",") if part.startswith("t="))
        at = datetime.fromtimestamp(int(stamp), UTC)
    except _NO_SIGNATURE as problem:
        raise WebhookRefused(_("The signature of this webhook is not right.")) from problem
    if abs(now - at) > SIGNATURE_LIFETIME:
        raise WebhookTooOld(_("The signature of this webhook is too old."))
