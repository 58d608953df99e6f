"""Everything the shop asks of Stripe is asked in the shape that Stripe describes, and what it answers is understood."""

import uuid
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from pytest_django import Settings

from core.clock import now
from payments.stripe.provider import StripeProvider
from payments.types import PaymentRef, ProviderState, RefundStatus
from tests.payments.arranged import unsaved, usd
from tests.servers.stripe_api import stripe_keys
from tests.servers.stripe_mock import StripeMock, running_stripe_mock

pytestmark = [pytest.mark.servers, pytest.mark.xdist_group("stripe-mock")]


@pytest.fixture(scope="module")
def _running() -> Iterator[StripeMock]:
    with running_stripe_mock() as mock:
        yield mock


@pytest.fixture
def mock(_running: StripeMock, settings: Settings) -> Iterator[StripeMock]:
    """Stripe's mock, which the shop speaks to."""
    _running.asked.clear()
    _running.over.clear()
    with stripe_keys(settings, api_url=_running.url):
        yield _running


@pytest.fixture
def provider(mock: StripeMock) -> StripeProvider:
    """Our side of it."""
    return StripeProvider()


def known(mock: StripeMock, status: str, *, amount: str = "10.99") -> PaymentRef:
    """A payment that the mock's answers are about; it stands at ``status`` there. 10.99 is what the mock's fixtures are of."""
    payment = replace(unsaved(amount=amount, method="pm_card_visa"), provider_reference="pi_1")
    names = {"payment_key": str(payment.key), "reference": payment.reference}
    mock.over["payment_intent"] = {"status": status, "metadata": names}
    return payment


def test_an_authorisation(mock: StripeMock, provider: StripeProvider) -> None:
    payment = known(mock, "requires_capture", amount="49.95")

    found = provider.authorise(
        payment, return_url="https://shop.example.com/orders/HB-1/", metadata={"order_number": payment.reference}
    )

    assert mock.asked == [("POST /v1/payment_intents", 200)]
    assert (found.key, found.state, found.amount) == (payment.key, ProviderState.AUTHORISED, usd("49.95"))


def test_a_capture(mock: StripeMock, provider: StripeProvider) -> None:
    payment = known(mock, "succeeded")

    found = provider.capture(payment)

    assert mock.asked == [("POST /v1/payment_intents/pi_1/capture", 200)]
    assert (found.state, found.amount) == (ProviderState.CAPTURED, payment.amount)


def test_a_void(mock: StripeMock, provider: StripeProvider) -> None:
    found = provider.void(known(mock, "canceled"))

    assert mock.asked == [("POST /v1/payment_intents/pi_1/cancel", 200)]
    assert found.state == ProviderState.VOIDED


def test_a_payment_in_the_place_of_one_that_has_not_arrived(mock: StripeMock, provider: StripeProvider) -> None:
    made = provider._make_in_its_place(known(mock, "requires_payment_method"))

    assert mock.asked == [("POST /v1/payment_intents", 200)]
    assert made.startswith("pi_")


def test_a_refund(mock: StripeMock, provider: StripeProvider) -> None:
    key = uuid.uuid4()

    made = provider.refund(known(mock, "succeeded"), key=key, amount=usd("1.00"))

    assert mock.asked == [("GET /v1/refunds", 200), ("POST /v1/refunds", 200)]
    assert (made.key, made.status, made.amount) == (key, RefundStatus.SUCCEEDED, usd("1.00"))
    assert (made.provider_reference[:3], made.payment_reference) == ("re_", "pi_1")


def test_a_look_up_by_key_and_one_by_stripes_own_name(mock: StripeMock, provider: StripeProvider) -> None:
    payment = known(mock, "requires_capture")

    found = [provider.find_by_key(payment), provider.find_by_key(replace(payment, provider_reference=""))]

    searched = "pi_1PgafyB7WZ01zgkWSjxsAJo3"  # the one that the mock finds
    assert [it and it.key for it in found] == [payment.key, payment.key]
    assert mock.asked == [
        ("GET /v1/payment_intents/pi_1", 200),
        ("GET /v1/payment_intents/search", 200),
        (f"GET /v1/payment_intents/{searched}", 200),
    ]


def test_a_list_with_its_charges_and_their_refunds(mock: StripeMock, provider: StripeProvider) -> None:
    payment = known(mock, "succeeded")

    (found,) = provider.list_payments(since=now())

    assert mock.asked == [("GET /v1/payment_intents", 200)]
    assert (found.key, found.state, found.refunded) == (payment.key, ProviderState.CAPTURED, usd("1.00"))


def test_what_stripe_does_not_describe_is_refused(mock: StripeMock) -> None:
    """Else all of the above would prove nothing."""
    unknown = {"amount": "100", "currency": "usd", "capture_mode": "manual"}
    headers = {"Authorization": "Bearer sk_test_123"}

    answers = [
        httpx.post(f"{mock.url}/v1/{what}", data=given, headers=headers, trust_env=False).status_code
        for what, given in (
            ("payment_intents", unknown),
            ("payment_intents", {"currency": "usd"}),
            ("payment_intents/pi_1/capture", {"amount": "all"}),
            ("refunds", {"sum": "1"}),
            ("payments", {}),
        )
    ]

    assert answers == [400, 400, 400, 400, 404]
