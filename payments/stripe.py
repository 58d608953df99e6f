"""Stripe, through its own SDK: PaymentIntents that are captured by hand, known by the payment's key in their metadata.

Card data never comes here: ``method`` is a token that Stripe's own script made in the shopper's browser.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import stripe
from django.conf import settings
from django.utils.translation import gettext as _

from core.money import Money
from payments.errors import ProviderRefused, ProviderUnavailable, WebhookRefused, WebhookTooOld
from payments.types import PaymentRef, ProviderNotice, ProviderPayment, ProviderRefund, ProviderState, RefundStatus

SIGNATURE_HEADER = "Stripe-Signature"
SIGNATURE_LIFETIME = timedelta(minutes=5)
KEY, REFERENCE = "payment_key", "reference"
STATES = {
    "requires_action": ProviderState.ACTION_REQUIRED,
    "requires_capture": ProviderState.AUTHORISED,
    "succeeded": ProviderState.CAPTURED,
    "canceled": ProviderState.VOIDED,
    # It is confirmed as it is made: back at the start, it was declined, or its challenge failed.
    "requires_payment_method": ProviderState.DECLINED,
}
REFUNDS = {"succeeded": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}
EVENTS = frozenset(
    {
        "payment_intent.requires_action",
        "payment_intent.amount_capturable_updated",
        "payment_intent.succeeded",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
    }
)
# Stripe's own list of decimals, which differs from ISO 4217 for ISK, UGX and MGA.
NO_DECIMALS = frozenset(
    ("BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF")
)
THREE_DECIMALS = frozenset(("BHD", "JOD", "KWD", "OMR", "TND"))


class StripeProvider:
    """Speaks to Stripe."""

    name = "stripe"

    def __init__(self, api_url: str = "") -> None:
        seconds = settings.PAYMENT_PROVIDER_TIMEOUT.total_seconds()
        # One request, no retries of the SDK's own: two, where a search comes first, still keep to the time-out.
        client = stripe.RequestsClient(timeout=(seconds * 0.1, seconds * 0.35))
        self._stripe = stripe.StripeClient(
            settings.STRIPE_SECRET_KEY,
            http_client=client,
            max_network_retries=0,
            base_addresses={"api": api_url} if api_url else {},
        )

    def authorise(self, payment: PaymentRef, *, return_url: str, metadata: Mapping[str, str]) -> ProviderPayment:
        """See `payments.types.Provider`."""
        params: Any = {
            "amount": to_stripe(payment.amount),
            "currency": payment.amount.currency.lower(),
            "capture_method": "manual",
            "payment_method": payment.method,
            "payment_method_types": ["card"],
            "confirm": True,
            "return_url": return_url,
            "metadata": {**metadata, **_names(payment)},
        }
        try:
            made = _ask(lambda: self._stripe.v1.payment_intents.create(params, {"idempotency_key": str(payment.key)}))
        except stripe.CardError as decline:
            return _declined(payment, decline)
        return _payment(made)

    def capture(self, payment: PaymentRef) -> ProviderPayment:
        """See `payments.types.Provider`. What was captured can not be again: that needs no key, which would repeat a 500 too."""
        intent = self._known_id(payment)
        try:
            return _payment(_ask(lambda: self._stripe.v1.payment_intents.capture(intent)))
        except stripe.CardError as refusal:
            raise _refused(refusal) from refusal
        except ProviderRefused:
            return self._state_or_refusal(intent, ProviderState.CAPTURED)

    def void(self, payment: PaymentRef) -> ProviderPayment:
        """See `payments.types.Provider`. One that has not arrived is made in its place, so that its key is taken."""
        intent = payment.provider_reference or self._searched_id(payment) or self._make_in_its_place(payment)
        try:
            return _payment(_ask(lambda: self._stripe.v1.payment_intents.cancel(intent)))
        except ProviderRefused:
            return self._state_or_refusal(intent, ProviderState.VOIDED, ProviderState.CAPTURED, ProviderState.DECLINED)

    def refund(self, payment: PaymentRef, *, key: uuid.UUID, amount: Money) -> ProviderRefund:
        """See `payments.types.Provider`. Stripe forgets keys after a day: a refund made earlier is found by its metadata."""
        intent = self._known_id(payment)
        for known in _ask(lambda: self._stripe.v1.refunds.list({"payment_intent": intent, "limit": 100}))["data"]:
            if (known.get("metadata") or {}).get("refund_key") == str(key):
                return _refund(known, key)
        params: Any = {
            "payment_intent": intent,
            "amount": to_stripe(amount),
            "metadata": {"refund_key": str(key)},
        }
        try:
            made = _ask(lambda: self._stripe.v1.refunds.create(params, {"idempotency_key": str(key)}))
        except stripe.CardError as refusal:
            raise _refused(refusal) from refusal
        return _refund(made, key)

    def find_by_key(self, payment: PaymentRef) -> ProviderPayment | None:
        """See `payments.types.Provider`. Stripe's search lags by up to a minute: until the deadline "none" may still change."""
        intent = payment.provider_reference or self._searched_id(payment)
        return None if not intent else _payment(_ask(lambda: self._stripe.v1.payment_intents.retrieve(intent)))

    def parse_webhook(self, *, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderNotice | None:
        """See `payments.types.Provider`."""
        _check_signature(body, headers.get(SIGNATURE_HEADER, ""), now=now)
        try:
            event = json.loads(body)
            if event["type"] not in EVENTS or KEY not in event["data"]["object"].get("metadata", {}):
                return None
            return ProviderNotice(
                event_id=str(event["id"])[:100],
                type=str(event["type"])[:100],
                payment=_payment(event["data"]["object"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, ProviderUnavailable) as problem:
            raise WebhookRefused(_("This webhook makes no sense.")) from problem

    def _known_id(self, payment: PaymentRef) -> str:
        found = payment.provider_reference or self._searched_id(payment)
        if not found:
            raise ProviderRefused(_("Stripe has no such payment."), params={"failure_code": "not_found"})
        return found

    def _searched_id(self, payment: PaymentRef) -> str:
        query: Any = {"query": f"metadata['{KEY}']:'{payment.key}'", "limit": 1}
        found = _ask(lambda: self._stripe.v1.payment_intents.search(query))["data"]
        return str(found[0]["id"]) if found else ""

    def _make_in_its_place(self, payment: PaymentRef) -> str:
        """A payment that is never confirmed, under the key of one that may be on its way: whichever comes second is refused."""
        params: Any = {
            "amount": to_stripe(payment.amount),
            "currency": payment.amount.currency.lower(),
            "capture_method": "manual",
            "payment_method_types": ["card"],
            "metadata": _names(payment),
        }
        try:
            made = _ask(lambda: self._stripe.v1.payment_intents.create(params, {"idempotency_key": str(payment.key)}))
        except ProviderRefused as refusal:
            # It had arrived, and the search does not know it yet: come again later.
            raise ProviderUnavailable(refusal.detail) from refusal
        return str(made["id"])

    def _state_or_refusal(self, intent: str, *wanted: ProviderState) -> ProviderPayment:
        """The payment, if it is where it should be though the request was refused: an earlier one took effect."""
        found = _payment(_ask(lambda: self._stripe.v1.payment_intents.retrieve(intent)))
        if found.state not in wanted:
            raise ProviderRefused(
                _("The payment is %(state)s at Stripe.") % {"state": found.state},
                params={"failure_code": "unexpected_state"},
            )
        return found


def to_stripe(money: Money) -> int:
    """An amount as Stripe counts it."""
    return int(money.amount.scaleb(_decimals(money.currency)))


def from_stripe(amount: int, currency: str) -> Money:
    """An amount as Stripe counted it."""
    code = currency.upper()
    return Money(Decimal(amount).scaleb(-_decimals(code)), code)


def _decimals(currency: str) -> int:
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def _names(payment: PaymentRef) -> dict[str, str]:
    return {KEY: str(payment.key), REFERENCE: payment.reference}


def _ask(call: Callable[[], stripe.StripeObject]) -> dict[str, Any]:
    """Call Stripe. Declines go on as they are; what is refused for good, and what is not known, as our own errors."""
    try:
        return call().to_dict()
    except stripe.CardError:
        raise
    except stripe.IdempotencyError as problem:
        detail = _("The key came with another request.")
        raise ProviderRefused(detail, params={"failure_code": "key_reused"}) from problem
    except stripe.InvalidRequestError as problem:
        raise _refused(problem) from problem
    except stripe.StripeError as problem:
        raise ProviderUnavailable(f"{type(problem).__name__}: {problem}") from problem


def _refused(problem: stripe.StripeError) -> ProviderRefused:
    code = str(getattr(problem, "decline_code", "") or problem.code or "invalid_request")
    return ProviderRefused(
        _("The payment provider refused: %(code)s.") % {"code": code}, params={"failure_code": code[:50]}
    )


def _declined(payment: PaymentRef, decline: stripe.CardError) -> ProviderPayment:
    error = (decline.json_body or {}).get("error", {}) if isinstance(decline.json_body, dict) else {}
    return ProviderPayment(
        key=payment.key,
        reference=payment.reference,
        provider_reference=str(error.get("payment_intent", {}).get("id", "")),
        state=ProviderState.DECLINED,
        amount=payment.amount,
        captured=Money.zero(payment.amount.currency),
        refunded=Money.zero(payment.amount.currency),
        failure_code=str(error.get("decline_code") or error.get("code") or "card_declined")[:50],
    )


def _payment(intent: Mapping[str, Any]) -> ProviderPayment:
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
            # What went back is known by its refunds, which the shop asks about one by one.
            refunded=Money.zero(currency.upper()),
            failure_code=str(error.get("decline_code") or error.get("code") or "")[:50],
            next_action_url=str(redirect.get("url") or "")[:500],
        )
    except (KeyError, ValueError, TypeError, AttributeError) as problem:
        raise ProviderUnavailable(f"an answer that is no payment: {problem!r}") from problem


def _refund(found: Mapping[str, Any], key: uuid.UUID) -> ProviderRefund:
    return ProviderRefund(
        key=key,
        provider_reference=str(found["id"]),
        status=REFUNDS.get(str(found["status"]), RefundStatus.PENDING),
        amount=from_stripe(int(found["amount"]), str(found["currency"])),
    )


def _check_signature(body: bytes, header: str, *, now: datetime) -> None:
    secret = settings.STRIPE_WEBHOOK_SECRET
    try:
        if not secret:
            raise ValueError("no secret")
        stripe.WebhookSignature.verify_header(body.decode(), header, secret, None)
        stamp = next(part[2:] for part in header.split(",") if part.startswith("t="))
        at = datetime.fromtimestamp(int(stamp), UTC)
    except (stripe.SignatureVerificationError, ValueError, OverflowError, OSError, StopIteration) as problem:
        raise WebhookRefused(_("The signature of this webhook is not right.")) from problem
    if abs(now - at) > SIGNATURE_LIFETIME:
        raise WebhookTooOld(_("The signature of this webhook is too old."))
