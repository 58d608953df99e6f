"""Stripe's answers, in the shapes of its API, and its signed webhooks; what it would be asked."""

import hashlib
import hmac
import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from core.clock import now
from core.money import Money
from payments.errors import ProviderRefused, ProviderUnavailable
from payments.models import Payment
from payments.stripe import StripeProvider
from payments.stripe.shapes import from_stripe, to_stripe
from payments.types import PaymentRef, PaymentStatus, ProviderState, RefundStatus
from tests.payments.arranged import fresh, opened, told, unsaved, usd

SECRET = "whsec_of_the_tests"
URL = "/webhooks/payments/stripe/"


@dataclass
class Stripe:
    """Answers what it was told to, by method and path, the last of several again and again; remembers what it was asked."""

    url: str = ""
    answers: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, list[str]], str]] = field(default_factory=list)

    def on(self, what: str, *answers: tuple[int, Any]) -> None:
        """What to answer to ``what``."""
        self.answers[what] = list(answers)

    def take(self, what: str) -> tuple[int, Any]:
        """The next answer to ``what``."""
        waiting = self.answers[what]
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@pytest.fixture(autouse=True)
def _keys(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = "sk_test_of_the_tests"
    settings.STRIPE_WEBHOOK_SECRET = SECRET


@pytest.fixture
def stripe_api() -> Iterator[Stripe]:
    """Stripe, as far as a test says."""
    api = Stripe()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self._answer(parse_qs(body.decode()))

        def _answer(self, given: dict[str, list[str]]) -> None:
            what = f"{self.command} {urlsplit(self.path).path}"
            api.asked.append((what, given, self.headers.get("Idempotency-Key", "")))
            status, answer = api.take(what)
            body = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield api
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def provider(stripe_api: Stripe, settings: Settings) -> StripeProvider:
    """Our side of it."""
    settings.STRIPE_API_URL = stripe_api.url
    return StripeProvider()


def _intent(payment: PaymentRef, status: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "amount": to_stripe(payment.amount),
        "amount_received": to_stripe(payment.amount) if status == "succeeded" else 0,
        "currency": payment.amount.currency.lower(),
        "status": status,
        "metadata": {"payment_key": str(payment.key), "reference": payment.reference},
        "next_action": None,
        "last_payment_error": None,
        "latest_charge": "ch_1",
        **changes,
    }


def _error(kind: str, code: str = "", **more: Any) -> dict[str, Any]:
    return {"error": {"type": kind, "code": code, "message": "no", **more}}


def _none_found() -> tuple[int, Any]:
    return 200, {"object": "search_result", "data": [], "has_more": False}


def test_an_authorisation_is_asked_for_by_the_payments_key_and_taken_later(
    stripe_api: Stripe, provider: StripeProvider
) -> None:
    payment = unsaved(amount="49.95", method="pm_1")
    stripe_api.on("POST /v1/payment_intents", (200, _intent(payment, "requires_capture")))

    found = provider.authorise(payment, return_url="https://shop.example.com/", metadata={"order_number": "HB-1"})

    assert (found.state, found.provider_reference, found.amount) == (ProviderState.AUTHORISED, "pi_1", usd("49.95"))
    ((_what, given, key),) = stripe_api.asked
    assert key == str(payment.key)
    assert (given["amount"], given["currency"]) == (["4995"], ["usd"])
    assert (given["capture_method"], given["confirm"], given["payment_method"]) == (["manual"], ["true"], ["pm_1"])
    assert given["metadata[payment_key]"] == [str(payment.key)]
    assert given["metadata[order_number]"] == ["HB-1"]


def test_a_decline_is_an_answer(stripe_api: Stripe, provider: StripeProvider) -> None:
    payment = unsaved()
    intent = _intent(payment, "requires_payment_method")
    declined = _error("card_error", "card_declined", decline_code="insufficient_funds", payment_intent=intent)
    stripe_api.on("POST /v1/payment_intents", (402, declined))

    found = provider.authorise(payment, return_url="https://shop.example.com/", metadata={})

    assert (found.state, found.failure_code) == (ProviderState.DECLINED, "insufficient_funds")
    assert found.provider_reference == "pi_1"


def test_a_challenge_says_where_to_go(stripe_api: Stripe, provider: StripeProvider) -> None:
    payment = unsaved()
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://hooks.stripe.com/3ds"}}
    stripe_api.on("POST /v1/payment_intents", (200, _intent(payment, "requires_action", next_action=action)))

    found = provider.authorise(payment, return_url="https://shop.example.com/", metadata={})

    assert (found.state, found.next_action_url) == (ProviderState.ACTION_REQUIRED, "https://hooks.stripe.com/3ds")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, _error("api_error")),
        (429, _error("invalid_request_error", "rate_limit")),
        (401, _error("invalid_request_error")),
        (200, {"object": "payment_intent", "id": "pi_1"}),
    ],
)
def test_trouble_is_unknown(stripe_api: Stripe, provider: StripeProvider, status: int, body: Any) -> None:
    stripe_api.on("POST /v1/payment_intents", (status, body))

    with pytest.raises(ProviderUnavailable):
        provider.authorise(unsaved(), return_url="https://shop.example.com/", metadata={})


def test_a_state_that_says_neither_yes_nor_no_is_unknown(stripe_api: Stripe, provider: StripeProvider) -> None:
    payment = unsaved()
    stripe_api.on("POST /v1/payment_intents", (200, _intent(payment, "processing")))

    with pytest.raises(ProviderUnavailable):
        provider.authorise(payment, return_url="https://shop.example.com/", metadata={})


def test_nobody_there_is_unknown(settings: Settings) -> None:
    settings.STRIPE_API_URL = "http://127.0.0.1:9"

    with pytest.raises(ProviderUnavailable):
        StripeProvider().authorise(unsaved(), return_url="https://x.example.com/", metadata={})


def test_a_key_of_another_order_is_refused_by_name(stripe_api: Stripe, provider: StripeProvider) -> None:
    stripe_api.on("POST /v1/payment_intents", (400, _error("idempotency_error")))

    with pytest.raises(ProviderRefused) as refusal:
        provider.authorise(unsaved(), return_url="https://shop.example.com/", metadata={})

    assert refusal.value.failure_code == "key_reused"


def test_a_payment_is_found_by_its_key(stripe_api: Stripe, provider: StripeProvider) -> None:
    payment = unsaved()
    found = {"object": "search_result", "data": [_intent(payment, "succeeded")]}
    stripe_api.on("GET /v1/payment_intents/search", _none_found(), (200, found))
    stripe_api.on("GET /v1/payment_intents/pi_1", (200, _intent(payment, "succeeded")))

    before, after = provider.find_by_key(payment), provider.find_by_key(payment)

    assert before is None
    assert after is not None
    assert (after.state, after.captured) == (ProviderState.CAPTURED, payment.amount)


def _known(**changes: Any) -> PaymentRef:
    payment = unsaved()
    return PaymentRef(
        **{name: getattr(payment, name) for name in PaymentRef.__slots__} | {"provider_reference": "pi_1", **changes}
    )


@pytest.mark.parametrize(
    ("status", "is_refused"), [("succeeded", False), ("canceled", True), ("requires_action", True)]
)
def test_a_capture_refused_because_it_was_done_is_done(
    stripe_api: Stripe, provider: StripeProvider, status: str, is_refused: bool
) -> None:
    payment = _known()
    refusal = _error("invalid_request_error", "payment_intent_unexpected_state")
    stripe_api.on("POST /v1/payment_intents/pi_1/capture", (400, refusal))
    stripe_api.on("GET /v1/payment_intents/pi_1", (200, _intent(payment, status)))

    if is_refused:
        with pytest.raises(ProviderRefused):
            provider.capture(payment)
    else:
        assert provider.capture(payment).state == ProviderState.CAPTURED


def test_a_capture_that_the_bank_refuses_is_refused_for_good(stripe_api: Stripe, provider: StripeProvider) -> None:
    stripe_api.on("POST /v1/payment_intents/pi_1/capture", (402, _error("card_error", "card_declined")))

    with pytest.raises(ProviderRefused) as refusal:
        provider.capture(_known())

    assert refusal.value.failure_code == "card_declined"


@pytest.mark.parametrize("status", ["succeeded", "canceled"])
def test_a_void_that_comes_late_says_how_it_stands(stripe_api: Stripe, provider: StripeProvider, status: str) -> None:
    payment = _known()
    refusal = _error("invalid_request_error", "payment_intent_unexpected_state")
    stripe_api.on("POST /v1/payment_intents/pi_1/cancel", (400, refusal))
    stripe_api.on("GET /v1/payment_intents/pi_1", (200, _intent(payment, status)))

    found = provider.void(payment)

    assert found.state == {"succeeded": ProviderState.CAPTURED, "canceled": ProviderState.VOIDED}[status]


def test_a_void_of_what_has_not_arrived_takes_its_key(stripe_api: Stripe, provider: StripeProvider) -> None:
    payment = unsaved()
    stripe_api.on("GET /v1/payment_intents/search", _none_found())
    stripe_api.on("POST /v1/payment_intents", (200, _intent(payment, "requires_payment_method")))
    stripe_api.on("POST /v1/payment_intents/pi_1/cancel", (200, _intent(payment, "canceled")))

    assert provider.void(payment).state == ProviderState.VOIDED

    _search, (_what, given, key), _cancel = stripe_api.asked
    assert key == str(payment.key)
    assert "confirm" not in given


def test_a_void_of_what_arrived_just_now_comes_again_later(stripe_api: Stripe, provider: StripeProvider) -> None:
    stripe_api.on("GET /v1/payment_intents/search", _none_found())
    stripe_api.on("POST /v1/payment_intents", (400, _error("idempotency_error")))

    with pytest.raises(ProviderUnavailable):
        provider.void(unsaved())


def test_a_refund_made_before_is_found_and_not_made_again(stripe_api: Stripe, provider: StripeProvider) -> None:
    payment, key = _known(), uuid.uuid4()
    made = {
        "id": "re_1",
        "object": "refund",
        "status": "pending",
        "amount": 1000,
        "currency": "usd",
        "metadata": {"refund_key": str(key)},
    }
    listed = [(200, {"object": "list", "data": data, "has_more": False}) for data in ([], [made])]
    stripe_api.on("GET /v1/refunds", *listed)
    stripe_api.on("POST /v1/refunds", (200, made))

    first = provider.refund(payment, key=key, amount=usd("10.00"))
    second = provider.refund(payment, key=key, amount=usd("10.00"))

    assert first == second
    assert (first.status, first.provider_reference) == (RefundStatus.PENDING, "re_1")
    assert [what for what, _given, _key in stripe_api.asked].count("POST /v1/refunds") == 1


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("49.95", "USD", 4995), ("500", "JPY", 500), ("1.250", "KWD", 1250), ("500", "ISK", 50000), ("7.00", "MGA", 7)],
)
def test_amounts_are_counted_as_stripe_counts_them(amount: str, currency: str, minor: int) -> None:
    money = Money(Decimal(amount), currency)

    assert (to_stripe(money), from_stripe(minor, currency.lower())) == (minor, money)


def _signed(event: Any, *, secret: str = SECRET, at: datetime | None = None) -> tuple[int, dict[str, Any]]:
    body = json.dumps(event).encode()
    stamp = int((at or now()).timestamp())
    digest = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    headers = {"Stripe-Signature": f"t={stamp},v1={digest}"}
    answer = Client().post(URL, body, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def _event(intent: Any, kind: str) -> dict[str, Any]:
    return {"id": "evt_1", "object": "event", "type": kind, "data": {"object": intent}}


def _stripe_payment() -> PaymentRef:
    payment = opened()
    Payment.objects.filter(pk=payment.id).update(provider="stripe")
    return fresh(payment)


@pytest.mark.django_db
def test_a_signed_webhook_moves_the_payment_once() -> None:
    payment = _stripe_payment()
    event = _event(_intent(payment, "requires_capture"), "payment_intent.amount_capturable_updated")

    answers = [_signed(event) for _time in range(2)]

    assert answers == [(200, {"received": True}), (200, {"received": False})]
    assert (fresh(payment).status, told(payment)) == (PaymentStatus.AUTHORISED, ["payment.authorised"])


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["payment_intent.succeeded", "charge.refunded"])
def test_webhooks_about_what_is_not_ours_are_let_be(kind: str) -> None:
    intent = {**_intent(unsaved(), "succeeded"), "metadata": {}}

    assert _signed(_event(intent, kind)) == (200, {"received": False})


@pytest.mark.django_db
def test_a_wrong_signature_an_old_one_and_other_money_are_refused() -> None:
    payment = _stripe_payment()
    event = _event(_intent(payment, "succeeded"), "payment_intent.succeeded")
    dearer = _event(_intent(payment, "succeeded", amount=1), "payment_intent.succeeded")

    codes = [
        _signed(event, secret="whsec_of_somebody_else")[1]["code"],
        _signed(event, at=now() - timedelta(minutes=6))[1]["code"],
        _signed(dearer)[1]["code"],
    ]

    assert codes == ["webhook_refused", "webhook_too_old", "webhook_amount_mismatch"]
    assert fresh(payment) == payment


@pytest.mark.django_db
def test_one_provider_can_not_speak_of_anothers_payment() -> None:
    payment = opened()  # at the simulated one

    status, problem = _signed(_event(_intent(payment, "succeeded"), "payment_intent.succeeded"))

    assert (status, problem["code"]) == (404, "payment_not_found")
    assert fresh(payment) == payment


@pytest.mark.django_db
def test_a_shop_without_stripe_believes_no_webhook(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = settings.STRIPE_WEBHOOK_SECRET = ""
    event = _event(_intent(unsaved(), "succeeded"), "payment_intent.succeeded")

    status, problem = _signed(event, secret="")

    assert (status, problem["code"]) == (400, "webhook_refused")
