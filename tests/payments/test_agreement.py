"""Whatever is asked, heard, lost, repeated or told late, in whatever order: shop and provider end agreed, to the cent."""

import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import now
from payments import gateways, operations, services, signatures
from payments.errors import PaymentNotAuthorised, ProviderRefused, RefundTooLarge
from payments.types import Authorisation, PaymentRef, PaymentStatus
from tests.payments.arranged import capture, fresh, opened, told, usd, void
from tests.servers.simulator import SECRET, Simulator

METHODS = [
    "pm_card_visa",
    "pm_card_declined",
    "pm_card_authentication_required",
    "pm_card_capture_refused",
    "pm_card_refund_refused",
]


@dataclass
class Story:
    """One payment, and what has been said of it."""

    payment: PaymentRef
    client: httpx.Client
    answers: list[Authorisation] = field(default_factory=list)
    snapshots: list[dict[str, Any]] = field(default_factory=list)
    given_up: bool = False

    def authorise(self) -> None:
        """Ask; the answer may be lost."""
        self.answers.append(gateways.authorise(payment=self.payment, return_url="http://127.0.0.1/orders/1/"))

    def hear(self) -> None:
        """Note the first answer, however old it is."""
        for answer in self.answers[:1]:
            with transaction.atomic():
                operations.record_authorisation(payment_id=self.payment.id, authorisation=answer, now=now())

    def tell(self) -> None:
        """A webhook about the payment as it is."""
        shown = self.at_provider()
        if shown is not None:
            self.snapshots.append(shown)
            self._send(shown)

    def tell_late(self) -> None:
        """A webhook about the payment as it was."""
        for snapshot in self.snapshots[:1]:
            self._send(snapshot)

    def decide(self) -> None:
        """The shopper approves."""
        shown = self.at_provider()
        if shown is not None and shown["next_action_url"]:
            httpx.post(shown["next_action_url"], data={"decision": "approve"}, trust_env=False)

    def capture(self) -> None:
        """The order is paid."""
        with suppress(PaymentNotAuthorised):
            capture(self.payment)

    def take(self) -> None:
        """The provider captured, and the answer was lost."""
        with suppress(ProviderRefused):
            gateways.capture(payment=self.payment)

    def void(self) -> None:
        """The order is given up."""
        void(self.payment)
        self.given_up = True

    def refund(self) -> None:
        """A part goes back."""
        with suppress(RefundTooLarge):
            services.refund(
                payment_id=self.payment.id, amount=usd("1.00"), key=uuid.uuid4(), reason="", actor_id=None, now=now()
            )

    def work(self) -> None:
        """The worker runs."""
        services.do_payment_work(now=now())

    def at_provider(self) -> dict[str, Any] | None:
        """The payment as the provider has it."""
        answer = self.client.get(f"/v1/payments/{self.payment.key}")
        return None if answer.status_code == httpx.codes.NOT_FOUND else answer.json()

    def _send(self, shown: dict[str, Any]) -> None:
        event = {"id": f"evt_{uuid.uuid4().hex}", "type": f"payment.{shown['state']}", "payment": shown, "refund": None}
        body = json.dumps(event).encode()
        header = signatures.sign(secret=SECRET, body=body, at=int(now().timestamp()))
        services.receive_webhook(provider="simulated", body=body, headers={signatures.HEADER: header}, now=now())


STEPS: dict[str, Callable[[Story], None]] = {
    "authorise": Story.authorise,
    "hear": Story.hear,
    "tell": Story.tell,
    "tell late": Story.tell_late,
    "decide": Story.decide,
    "capture": Story.capture,
    "take": Story.take,
    "void": Story.void,
    "refund": Story.refund,
    "work": Story.work,
}
# What the shop calls each state of the provider.
SAME = {
    "action_required": {PaymentStatus.ACTION_REQUIRED},
    "authorised": {PaymentStatus.AUTHORISED},
    "declined": {PaymentStatus.DECLINED},
    "voided": {PaymentStatus.VOIDED},
    "captured": {PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED},
}


def _check_agreement(simulator: Simulator, method: str, steps: list[str]) -> None:
    with httpx.Client(base_url=simulator.url, trust_env=False) as client:
        story = Story(opened(amount="5.00", method=method), client)

        for step in steps:
            STEPS[step](story)
        story.tell()
        story.work()

        after, shown = fresh(story.payment), story.at_provider()
        if shown is None:
            assert after.status == PaymentStatus.CREATED
            return
        assert after.status in SAME[shown["state"]]
        assert after.captured.minor == shown["captured"]
        assert after.refunded.minor == shown["refunded"]
        if story.given_up and method != "pm_card_refund_refused":
            assert shown["captured"] == shown["refunded"]
            assert shown["state"] in {"voided", "declined", "captured"}
        published = told(story.payment)
        single = [kind for kind in published if kind not in {"payment.refunded", "payment.refund_refused"}]
        assert len(set(single)) == len(single)


@pytest.mark.django_db(transaction=True)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(METHODS), steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=12))
def test_shop_and_provider_end_agreed(simulator: Simulator, method: str, steps: list[str]) -> None:
    _check_agreement(simulator, method, steps)


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=st.sampled_from(METHODS), steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=25))
def test_shop_and_provider_end_agreed_in_long_stories(simulator: Simulator, method: str, steps: list[str]) -> None:
    _check_agreement(simulator, method, steps)
