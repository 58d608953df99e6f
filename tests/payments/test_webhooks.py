"""What the provider tells: believed only when signed, taken once, in any order, and never backwards."""

import itertools
import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import transaction
from django.test import Client
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from core.clock import now
from payments import gateways, operations, signatures
from payments.models import Payment, ProviderEvent, Refund
from payments.types import Authorisation, AuthorisationOutcome, PaymentRef, PaymentStatus
from tests.payments.arranged import authorised, capture, fresh, opened, told, usd
from tests.payments.conftest import use
from tests.servers.simulator import SECRET, Simulator, running_simulator
from tests.servers.waiting import wait_for

URL = "/webhooks/payments/simulated/"


@pytest.fixture(autouse=True)
def _secret(settings: Settings) -> None:
    settings.PAYMENT_SIMULATOR_SECRET = SECRET


def _event(payment: PaymentRef, kind: str, **changes: Any) -> dict[str, Any]:
    taken = payment.amount.minor if kind == "captured" else 0
    shown = {
        "key": str(payment.key),
        "id": f"sim_{payment.id}",
        "reference": payment.reference,
        "amount": payment.amount.minor,
        "currency": payment.amount.currency,
        "state": kind,
        "failure_code": "card_declined" if kind == "declined" else "",
        "next_action_url": "",
        "captured": taken,
        "refunded": 0,
    }
    event = {"id": f"evt_{uuid.uuid4().hex}", "type": f"payment.{kind}", "refund": None}
    return {**event, "payment": {**shown, **changes}}


def _send(event: Any, *, secret: str = SECRET, at: datetime | None = None) -> tuple[int, str]:
    """The status, and the code of the refusal."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    header = signatures.sign(secret=secret, body=body, at=int((at or now()).timestamp()))
    answer = Client().post(URL, body, content_type="application/json", headers={signatures.HEADER: header})
    return answer.status_code, answer.json().get("code", "")


def _authorise(payment: PaymentRef) -> None:
    """The shop hears the provider's own answer."""
    answer = Authorisation(outcome=AuthorisationOutcome.AUTHORISED, provider_reference=f"sim_{payment.id}")
    with transaction.atomic():
        operations.record_authorisation(payment_id=payment.id, authorisation=answer, now=now())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("state", "status", "published"),
    [
        ("action_required", PaymentStatus.ACTION_REQUIRED, []),
        ("authorised", PaymentStatus.AUTHORISED, ["payment.authorised"]),
        ("captured", PaymentStatus.CAPTURED, ["payment.captured"]),
        ("declined", PaymentStatus.DECLINED, ["payment.declined"]),
        ("voided", PaymentStatus.VOIDED, ["payment.voided"]),
    ],
)
def test_a_webhook_takes_a_new_payment_to_its_state(state: str, status: PaymentStatus, published: list[str]) -> None:
    payment = opened()

    assert _send(_event(payment, state)) == (200, "")

    assert (fresh(payment).status, told(payment)) == (status, published)
    assert fresh(payment).provider_reference == f"sim_{payment.id}"


@pytest.mark.django_db
def test_a_webhook_that_comes_twice_is_taken_once() -> None:
    payment = opened()
    event = _event(payment, "authorised")

    answers = [_send(event) for _time in range(3)]

    assert answers == [(200, "")] * 3
    assert told(payment) == ["payment.authorised"]
    assert ProviderEvent.objects.count() == 1


@pytest.mark.django_db
def test_a_webhook_before_the_answer_to_the_request_leaves_the_answer_nothing_to_do() -> None:
    payment = opened()

    _send(_event(payment, "authorised"))
    _authorise(payment)

    assert (fresh(payment).status, told(payment)) == (PaymentStatus.AUTHORISED, ["payment.authorised"])


@pytest.mark.django_db
def test_a_webhook_after_the_answer_tells_nobody_again() -> None:
    payment = opened()

    _authorise(payment)
    _send(_event(payment, "authorised"))

    assert (fresh(payment).status, told(payment)) == (PaymentStatus.AUTHORISED, [])


@pytest.mark.django_db
@pytest.mark.parametrize("order", list(itertools.permutations(["action_required", "authorised", "captured"])))
def test_in_any_order_the_money_ends_captured(order: tuple[str, ...]) -> None:
    payment = opened()

    for state in order:
        assert _send(_event(payment, state)) == (200, "")

    after = fresh(payment)
    assert (after.status, after.captured) == (PaymentStatus.CAPTURED, payment.amount)
    assert told(payment).count("payment.captured") == 1


@pytest.mark.django_db
def test_a_decline_after_an_authorisation_changes_nothing() -> None:
    payment = opened()
    _send(_event(payment, "authorised"))

    _send(_event(payment, "declined"))

    assert (fresh(payment).status, fresh(payment).failure_code) == (PaymentStatus.AUTHORISED, "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": 4994}, "webhook_amount_mismatch"),
        ({"currency": "EUR"}, "webhook_amount_mismatch"),
        ({"reference": "HB-OTHER"}, "webhook_amount_mismatch"),
        ({"key": str(uuid.uuid4())}, "payment_not_found"),
        ({"key": "nonsense"}, "webhook_refused"),
        ({"state": "nonsense"}, "webhook_refused"),
        ({"amount": "nonsense"}, "webhook_refused"),
        ({"amount": 10**30}, "webhook_refused"),
    ],
)
def test_a_webhook_about_other_money_is_refused_and_nothing_changes(changes: dict[str, Any], code: str) -> None:
    payment = opened(amount="49.95")

    status, found = _send(_event(payment, "captured", **changes))

    assert (status >= 400, found) == (True, code)
    assert fresh(payment) == payment
    assert (told(payment), ProviderEvent.objects.count()) == ([], 0)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"id": "evt_1"}', b"\xff\xfe", b'{"payment": 1, "id": 2}']
)
def test_a_signed_body_that_makes_no_sense_is_refused(body: bytes) -> None:
    assert _send(body) == (400, "webhook_refused")


@pytest.mark.django_db
def test_a_wrong_signature_is_refused() -> None:
    payment = opened()

    assert _send(_event(payment, "captured"), secret="of somebody else") == (400, "webhook_refused")

    assert fresh(payment) == payment


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header", ["", "t=1", "v1=abc", "t=abc,v1=abc", "t=1,v1=\u00fc", "t=99999999999999999999,v1=a", "=,=,"]
)
def test_a_signature_that_is_none_is_refused(header: str) -> None:
    answer = Client().post(URL, b"{}", content_type="application/json", headers={signatures.HEADER: header})

    assert (answer.status_code, answer.json()["code"]) == (400, "webhook_refused")


@pytest.mark.django_db
@pytest.mark.parametrize("age", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_an_old_signature_is_refused_with_its_own_code(age: timedelta) -> None:
    payment = opened()

    assert _send(_event(payment, "captured"), at=now() - age) == (400, "webhook_too_old")

    assert fresh(payment) == payment


@pytest.mark.django_db
def test_without_a_secret_no_webhook_is_believed(settings: Settings) -> None:
    payment = opened()
    settings.PAYMENT_SIMULATOR_SECRET = ""

    assert _send(_event(payment, "captured"), secret="") == (400, "webhook_refused")


@pytest.mark.django_db
def test_only_posts_are_taken() -> None:
    assert Client().get(URL).status_code == 405


@pytest.mark.django_db
def test_a_refund_that_nobody_asked_for_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    payment = opened()
    stranger = {"key": str(uuid.uuid4()), "id": "re_1", "status": "succeeded", "amount": 100, "currency": "USD"}

    assert _send({**_event(payment, "captured"), "refund": stranger}) == (200, "")

    assert (fresh(payment).status, Refund.objects.count()) == (PaymentStatus.CAPTURED, 0)
    assert "was not asked for" in caplog.text


@pytest.fixture
def telling(live_server: LiveServer, tmp_path: Path, settings: Settings) -> Iterator[Simulator]:
    """A provider that sends its webhooks late, twice and shuffled."""
    options = (
        "--webhook-url",
        f"{live_server.url}{URL}",
        "--webhook-delay",
        "0.2",
        "--webhook-twice",
        "--webhook-shuffle",
    )
    with running_simulator(tmp_path, *options) as simulator:
        use(simulator, settings)
        yield simulator


@pytest.mark.servers
def test_an_approved_challenge_reaches_the_shop_by_webhook(telling: Simulator) -> None:
    payment = authorised(method="pm_card_authentication_required")
    page = httpx.get(payment.next_action_url, trust_env=False)

    decided = httpx.post(payment.next_action_url, data={"decision": "approve"}, trust_env=False)

    assert payment.status == PaymentStatus.ACTION_REQUIRED
    assert "Approve" in page.text
    assert (decided.status_code, decided.headers["Location"]) == (303, "http://127.0.0.1/orders/1/")
    wait_for(lambda: told(payment) == ["payment.authorised"], "the shop did not hear of it")
    after = fresh(payment)
    assert (after.status, after.next_action_url) == (PaymentStatus.AUTHORISED, "")


@pytest.mark.servers
def test_a_refused_challenge_is_a_decline(telling: Simulator) -> None:
    payment = authorised(method="pm_card_authentication_required")

    httpx.post(payment.next_action_url, data={"decision": "refuse"}, trust_env=False)
    httpx.post(payment.next_action_url, data={"decision": "approve"}, trust_env=False)  # too late

    wait_for(lambda: told(payment) == ["payment.declined"], "the shop did not hear of it")
    assert fresh(payment).failure_code == "authentication_failed"


@pytest.mark.servers
@pytest.mark.fault
def test_webhooks_of_a_provider_that_was_killed_come_when_it_is_back(telling: Simulator) -> None:
    payment = opened()
    gateways.authorise(payment=payment, return_url="http://127.0.0.1/orders/1/")
    telling.kill()
    assert Payment.objects.get(pk=payment.id).status == PaymentStatus.CREATED

    telling.start()

    wait_for(lambda: told(payment) == ["payment.authorised"], "the shop did not hear of it")
    capture(payment)
    gateways.capture(payment=payment)
    wait_for(lambda: told(payment)[1:] == ["payment.captured"], "the shop did not hear of the capture")
    wait_for(lambda: ProviderEvent.objects.count() == 2, "an event was not stored")
    assert fresh(payment).captured == usd("49.95")
