"""The table of what may follow what, and when to ask again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payments import policies
from payments.types import (
    AuthorisationOutcome,
    PaymentStatus,
    ProviderPayment,
    ProviderState,
    RefundStatus,
)
from tests.payments.arranged import unsaved, usd


def test_every_status_is_in_the_table() -> None:
    assert set(policies.NEXT) == set(PaymentStatus)


@given(st.lists(st.sampled_from(list(PaymentStatus)), max_size=12))
def test_nothing_ever_comes_back_to_where_it_was(wanted: list[PaymentStatus]) -> None:
    status, been = PaymentStatus.CREATED, [PaymentStatus.CREATED]

    for step in wanted:
        if policies.may_become(status, step):
            assert step not in been
            status = step
            been.append(step)


@pytest.mark.parametrize("status", [PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED])
def test_money_that_was_taken_is_never_called_untaken(status: PaymentStatus) -> None:
    assert policies.NEXT[status] <= policies.TAKEN


@pytest.mark.parametrize("state", list(ProviderState))
def test_every_state_at_the_provider_answers_whether_it_was_authorised(state: ProviderState) -> None:
    payment = unsaved()
    found = ProviderPayment(
        key=payment.key,
        reference=payment.reference,
        provider_reference="sim_1",
        state=state,
        amount=payment.amount,
        captured=usd("0.00"),
        refunded=usd("0.00"),
    )

    answer = policies.authorisation_of(found)

    expected = {
        ProviderState.ACTION_REQUIRED: AuthorisationOutcome.ACTION_REQUIRED,
        ProviderState.AUTHORISED: AuthorisationOutcome.AUTHORISED,
        ProviderState.CAPTURED: AuthorisationOutcome.AUTHORISED,
        ProviderState.DECLINED: AuthorisationOutcome.DECLINED,
        ProviderState.VOIDED: AuthorisationOutcome.DECLINED,
    }
    assert answer.outcome == expected[state]


def test_an_unknown_outcome_says_nothing() -> None:
    assert policies.state_after(AuthorisationOutcome.UNKNOWN) is None


def test_a_refund_ends_once() -> None:
    assert policies.refund_may_become(RefundStatus.PENDING, RefundStatus.SUCCEEDED)
    assert not policies.refund_may_become(RefundStatus.SUCCEEDED, RefundStatus.FAILED)
    assert not policies.refund_may_become(RefundStatus.FAILED, RefundStatus.SUCCEEDED)


def test_waits_double_up_to_an_hour() -> None:
    waits = [policies.delay_after(attempts) for attempts in (1, 2, 3, 11, 12, 1_000_000)]

    assert waits == [timedelta(seconds=s) for s in (2, 4, 8, 2048, 3600, 3600)]
