"""What Stripe tells: believed only when signed, taken once, in any order; refunds too, whoever asked for them."""

import itertools
import json
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from core.clock import now
from core.models import AuditLog
from payments import services
from payments.models import Payment, ProviderEvent
from payments.types import PaymentRef, PaymentStatus, RefundRef, RefundStatus
from tests.payments.arranged import fresh, opened, told, unsaved, usd
from tests.servers.stripe_api import WEBHOOK_SECRET, WEBHOOKS, StripeApi, charge, event, intent, page, refund, signature

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("keys")]
TAKEN, KNOWN, IGNORED = (200, {"received": True}), (200, {"received": False}), (200, {"received": False})


def send(told_of: Any, *, secret: str = WEBHOOK_SECRET, at: datetime | None = None) -> tuple[int, dict[str, Any]]:
    """The status and what came with it."""
    body = told_of if isinstance(told_of, bytes) else json.dumps(told_of).encode()
    headers = signature(body, secret=secret, at=at)
    answer = Client().post(WEBHOOKS, body, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def captured(amount: str = "49.95") -> PaymentRef:
    """A payment that Stripe took, as its webhooks told."""
    payment = opened(amount=amount)
    Payment.objects.filter(pk=payment.id).update(provider_reference=f"pi_{payment.id}")
    payment = fresh(payment)
    assert send(event("payment_intent.succeeded", intent(payment, "succeeded"))) == TAKEN
    return fresh(payment)


def refunded(payment: PaymentRef, amount: str = "10.00") -> RefundRef:
    """A refund that the shop promised; nobody has told Stripe yet."""
    return services.refund(
        payment_id=payment.id, amount=usd(amount), key=uuid.uuid4(), reason="", actor_id=None, now=now()
    )


def books_of(payment: PaymentRef) -> tuple[PaymentStatus, str, list[RefundStatus]]:
    """The payment's status, what is promised back, and where each refund stands."""
    row = Payment.objects.get(pk=payment.id)
    statuses = [RefundStatus(it) for it in row.refunds.order_by("pk").values_list("status", flat=True)]
    return PaymentStatus(row.status), str(row.refunded_amount), statuses


def noted(payment: PaymentRef) -> list[str]:
    """What the audit log has of a payment's refunds."""
    rows = AuditLog.objects.filter(object_type="payment", object_id=payment.id, action__contains="refund")
    return list(rows.order_by("pk").values_list("action", flat=True))


def test_a_signed_webhook_moves_the_payment_once() -> None:
    payment = opened()
    capturable = event("payment_intent.amount_capturable_updated", intent(payment, "requires_capture"))

    answers = [send(capturable) for _time in range(2)]

    assert answers == [TAKEN, KNOWN]
    assert (fresh(payment).status, told(payment)) == (PaymentStatus.AUTHORISED, ["payment.authorised"])


def test_a_challenge_is_told_with_its_address_and_ends_in_either_way() -> None:
    passed, failed = opened(), opened()
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": "https://hooks.stripe.com/3ds", "return_url": "x"}}
    for payment, name in ((passed, "pi_a"), (failed, "pi_b")):
        waiting = intent(payment, "requires_action", id=name, next_action=action)
        send(event("payment_intent.requires_action", waiting))
        assert (fresh(payment).status, fresh(payment).next_action_url) == (
            PaymentStatus.ACTION_REQUIRED,
            "https://hooks.stripe.com/3ds",
        )

    why = {"code": "payment_intent_authentication_failure", "type": "invalid_request_error"}
    send(event("payment_intent.amount_capturable_updated", intent(passed, "requires_capture", id="pi_a")))
    send(
        event(
            "payment_intent.payment_failed",
            intent(failed, "requires_payment_method", id="pi_b", last_payment_error=why),
        )
    )

    assert (fresh(passed).status, fresh(passed).next_action_url) == (PaymentStatus.AUTHORISED, "")
    assert (fresh(failed).status, fresh(failed).failure_code) == (
        PaymentStatus.DECLINED,
        "payment_intent_authentication_failure",
    )


@pytest.mark.parametrize("kind", ["payment_intent.succeeded", "charge.refunded", "customer.created"])
@pytest.mark.parametrize("metadata", [{}, [], None])
def test_webhooks_about_what_is_not_ours_are_let_be(kind: str, metadata: Any) -> None:
    assert send(event(kind, intent(unsaved(), "succeeded", metadata=metadata))) == IGNORED

    assert ProviderEvent.objects.count() == 0


def test_a_wrong_signature_an_old_one_and_other_money_are_refused() -> None:
    payment = opened()
    right = event("payment_intent.succeeded", intent(payment, "succeeded"))
    other = event("payment_intent.succeeded", intent(payment, "succeeded", amount=1))

    codes = [
        send(right, secret="whsec_of_somebody_else")[1]["code"],
        send(right, at=now() - timedelta(minutes=6))[1]["code"],
        send(other)[1]["code"],
    ]

    assert codes == ["webhook_refused", "webhook_too_old", "webhook_amount_mismatch"]
    assert fresh(payment) == payment


@pytest.mark.parametrize("header", ["", "t=1", "v1=abc", "t=abc,v1=abc", "t=1,v1=\u00fc", "t=9999999999999999,v1=a"])
def test_a_signature_that_is_none_is_refused(header: str) -> None:
    answer = Client().post(WEBHOOKS, b"{}", content_type="application/json", headers={"Stripe-Signature": header})

    assert (answer.status_code, answer.json()["code"]) == (400, "webhook_refused")


def test_one_provider_can_not_speak_of_anothers_payment() -> None:
    payment = opened()
    Payment.objects.filter(pk=payment.id).update(provider="simulated")

    status, problem = send(event("payment_intent.succeeded", intent(payment, "succeeded")))

    assert (status, problem["code"]) == (404, "payment_not_found")
    assert fresh(payment).status == PaymentStatus.CREATED


def test_a_shop_without_stripe_believes_no_webhook(settings: Settings) -> None:
    settings.STRIPE_SECRET_KEY = settings.STRIPE_WEBHOOK_SECRET = ""

    status, problem = send(event("payment_intent.succeeded", intent(unsaved(), "succeeded")), secret="")

    assert (status, problem["code"]) == (400, "webhook_refused")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_refund_is_done_once_in_whatever_order_it_is_told(order: tuple[int, ...]) -> None:
    payment = captured()
    asked = refunded(payment)
    events = [
        event("refund.created", refund(payment, asked.amount, "pending", key=asked.key)),
        event("refund.updated", refund(payment, asked.amount, "succeeded", key=asked.key)),
        event("charge.refunded", charge(payment, asked.amount)),
    ]

    answers = [send(events[index]) for index in (*order, *order)]

    assert answers == [TAKEN] * 3 + [KNOWN] * 3
    assert books_of(payment) == (PaymentStatus.PARTIALLY_REFUNDED, "10.000", [RefundStatus.SUCCEEDED])
    assert told(payment) == ["payment.captured", "payment.refunded"]
    assert noted(payment) == ["payment.refund", "payment.refund_succeeded"]


@pytest.mark.django_db(transaction=True)
def test_a_refund_that_was_told_before_the_worker_heard_the_answer_is_done_once(api: StripeApi) -> None:
    payment = captured()
    asked = refunded(payment)
    made = refund(payment, asked.amount, "succeeded", key=asked.key)
    api.on("GET /v1/refunds", page("list"))
    api.on("POST /v1/refunds", (200, made))

    send(event("refund.updated", made))
    report = services.do_payment_work(now=now())

    assert (report.done, told(payment)) == (1, ["payment.captured", "payment.refunded"])
    assert books_of(payment) == (PaymentStatus.PARTIALLY_REFUNDED, "10.000", [RefundStatus.SUCCEEDED])


def test_a_refund_that_fails_is_promised_no_longer() -> None:
    payment = captured()
    asked = refunded(payment)

    answer = send(event("refund.failed", refund(payment, asked.amount, "failed", key=asked.key)))

    assert answer == TAKEN
    assert books_of(payment) == (PaymentStatus.CAPTURED, "0.000", [RefundStatus.FAILED])
    assert told(payment) == ["payment.captured", "payment.refund_refused"]


def test_a_refund_that_comes_back_from_the_bank_is_for_people_to_see(caplog: pytest.LogCaptureFixture) -> None:
    payment = captured()
    asked = refunded(payment)
    send(event("refund.updated", refund(payment, asked.amount, "succeeded", key=asked.key)))

    answer = send(event("charge.refund.updated", refund(payment, asked.amount, "failed", key=asked.key)))

    assert answer == TAKEN
    assert books_of(payment) == (PaymentStatus.PARTIALLY_REFUNDED, "10.000", [RefundStatus.SUCCEEDED])
    assert "refund re_1 of 10.00 USD came back" in caplog.text
    assert noted(payment)[-1] == "payment.refund_came_back"


def test_a_refund_made_in_the_dashboard_is_seen_and_moves_nothing(caplog: pytest.LogCaptureFixture) -> None:
    payment = captured()
    made = refund(payment, usd("5.00"), "succeeded", key=None)

    answers = [send(event("refund.created", made)), send(event("charge.refunded", charge(payment, usd("5.00"))))]

    assert answers == [TAKEN, TAKEN]
    assert books_of(payment) == (PaymentStatus.CAPTURED, "0.000", [])
    assert told(payment) == ["payment.captured"]
    assert noted(payment) == ["payment.refund_elsewhere"]
    assert "refund re_1 of 5.00 USD, succeeded, which was not asked for" in caplog.text
    assert "5.00 USD went back, 0 was asked for" in caplog.text


def test_a_refund_of_another_amount_than_was_asked_for_is_not_taken_for_it(caplog: pytest.LogCaptureFixture) -> None:
    payment = captured()
    asked = refunded(payment)

    send(event("refund.updated", refund(payment, usd("9.99"), "succeeded", key=asked.key)))

    assert books_of(payment) == (PaymentStatus.CAPTURED, "10.000", [RefundStatus.PENDING])
    assert "was not asked for" in caplog.text


def test_refunds_of_what_others_sell_through_the_same_account_are_let_be() -> None:
    stranger = unsaved()

    answers = [
        send(event("refund.created", refund(stranger, usd("5.00"), "succeeded", key=None, payment_intent=intended)))
        for intended in ("pi_of_others", None)
    ]

    assert answers == [IGNORED] * 2
    assert ProviderEvent.objects.count() == 0


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"payment_intent": "pi_of_others"}, "payment_not_found"),
        ({"currency": "eur"}, "webhook_amount_mismatch"),
        ({"metadata": {"refund_key": "nonsense"}}, "webhook_refused"),
        ({"amount": "nonsense"}, "webhook_refused"),
        ({"id": None, "status": None, "amount": None}, "webhook_refused"),
    ],
)
def test_a_refund_that_makes_no_sense_is_refused_and_nothing_changes(changes: dict[str, Any], code: str) -> None:
    payment = captured()
    asked = refunded(payment)

    status, problem = send(event("refund.updated", refund(payment, asked.amount, "succeeded", key=asked.key) | changes))

    assert (status >= 400, problem["code"]) == (True, code)
    assert books_of(payment) == (PaymentStatus.CAPTURED, "10.000", [RefundStatus.PENDING])
