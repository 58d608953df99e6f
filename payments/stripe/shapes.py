"""Stripe's objects, as JSON, in the shop's words; and the shop's amounts as Stripe counts them."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from core.money import Money, total
from payments.errors import ProviderUnavailable
from payments.types import ProviderPayment, ProviderRefund, ProviderState, RefundStatus

# What a payment's and a refund's metadata say of it.
KEY, REFERENCE, REFUND_KEY = "payment_key", "reference", "refund_key"
STATES = {
    "requires_action": ProviderState.ACTION_REQUIRED,
    "requires_capture": ProviderState.AUTHORISED,
    "succeeded": ProviderState.CAPTURED,
    "canceled": ProviderState.VOIDED,
    # It is confirmed as it is made: back at the start, it was declined, or its challenge failed.
    "requires_payment_method": ProviderState.DECLINED,
}
REFUNDS = {"succeeded": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}
# Stripe's own list of decimals, which differs from ISO 4217 for ISK, UGX and MGA.
NO_DECIMALS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
THREE_DECIMALS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))


def to_stripe(money: Money) -> int:
    """An amount as Stripe counts it."""
    return int(money.amount.scaleb(_decimals(money.currency)))


def from_stripe(amount: int, currency: str) -> Money:
    """An amount as Stripe counted it."""
    code = currency.upper()
    return Money(Decimal(amount).scaleb(-_decimals(code)), code)


def metadata_of(found: Mapping[str, Any]) -> Mapping[str, Any]:
    """What was written on an object; nothing for one that somebody else made. Stripe sends an empty list for none, at times."""
    metadata = found.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def payment_of(intent: Mapping[str, Any]) -> ProviderPayment:
    """A payment out of a PaymentIntent. Raises ProviderUnavailable for one whose state says neither yes nor no."""
    try:
        currency = str(intent["currency"])
        error = intent.get("last_payment_error") or {}
        redirect = (intent.get("next_action") or {}).get("redirect_to_url") or {}
        return ProviderPayment(
            key=uuid.UUID(intent["metadata"][KEY]),
            reference=str(intent["metadata"][REFERENCE]),
            provider_reference=str(intent["id"]),
            state=STATES[intent["status"]],
            amount=from_stripe(int(intent["amount"]), currency),
            captured=from_stripe(int(intent.get("amount_received") or 0), currency),
            refunded=_given_back(intent.get("latest_charge"), currency),
            failure_code=str(error.get("decline_code") or error.get("code") or "")[:50],
            next_action_url=str(redirect.get("url") or "")[:500],
        )
    except (KeyError, ValueError, TypeError, AttributeError) as problem:
        raise ProviderUnavailable(f"an answer that is no payment: {problem!r}") from problem


def payment_of_charge(charge: Mapping[str, Any]) -> ProviderPayment:
    """A payment out of the Charge that took it, which has a copy of its metadata. Raises ProviderUnavailable."""
    try:
        currency = str(charge["currency"])
        return ProviderPayment(
            key=uuid.UUID(charge["metadata"][KEY]),
            reference=str(charge["metadata"][REFERENCE]),
            provider_reference=str(charge["payment_intent"]),
            state=ProviderState.CAPTURED,
            amount=from_stripe(int(charge["amount"]), currency),
            captured=from_stripe(int(charge["amount_captured"]), currency),
            refunded=from_stripe(int(charge["amount_refunded"]), currency),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as problem:
        raise ProviderUnavailable(f"an answer that is no charge: {problem!r}") from problem


def refund_of(found: Mapping[str, Any]) -> ProviderRefund:
    """A refund, the shop's own or one that was made at Stripe. Raises ProviderUnavailable for what is none."""
    try:
        key = metadata_of(found).get(REFUND_KEY)
        return ProviderRefund(
            key=uuid.UUID(key) if key else None,
            provider_reference=str(found["id"]),
            payment_reference=str(found.get("payment_intent") or ""),
            status=REFUNDS.get(str(found["status"]), RefundStatus.PENDING),
            amount=from_stripe(int(found["amount"]), str(found["currency"])),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as problem:
        raise ProviderUnavailable(f"an answer that is no refund: {problem!r}") from problem


def _given_back(charge: Any, currency: str) -> Money:
    """What went back of a charge that was asked for with its refunds; nothing where only its id is there."""
    if not isinstance(charge, Mapping):
        return Money.zero(currency.upper())
    refunds = charge.get("refunds") or {}
    if refunds.get("has_more", True):
        return from_stripe(int(charge["amount_refunded"]), currency)
    done = [refund_of(it) for it in refunds["data"]]
    return total((it.amount for it in done if it.status == RefundStatus.SUCCEEDED), currency.upper())


def _decimals(currency: str) -> int:
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2
