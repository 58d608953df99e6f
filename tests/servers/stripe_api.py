"""Stripe's API as far as a test says, in the shapes of the real one; and its webhooks, signed."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from pytest_django import Settings

from core.clock import now
from core.money import Money
from payments import providers
from payments.stripe.shapes import to_stripe
from payments.types import PaymentRef
from tests.servers.stand_in import Answer, Asked, standing_in

WEBHOOK_SECRET = "whsec_of_the_tests"
WEBHOOKS = "/webhooks/payments/stripe/"
Said = tuple[int, Any]


@dataclass
class StripeApi:
    """Answers what it was told to, by method and path, the last of several again and again; remembers what it was asked."""

    url: str = ""
    answers: dict[str, list[Said | Callable[[dict[str, list[str]]], Said]]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)

    def on(self, what: str, *answers: Said | Callable[[dict[str, list[str]]], Said]) -> None:
        """What to answer to ``what``; or what makes the answer out of what was given."""
        self.answers[what] = list(answers)

    def take(self, asked: Asked) -> Answer:
        """The next answer."""
        key = asked.headers.get("Idempotency-Key", "")
        self.asked.append((asked.what, asked.given, key))
        waiting = self.answers.get(asked.what, [(404, error("invalid_request_error", "resource_missing"))])
        found = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        status, said = found(asked.given) if callable(found) else found
        return Answer(json.dumps(said), status)


@contextmanager
def stripe_api() -> Iterator[StripeApi]:
    """One that has been told nothing yet: it knows nothing."""
    api = StripeApi()
    with standing_in(api.take) as port:
        api.url = f"http://127.0.0.1:{port}"
        yield api


@contextmanager
def stripe_keys(settings: Settings, *, api_url: str = "http://127.0.0.1:9") -> Iterator[None]:
    """A shop that takes its payments through Stripe, whose API is at ``api_url``; nobody is there unless given."""
    settings.PAYMENT_PROVIDER = "payments.stripe.provider.StripeProvider"
    settings.STRIPE_SECRET_KEY = "sk_test_123"
    settings.STRIPE_PUBLISHABLE_KEY = "pk_test_of_the_tests"
    settings.STRIPE_WEBHOOK_SECRET = WEBHOOK_SECRET
    settings.STRIPE_API_URL = api_url
    providers._made.cache_clear()  # a process keeps its provider, with the keys that it was made with
    try:
        yield
    finally:
        providers._made.cache_clear()


def error(kind: str, code: str = "", **more: Any) -> dict[str, Any]:
    """A refusal."""
    return {"error": {"type": kind, "code": code, "message": "no", **more}}


def page(kind: str, *found: dict[str, Any], has_more: bool = False) -> Said:
    """A page of a list or of a search."""
    return 200, {"object": kind, "data": list(found), "has_more": has_more}


def intent(payment: PaymentRef, status: str, **changes: Any) -> dict[str, Any]:
    """A PaymentIntent."""
    taken = to_stripe(payment.amount) if status == "succeeded" else 0
    return {
        "id": payment.provider_reference or "pi_1",
        "object": "payment_intent",
        "amount": to_stripe(payment.amount),
        "amount_capturable": to_stripe(payment.amount) if status == "requires_capture" else 0,
        "amount_received": taken,
        "capture_method": "manual",
        "currency": payment.amount.currency.lower(),
        "status": status,
        "metadata": {"payment_key": str(payment.key), "reference": payment.reference},
        "next_action": None,
        "last_payment_error": None,
        "latest_charge": "ch_1",
        "payment_method_types": ["card"],
        **changes,
    }


def as_asked(given: dict[str, list[str]]) -> Said:
    """The PaymentIntent that somebody asks for: pm_declined is declined, the bank asks about pm_asks, any other is authorised."""
    card = given["payment_method"][0]
    made: dict[str, Any] = {
        "id": f"pi_{given['metadata[payment_key]'][0]}",
        "object": "payment_intent",
        "amount": int(given["amount"][0]),
        "amount_received": 0,
        "currency": given["currency"][0],
        "status": "requires_capture",
        "metadata": {name: given[f"metadata[{name}]"][0] for name in ("payment_key", "reference")},
    }
    if card == "pm_declined":
        made["status"] = "requires_payment_method"
        return 402, error("card_error", "card_declined", decline_code="generic_decline", payment_intent=made)
    if card == "pm_asks":
        back = quote(given["return_url"][0], safe="")
        address = f"https://hooks.stripe.com/redirect/authenticate/src_1?payment={made['id']}&return_url={back}"
        made |= {
            "status": "requires_action",
            "next_action": {"type": "redirect_to_url", "redirect_to_url": {"url": address}},
        }
    return 200, made


def charge(payment: PaymentRef, given_back: Money, **changes: Any) -> dict[str, Any]:
    """The Charge of a captured PaymentIntent."""
    return {
        "id": "ch_1",
        "object": "charge",
        "amount": to_stripe(payment.amount),
        "amount_captured": to_stripe(payment.amount),
        "amount_refunded": to_stripe(given_back),
        "captured": True,
        "currency": payment.amount.currency.lower(),
        "metadata": {"payment_key": str(payment.key), "reference": payment.reference},
        "paid": True,
        "payment_intent": payment.provider_reference,
        "refunded": given_back == payment.amount,
        "status": "succeeded",
        **changes,
    }


def refund(payment: PaymentRef, amount: Money, status: str, *, key: uuid.UUID | None, **changes: Any) -> dict[str, Any]:
    """A Refund; without ``key``, one that somebody made in the dashboard."""
    return {
        "id": "re_1",
        "object": "refund",
        "amount": to_stripe(amount),
        "charge": "ch_1",
        "currency": amount.currency.lower(),
        "metadata": {"refund_key": str(key)} if key else {},
        "payment_intent": payment.provider_reference,
        "reason": None if key else "requested_by_customer",
        "status": status,
        **({"failure_reason": "lost_or_stolen_card"} if status == "failed" else {}),
        **changes,
    }


def event(kind: str, about: Any, *, id: str = "") -> dict[str, Any]:  # noqa: A002 - Stripe calls it so
    """What a webhook carries."""
    return {
        "id": id or f"evt_{uuid.uuid4().hex}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "livemode": False,
        "type": kind,
        "data": {"object": about},
    }


def signature(body: bytes, *, secret: str = WEBHOOK_SECRET, at: datetime | None = None) -> dict[str, str]:
    """The header with which Stripe would have sent ``body``."""
    stamp = int((at or now()).timestamp())
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Stripe-Signature": f"t={stamp},v1={digest}"}
