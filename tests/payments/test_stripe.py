"""Stripe's answers, in the shapes of its API, and what it is asked."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from core.clock import now
from core.money import Money
from payments.errors import ProviderRefused, ProviderUnavailable
from payments.stripe.provider import StripeProvider
from payments.stripe.shapes import from_stripe, to_stripe
from payments.types import PaymentRef, ProviderPayment, ProviderState, RefundStatus
from tests.payments.arranged import unsaved, usd
from tests.servers.stripe_api import StripeApi, charge, error, intent, page, refund


@pytest.fixture
def provider(api: StripeApi) -> StripeProvider:
    """Our side of it."""
    return StripeProvider()


def test_an_authorisation_is_asked_for_by_the_payments_key_and_taken_later(
    api: StripeApi, provider: StripeProvider
) -> None:
    payment = unsaved(amount="49.95", method="pm_1")
    api.on("POST /v1/payment_intents", (200, intent(payment, "requires_capture")))

    found = provider.authorise(payment, return_url="https://shop.example.com/", metadata={"order_number": "HB-1"})

    assert (found.state, found.provider_reference, found.amount) == (ProviderState.AUTHORISED, "pi_1", usd("49.95"))
    ((_what, given, key),) = api.asked
    assert key == str(payment.key)
    assert (given["amount"], given["currency"]) == (["4995"], ["usd"])
    assert (given["capture_method"], given["confirm"], given["payment_method"]) == (["manual"], ["true"], ["pm_1"])
    assert given["metadata[payment_key]"] == [str(payment.key)]
    assert given["metadata[order_number]"] == ["HB-1"]


def test_a_decline_is_an_answer(api: StripeApi, provider: StripeProvider) -> None:
    payment = unsaved()
    made = intent(payment, "requires_payment_method")
    declined = error("card_error", "card_declined", decline_code="insufficient_funds", payment_intent=made)
    api.on("POST /v1/payment_intents", (402, declined))

    found = provider.authorise(payment, return_url="https://shop.example.com/", metadata={})

    assert (found.state, found.failure_code) == (ProviderState.DECLINED, "insufficient_funds")
    assert found.provider_reference == "pi_1"


def test_a_challenge_says_where_to_go(api: StripeApi, provider: StripeProvider) -> None:
    payment = unsaved()
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://hooks.stripe.com/3ds"}}
    api.on("POST /v1/payment_intents", (200, intent(payment, "requires_action", next_action=action)))

    found = provider.authorise(payment, return_url="https://shop.example.com/", metadata={})

    assert (found.state, found.next_action_url) == (ProviderState.ACTION_REQUIRED, "https://hooks.stripe.com/3ds")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, error("api_error")),
        (429, error("invalid_request_error", "rate_limit")),
        (401, error("invalid_request_error")),
        (200, {"object": "payment_intent", "id": "pi_1"}),
    ],
)
def test_trouble_is_unknown(api: StripeApi, provider: StripeProvider, status: int, body: Any) -> None:
    api.on("POST /v1/payment_intents", (status, body))

    with pytest.raises(ProviderUnavailable):
        provider.authorise(unsaved(), return_url="https://shop.example.com/", metadata={})


def test_a_state_that_says_neither_yes_nor_no_is_unknown(api: StripeApi, provider: StripeProvider) -> None:
    payment = unsaved()
    api.on("POST /v1/payment_intents", (200, intent(payment, "processing")))

    with pytest.raises(ProviderUnavailable):
        provider.authorise(payment, return_url="https://shop.example.com/", metadata={})


@pytest.mark.usefixtures("keys")
def test_nobody_there_is_unknown() -> None:
    with pytest.raises(ProviderUnavailable):
        StripeProvider().authorise(unsaved(), return_url="https://x.example.com/", metadata={})


def test_a_key_of_another_order_is_refused_by_name(api: StripeApi, provider: StripeProvider) -> None:
    api.on("POST /v1/payment_intents", (400, error("idempotency_error")))

    with pytest.raises(ProviderRefused) as refusal:
        provider.authorise(unsaved(), return_url="https://shop.example.com/", metadata={})

    assert refusal.value.failure_code == "key_reused"


def test_a_payment_is_found_by_its_key(api: StripeApi, provider: StripeProvider) -> None:
    payment = unsaved()
    found = page("search_result", intent(payment, "succeeded"))
    api.on("GET /v1/payment_intents/search", page("search_result"), found)
    api.on("GET /v1/payment_intents/pi_1", (200, intent(payment, "succeeded")))

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
    api: StripeApi, provider: StripeProvider, status: str, is_refused: bool
) -> None:
    payment = _known()
    refusal = error("invalid_request_error", "payment_intent_unexpected_state")
    api.on("POST /v1/payment_intents/pi_1/capture", (400, refusal))
    api.on("GET /v1/payment_intents/pi_1", (200, intent(payment, status)))

    if is_refused:
        with pytest.raises(ProviderRefused):
            provider.capture(payment)
    else:
        assert provider.capture(payment).state == ProviderState.CAPTURED


def test_a_capture_that_the_bank_refuses_is_refused_for_good(api: StripeApi, provider: StripeProvider) -> None:
    api.on("POST /v1/payment_intents/pi_1/capture", (402, error("card_error", "card_declined")))

    with pytest.raises(ProviderRefused) as refusal:
        provider.capture(_known())

    assert refusal.value.failure_code == "card_declined"


@pytest.mark.parametrize("status", ["succeeded", "canceled"])
def test_a_void_that_comes_late_says_how_it_stands(api: StripeApi, provider: StripeProvider, status: str) -> None:
    payment = _known()
    refusal = error("invalid_request_error", "payment_intent_unexpected_state")
    api.on("POST /v1/payment_intents/pi_1/cancel", (400, refusal))
    api.on("GET /v1/payment_intents/pi_1", (200, intent(payment, status)))

    found = provider.void(payment)

    assert found.state == {"succeeded": ProviderState.CAPTURED, "canceled": ProviderState.VOIDED}[status]


def test_a_void_of_what_has_not_arrived_takes_its_key(api: StripeApi, provider: StripeProvider) -> None:
    payment = unsaved()
    api.on("GET /v1/payment_intents/search", page("search_result"))
    api.on("POST /v1/payment_intents", (200, intent(payment, "requires_payment_method")))
    api.on("POST /v1/payment_intents/pi_1/cancel", (200, intent(payment, "canceled")))

    assert provider.void(payment).state == ProviderState.VOIDED

    _search, (_what, given, key), _cancel = api.asked
    assert key == str(payment.key)
    assert "confirm" not in given


def test_a_void_of_what_arrived_just_now_comes_again_later(api: StripeApi, provider: StripeProvider) -> None:
    api.on("GET /v1/payment_intents/search", page("search_result"))
    api.on("POST /v1/payment_intents", (400, error("idempotency_error")))

    with pytest.raises(ProviderUnavailable):
        provider.void(unsaved())


def test_a_refund_made_before_is_found_and_not_made_again(api: StripeApi, provider: StripeProvider) -> None:
    payment, key = _known(), uuid.uuid4()
    made = refund(payment, usd("10.00"), "pending", key=key)
    api.on("GET /v1/refunds", page("list"), page("list", made))
    api.on("POST /v1/refunds", (200, made))

    first = provider.refund(payment, key=key, amount=usd("10.00"))
    second = provider.refund(payment, key=key, amount=usd("10.00"))

    assert first == second
    assert (first.status, first.provider_reference) == (RefundStatus.PENDING, "re_1")
    assert [what for what, _given, _key in api.asked].count("POST /v1/refunds") == 1


def _listed(payment: PaymentRef, *refunds: Any, status: str = "succeeded", **changes: Any) -> dict[str, Any]:
    """A PaymentIntent as it is listed: with its charge, and what went back of that."""
    given_back = usd(str(sum(Decimal(it["amount"]) for it in refunds if it["status"] == "succeeded") / 100))
    back = {"object": "list", "data": list(refunds), "has_more": False}
    return intent(payment, status, latest_charge=charge(payment, given_back, refunds=back), **changes)


def _of(listed: list[ProviderPayment]) -> list[tuple[str, ProviderState, Money]]:
    return [(found.reference, found.state, found.refunded) for found in listed]


def test_payments_are_listed_page_by_page_with_all_that_went_back(api: StripeApi, provider: StripeProvider) -> None:
    first, second = unsaved(), unsaved()
    ours = refund(first, usd("10.00"), "succeeded", key=uuid.uuid4())
    in_the_dashboard = refund(first, usd("5.00"), "succeeded", key=None)
    failed = refund(first, usd("2.00"), "failed", key=uuid.uuid4())
    api.on(
        "GET /v1/payment_intents",
        page("list", _listed(first, ours, in_the_dashboard, failed, id="pi_7"), has_more=True),
        page("list", intent(second, "requires_capture")),
    )

    listed = list(provider.list_payments(since=now()))

    assert _of(listed) == [
        (first.reference, ProviderState.CAPTURED, usd("15.00")),
        (second.reference, ProviderState.AUTHORISED, usd("0.00")),
    ]
    (_what, given, _key), (_again, further, _none) = api.asked
    assert (given["limit"], given["expand[0]"]) == (["100"], ["data.latest_charge.refunds"])
    assert int(given["created[gte]"][0]) == pytest.approx(now().timestamp(), abs=60)
    assert ("starting_after" not in given, further["starting_after"]) == (True, ["pi_7"])


def test_more_refunds_than_are_shown_are_counted_by_stripe(api: StripeApi, provider: StripeProvider) -> None:
    payment = unsaved()
    many = {"object": "list", "data": [refund(payment, usd("1.00"), "succeeded", key=None)] * 10, "has_more": True}
    api.on(
        "GET /v1/payment_intents",
        page("list", intent(payment, "succeeded", latest_charge=charge(payment, usd("12.00"), refunds=many))),
    )

    assert [found.refunded for found in provider.list_payments(since=now())] == [usd("12.00")]


def test_what_others_sell_through_the_same_account_is_not_listed(api: StripeApi, provider: StripeProvider) -> None:
    ours = unsaved()
    api.on(
        "GET /v1/payment_intents",
        page("list", intent(unsaved(), "succeeded", metadata={}), intent(unsaved(), "processing"), _listed(ours)),
    )

    assert [found.reference for found in provider.list_payments(since=now())] == [ours.reference]


def test_a_list_that_breaks_off_says_so(api: StripeApi, provider: StripeProvider) -> None:
    api.on("GET /v1/payment_intents", page("list", _listed(unsaved()), has_more=True), (500, error("api_error")))

    with pytest.raises(ProviderUnavailable):
        list(provider.list_payments(since=now()))


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("49.95", "USD", 4995), ("500", "JPY", 500), ("1.250", "KWD", 1250), ("500", "ISK", 50000), ("7.00", "MGA", 7)],
)
def test_amounts_are_counted_as_stripe_counts_them(amount: str, currency: str, minor: int) -> None:
    money = Money(Decimal(amount), currency)

    assert (to_stripe(money), from_stripe(minor, currency.lower())) == (minor, money)
