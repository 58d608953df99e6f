"""Money goes back in whole or in part, once for each key, and never more than was taken."""

import threading
import uuid
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from core.clock import now
from core.errors import InvalidInput
from core.money import Money
from payments import operations, services
from payments.errors import PaymentNotFound, ProviderRefused, RefundKeyReused, RefundTooLarge
from payments.models import Payment, PaymentWork, Refund
from payments.types import PaymentRef, PaymentStatus, RefundRef, RefundStatus
from tests.factories import make_user
from tests.payments.arranged import captured, fresh, opened, told, usd, void
from tests.servers.simulator import Simulator


def _taken(amount: str = "49.95", provider: str = "simulated") -> PaymentRef:
    """A captured payment, of which only the row is there."""
    payment = opened(amount=amount)
    Payment.objects.filter(pk=payment.id).update(
        status=PaymentStatus.CAPTURED, captured_amount=Decimal(amount), provider=provider
    )
    return fresh(payment)


def _refund(payment: PaymentRef, amount: Money, key: uuid.UUID | None = None) -> RefundRef:
    return services.refund(
        payment_id=payment.id, amount=amount, key=key or uuid.uuid4(), reason="broken", actor_id=None, now=now()
    )


@pytest.mark.django_db(transaction=True)
def test_a_part_and_then_the_rest_go_back(simulator: Simulator) -> None:
    payment = captured(amount="49.95")

    _refund(payment, usd("9.95"))
    promised = fresh(payment)
    services.do_payment_work(now=now())
    part = fresh(payment)
    _refund(payment, usd("40.00"))
    services.do_payment_work(now=now())
    whole = fresh(payment)

    assert (promised.status, promised.refunded) == (PaymentStatus.CAPTURED, usd("9.95"))
    assert (part.status, part.refunded) == (PaymentStatus.PARTIALLY_REFUNDED, usd("9.95"))
    assert (whole.status, whole.refunded) == (PaymentStatus.REFUNDED, usd("49.95"))
    assert told(payment) == ["payment.captured", "payment.refunded", "payment.refunded"]
    (books,) = [found for found in simulator.books() if found["key"] == str(payment.key)]
    assert books["refunded"] == 4995


@pytest.mark.django_db(transaction=True)
def test_a_refund_the_bank_refuses_is_promised_no_longer(simulator: Simulator) -> None:
    payment = captured(method="pm_card_refund_refused")
    refund = _refund(payment, usd("10.00"))

    report = services.do_payment_work(now=now())

    after = fresh(payment)
    assert report.refused == 1
    assert (after.status, after.refunded) == (PaymentStatus.CAPTURED, usd("0.00"))
    assert Refund.objects.get(pk=refund.id).status == RefundStatus.FAILED
    assert told(payment) == ["payment.captured", "payment.refund_refused"]


@pytest.mark.django_db(transaction=True)
def test_what_could_not_be_given_back_is_logged_and_not_asked_for_for_ever(
    simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    payment = captured(amount="5.00", method="pm_card_refund_refused")
    void(payment)
    services.do_payment_work(now=now())
    _refund(payment, usd("1.00"))

    void(payment)

    assert [str(refund.amount) for refund in Refund.objects.order_by("id")] == ["5.000", "1.000"]
    assert "4.00 USD of it could not be given back" in caplog.text


@pytest.mark.django_db
def test_the_same_key_again_is_the_same_refund() -> None:
    payment, key = _taken(), uuid.uuid4()

    first = _refund(payment, usd("10.00"), key)
    second = _refund(payment, usd("10.00"), key)

    assert first == second
    assert (Refund.objects.count(), PaymentWork.objects.count()) == (1, 1)
    assert fresh(payment).refunded == usd("10.00")


@pytest.mark.django_db
def test_a_key_does_not_fit_another_refund() -> None:
    payment, other, key = _taken(), _taken(), uuid.uuid4()
    _refund(payment, usd("10.00"), key)

    with pytest.raises(RefundKeyReused):
        _refund(payment, usd("11.00"), key)
    with pytest.raises(RefundKeyReused):
        _refund(other, usd("10.00"), key)

    assert fresh(other).refunded == usd("0.00")


@pytest.mark.django_db
def test_no_more_goes_back_than_was_taken() -> None:
    payment = _taken("49.95")
    _refund(payment, usd("40.00"))

    with pytest.raises(RefundTooLarge) as refusal:
        _refund(payment, usd("9.96"))

    assert refusal.value.params == {"refundable": {"amount": "9.95", "currency": "USD"}}
    assert fresh(payment).refunded == usd("40.00")


@pytest.mark.django_db
def test_the_table_refuses_it_too(lock_guard: object) -> None:
    payment = _taken("49.95")

    with pytest.raises(IntegrityError, match="payment_amounts_in_order"), transaction.atomic():
        Payment.objects.filter(pk=payment.id).update(refunded_amount=Decimal("49.96"))


@pytest.mark.django_db
@pytest.mark.parametrize("amount", [usd("0.00"), usd("-1.00"), Money(Decimal(1), "EUR")])
def test_an_amount_that_is_none_is_refused(amount: Money) -> None:
    with pytest.raises(InvalidInput):
        _refund(_taken(), amount)


@pytest.mark.django_db
def test_what_was_not_captured_can_not_go_back() -> None:
    with pytest.raises(RefundTooLarge):
        _refund(opened(), usd("1.00"))


@pytest.mark.django_db
def test_what_was_taken_elsewhere_must_go_back_there() -> None:
    with transaction.atomic():
        payment = operations.record_external(reference="OLD-1", amount=usd("10.00"), now=now())

    with pytest.raises(ProviderRefused):
        _refund(payment, usd("1.00"))


@pytest.mark.django_db
def test_an_unknown_payment_is_not_found() -> None:
    with pytest.raises(PaymentNotFound):
        services.refund(payment_id=0, amount=usd("1.00"), key=uuid.uuid4(), reason="", actor_id=None, now=now())


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_refunds_at_the_same_moment_never_give_back_more_than_was_taken() -> None:
    payment = _taken("10.00")
    outcomes: list[str] = []
    together = threading.Barrier(8)

    def run() -> None:
        try:
            together.wait(timeout=10)
            _refund(payment, usd("3.00"))
            outcomes.append("promised")
        except RefundTooLarge:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == ["promised"] * 3 + ["refused"] * 5
    assert fresh(payment).refunded == usd("9.00")


def _staff(**fields: object) -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, **fields))
    return client


@pytest.mark.django_db
def test_staff_refund_once_however_often_they_click() -> None:
    payment = _taken("49.95")
    client = _staff(is_superuser=True)
    page = reverse("admin:payments_refund", args=[payment.id])
    given = {"amount": "10.00", "reason": "broken", "key": str(uuid.uuid4())}

    shown = client.get(page)
    answers = [client.post(page, given).status_code for _click in range(2)]

    assert "49.95" in shown.content.decode()
    assert answers == [302, 302]
    assert [str(refund.amount) for refund in Refund.objects.all()] == ["10.000"]


@pytest.mark.django_db
@pytest.mark.parametrize("amount", ["50.00", "0", "-1", "1.005", "nonsense", "NaN", "1e400"])
def test_staff_are_told_why_a_refund_can_not_be(amount: str) -> None:
    payment = _taken("49.95")
    page = reverse("admin:payments_refund", args=[payment.id])

    answer = _staff(is_superuser=True).post(page, {"amount": amount, "reason": "x", "key": str(uuid.uuid4())})

    assert answer.status_code == 200
    assert "errorlist" in answer.content.decode()
    assert Refund.objects.count() == 0


@pytest.mark.django_db
def test_staff_without_the_right_refund_nothing() -> None:
    payment = _taken()
    page = reverse("admin:payments_refund", args=[payment.id])

    answer = _staff().post(page, {"amount": "1.00", "reason": "x", "key": str(uuid.uuid4())})

    assert (answer.status_code, Refund.objects.count()) == (403, 0)


@pytest.mark.django_db
@pytest.mark.parametrize("model", ["payment", "refund", "paymentwork", "providerevent"])
def test_staff_see_the_lists(model: str) -> None:
    payment = _taken()
    _refund(payment, usd("1.00"))

    answer = _staff(is_superuser=True).get(reverse(f"admin:payments_{model}_changelist"))

    assert answer.status_code == 200
