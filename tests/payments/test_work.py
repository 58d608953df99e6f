"""What was decided reaches the provider: once, whatever is down, slow, killed or done twice."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from core.clock import now
from core.models import AuditLog
from core.money import Money
from payments import gateways, operations, services, work
from payments.errors import PaymentNotAuthorised
from payments.models import PaymentWork
from payments.types import Authorisation, AuthorisationOutcome, PaymentRef, PaymentStatus, WorkReport
from tests.payments.arranged import authorised, capture, captured, fresh, opened, told, usd, void
from tests.servers.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)
NOTHING = WorkReport(done=0, refused=0, postponed=0)
ONE = WorkReport(done=1, refused=0, postponed=0)


def _at_provider(simulator: Simulator, payment: PaymentRef) -> tuple[str, int, int]:
    (found,) = [found for found in simulator.books() if found["key"] == str(payment.key)]
    return found["state"], found["captured"], found["refunded"]


def test_a_capture_asked_for_twice_is_done_once_and_told(simulator: Simulator) -> None:
    payment = authorised(amount="49.95")
    capture(payment)
    capture(payment)

    first = services.do_payment_work(now=now())
    second = services.do_payment_work(now=now())

    after = fresh(payment)
    assert (first, second) == (ONE, NOTHING)
    assert (after.status, after.captured) == (PaymentStatus.CAPTURED, usd("49.95"))
    assert _at_provider(simulator, payment) == ("captured", 4995, 0)
    assert told(payment) == ["payment.captured"]
    changes = AuditLog.objects.filter(object_type="payment", object_id=str(payment.id)).order_by("id")
    assert [row.data["to"] for row in changes] == ["authorised", "captured"]
    capture(payment)  # and asked for once more, it is known to be done
    assert services.do_payment_work(now=now()) == NOTHING


def test_what_is_not_authorised_can_not_be_captured(simulator: Simulator) -> None:
    payment = opened()

    with pytest.raises(PaymentNotAuthorised):
        capture(payment)

    assert PaymentWork.objects.count() == 0


def test_a_capture_refused_for_good_is_told_and_then_voided(simulator: Simulator) -> None:
    payment = authorised(method="pm_card_capture_refused")
    capture(payment)

    refused = services.do_payment_work(now=now())
    again = services.do_payment_work(now=now() + timedelta(days=1))
    void(payment)
    voided = services.do_payment_work(now=now())

    assert (refused, again, voided) == (WorkReport(done=0, refused=1, postponed=0), NOTHING, ONE)
    assert told(payment) == ["payment.capture_refused", "payment.voided"]
    assert fresh(payment).status == PaymentStatus.VOIDED
    assert fresh(payment).failure_code == "capture_refused"


def test_what_a_provider_did_not_answer_comes_again_ever_later(simulator: Simulator, settings: Settings) -> None:
    payment = authorised()
    capture(payment)
    settings.PAYMENT_SIMULATOR_URL = "http://127.0.0.1:9"
    start = now()

    first = services.do_payment_work(now=start)
    too_soon = services.do_payment_work(now=start + timedelta(seconds=1))
    second = services.do_payment_work(now=start + timedelta(seconds=3))
    row = PaymentWork.objects.get()

    postponed = WorkReport(done=0, refused=0, postponed=1)
    assert (first, too_soon, second) == (postponed, NOTHING, postponed)
    assert (row.attempts, row.due_at) == (2, start + timedelta(seconds=3 + 4))
    assert row.last_error
    settings.PAYMENT_SIMULATOR_URL = simulator.url
    assert services.do_payment_work(now=start + timedelta(seconds=7)) == ONE
    assert fresh(payment).status == PaymentStatus.CAPTURED


def test_an_answer_that_was_lost_costs_nothing(simulator: Simulator) -> None:
    payment = authorised()
    capture(payment)
    gateways.capture(payment=payment)  # the provider took it, and the process that asked was killed

    services.do_payment_work(now=now())

    assert _at_provider(simulator, payment) == ("captured", 4995, 0)
    assert told(payment) == ["payment.captured"]


def test_work_of_a_dead_process_is_taken_over_after_its_lease(simulator: Simulator) -> None:
    payment = authorised()
    capture(payment)
    start = now()
    abandoned = work.claim(now=start)
    assert abandoned is not None

    early = services.do_payment_work(now=start + work.LEASE - timedelta(seconds=1))
    late = services.do_payment_work(now=start + work.LEASE)

    assert (early, late) == (NOTHING, ONE)
    assert work.do(abandoned, now=now()) == work.DONE  # it was not dead after all, only slow: nothing happens twice
    assert told(payment) == ["payment.captured"]


def test_a_void_keeps_an_authorisation_on_its_way_from_happening(simulator: Simulator) -> None:
    payment = opened()
    void(payment)

    services.do_payment_work(now=now())
    late = gateways.authorise(payment=payment, return_url="http://127.0.0.1/orders/1/")

    assert fresh(payment).status == PaymentStatus.VOIDED
    assert (late.outcome, late.failure_code) == (AuthorisationOutcome.DECLINED, "cancelled")
    assert told(payment) == ["payment.voided"]


def test_an_authorisation_that_comes_after_all_is_voided(simulator: Simulator) -> None:
    payment = opened()
    answer = gateways.authorise(payment=payment, return_url="http://127.0.0.1/orders/1/")
    with transaction.atomic():
        operations.schedule_void(payment_id=payment.id, now=now())
        after = operations.record_authorisation(payment_id=payment.id, authorisation=answer, now=now())

    services.do_payment_work(now=now())

    assert after.status == PaymentStatus.AUTHORISED
    assert _at_provider(simulator, payment) == ("voided", 0, 0)
    assert fresh(payment).status == PaymentStatus.VOIDED


def test_an_authorisation_heard_of_after_the_void_is_voided_again(simulator: Simulator) -> None:
    payment = opened()
    void(payment)
    services.do_payment_work(now=now())
    stale = Authorisation(outcome=AuthorisationOutcome.AUTHORISED, provider_reference="sim_stale")

    with transaction.atomic():
        after = operations.record_authorisation(payment_id=payment.id, authorisation=stale, now=now())

    assert after.status == PaymentStatus.VOIDED
    assert services.do_payment_work(now=now()) == ONE
    assert told(payment) == ["payment.voided"]


def test_a_capture_that_was_given_up_meanwhile_is_not_made(simulator: Simulator) -> None:
    payment = authorised()
    capture(payment)
    void(payment)

    services.do_payment_work(now=now())

    assert _at_provider(simulator, payment) == ("voided", 0, 0)
    assert told(payment) == ["payment.voided"]


def test_money_taken_for_what_was_given_up_goes_back_by_itself(simulator: Simulator) -> None:
    payment = authorised()
    gateways.capture(payment=payment)  # on its way when the order was given up
    void(payment)

    for _round in range(2):
        services.do_payment_work(now=now())

    after = fresh(payment)
    assert _at_provider(simulator, payment) == ("captured", 4995, 4995)
    assert (after.status, after.refunded) == (PaymentStatus.REFUNDED, after.amount)
    assert told(payment) == ["payment.captured", "payment.refunded"]


def test_giving_up_what_was_captured_refunds_it(simulator: Simulator) -> None:
    payment = captured()

    void(payment)
    void(payment)
    services.do_payment_work(now=now())

    assert _at_provider(simulator, payment) == ("captured", 4995, 4995)
    assert fresh(payment).status == PaymentStatus.REFUNDED


@pytest.mark.race
def test_many_workers_share_the_work_and_none_is_done_twice(simulator: Simulator) -> None:
    payments = [authorised(amount=f"{number}.00") for number in range(1, 9)]
    for payment in payments:
        capture(payment)
    reports: list[WorkReport] = []

    def run() -> None:
        try:
            reports.append(services.do_payment_work(now=now()))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(report.done for report in reports) == 8
    assert [told(payment) for payment in payments] == [["payment.captured"]] * 8
    assert sum((fresh(payment).captured for payment in payments), Money.zero("USD")) == usd("36.00")


def test_an_external_payment_asks_nobody(simulator: Simulator) -> None:
    with transaction.atomic():
        payment = operations.record_external(reference="OLD-1", amount=usd("10.00"), now=now())

    assert (payment.status, payment.captured) == (PaymentStatus.CAPTURED, usd("10.00"))
    assert gateways.look_up(payment=payment) == Authorisation(outcome=AuthorisationOutcome.UNKNOWN)
