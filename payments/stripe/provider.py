"""Stripe, through its own SDK: PaymentIntents that are captured by hand, known by the payment's key in their metadata.

Card data never comes here: ``method`` is a token that Stripe's own script made in the shopper's browser.
"""

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import stripe
from django.conf import settings
from django.utils.translation import gettext as _

from core.money import Money
from payments.errors import ProviderRefused, ProviderUnavailable
from payments.stripe import webhooks
from payments.stripe.shapes import KEY, REFERENCE, REFUND_KEY, metadata_of, payment_of, refund_of, to_stripe
from payments.types import PaymentRef, ProviderNotice, ProviderPayment, ProviderRefund, ProviderState

logger = logging.getLogger(__name__)
PAGE = 100  # the most that Stripe lists at once


class StripeProvider:
    """Speaks to Stripe."""

    name = "stripe"

    def __init__(self) -> None:
        # One request, no retries of the SDK's own: two, where a search comes first, still keep to the time-out.
        self._stripe = _client(reading=0.35)
        self._lists = _client(reading=0.85)  # a page of a hundred payments takes its time, and is asked for alone

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
        return payment_of(made)

    def capture(self, payment: PaymentRef) -> ProviderPayment:
        """See `payments.types.Provider`. What was captured can not be again: that needs no key, which would repeat a 500 too."""
        intent = self._known_id(payment)
        try:
            return payment_of(_ask(lambda: self._stripe.v1.payment_intents.capture(intent)))
        except stripe.CardError as refusal:
            raise _refused(refusal) from refusal
        except ProviderRefused:
            return self._state_or_refusal(intent, ProviderState.CAPTURED)

    def void(self, payment: PaymentRef) -> ProviderPayment:
        """See `payments.types.Provider`. One that has not arrived is made in its place, so that its key is taken."""
        intent = payment.provider_reference or self._searched_id(payment) or self._make_in_its_place(payment)
        try:
            return payment_of(_ask(lambda: self._stripe.v1.payment_intents.cancel(intent)))
        except ProviderRefused:
            return self._state_or_refusal(intent, ProviderState.VOIDED, ProviderState.CAPTURED, ProviderState.DECLINED)

    def refund(self, payment: PaymentRef, *, key: uuid.UUID, amount: Money) -> ProviderRefund:
        """See `payments.types.Provider`. Stripe forgets keys after a day: a refund made earlier is found by its metadata."""
        intent = self._known_id(payment)
        for known in _ask(lambda: self._stripe.v1.refunds.list({"payment_intent": intent, "limit": 100}))["data"]:
            if metadata_of(known).get(REFUND_KEY) == str(key):
                return replace(refund_of(known), key=key)
        params: Any = {
            "payment_intent": intent,
            "amount": to_stripe(amount),
            "metadata": {REFUND_KEY: str(key)},
        }
        try:
            made = _ask(lambda: self._stripe.v1.refunds.create(params, {"idempotency_key": str(key)}))
        except stripe.CardError as refusal:
            raise _refused(refusal) from refusal
        return replace(refund_of(made), key=key)

    def find_by_key(self, payment: PaymentRef) -> ProviderPayment | None:
        """See `payments.types.Provider`. Stripe's search lags by up to a minute: until the deadline "none" may still change."""
        intent = payment.provider_reference or self._searched_id(payment)
        return None if not intent else payment_of(_ask(lambda: self._stripe.v1.payment_intents.retrieve(intent)))

    def list_payments(self, *, since: datetime) -> Iterator[ProviderPayment]:
        """See `payments.types.Provider`. The newest first."""
        asked: dict[str, Any] = {
            "limit": PAGE,
            "created": {"gte": max(int(since.timestamp()), 0)},
            "expand": ["data.latest_charge.refunds"],
        }
        while True:
            page = self._listed(asked)
            listed = page.get("data") or []
            yield from _ours(listed)
            if not listed or not page.get("has_more"):
                return
            asked["starting_after"] = listed[-1]["id"]

    def parse_webhook(self, *, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderNotice | None:
        """See `payments.types.Provider`."""
        return webhooks.parse(body=body, header=headers.get(webhooks.SIGNATURE_HEADER, ""), now=now)

    def _listed(self, asked: Any) -> dict[str, Any]:
        return _ask(lambda: self._lists.v1.payment_intents.list(asked))

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
        found = payment_of(_ask(lambda: self._stripe.v1.payment_intents.retrieve(intent)))
        if found.state not in wanted:
            raise ProviderRefused(
                _("The payment is %(state)s at Stripe.") % {"state": found.state},
                params={"failure_code": "unexpected_state"},
            )
        return found


def _client(*, reading: float) -> stripe.StripeClient:
    """A connection whose requests take at most a tenth of the time-out to connect, and that part of it to be answered."""
    seconds = settings.PAYMENT_PROVIDER_TIMEOUT.total_seconds()
    return stripe.StripeClient(
        settings.STRIPE_SECRET_KEY,
        http_client=stripe.RequestsClient(timeout=(seconds * 0.1, seconds * reading)),
        max_network_retries=0,
        base_addresses={"api": settings.STRIPE_API_URL} if settings.STRIPE_API_URL else {},
    )


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


def _ours(intents: list[dict[str, Any]]) -> Iterator[ProviderPayment]:
    """Those that carry the shop's metadata. One that says neither yes nor no is passed over, and logged."""
    for intent in intents:
        if KEY in metadata_of(intent):
            try:
                yield payment_of(intent)
            except ProviderUnavailable as problem:
                logger.warning("Stripe lists %s: %s", intent.get("id"), problem.detail)
