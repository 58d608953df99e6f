"""What may follow what, and when to ask again: pure decisions about payments."""

from datetime import timedelta

from core.money import Money
from payments.types import (
    Authorisation,
    AuthorisationOutcome,
    PaymentRef,
    PaymentStatus,
    ProviderPayment,
    ProviderState,
    RefundStatus,
)

# Forwards only: whatever comes late, twice or in any order finds its step taken or passed.
NEXT: dict[PaymentStatus, frozenset[PaymentStatus]] = {
    PaymentStatus.CREATED: frozenset(
        {
            PaymentStatus.ACTION_REQUIRED,
            PaymentStatus.AUTHORISED,
            PaymentStatus.CAPTURED,
            PaymentStatus.DECLINED,
            PaymentStatus.VOIDED,
        }
    ),
    PaymentStatus.ACTION_REQUIRED: frozenset(
        {PaymentStatus.AUTHORISED, PaymentStatus.CAPTURED, PaymentStatus.DECLINED, PaymentStatus.VOIDED}
    ),
    PaymentStatus.AUTHORISED: frozenset({PaymentStatus.CAPTURED, PaymentStatus.VOIDED}),
    PaymentStatus.CAPTURED: frozenset({PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED}),
    PaymentStatus.PARTIALLY_REFUNDED: frozenset({PaymentStatus.REFUNDED}),
    PaymentStatus.REFUNDED: frozenset(),
    # Money that was taken all the same, behind the shop's back or in a race with a cancellation, must be seen to go back.
    PaymentStatus.DECLINED: frozenset({PaymentStatus.CAPTURED}),
    PaymentStatus.VOIDED: frozenset({PaymentStatus.CAPTURED}),
}
_STATUS_OF = {
    ProviderState.ACTION_REQUIRED: PaymentStatus.ACTION_REQUIRED,
    ProviderState.AUTHORISED: PaymentStatus.AUTHORISED,
    ProviderState.CAPTURED: PaymentStatus.CAPTURED,
    ProviderState.DECLINED: PaymentStatus.DECLINED,
    ProviderState.VOIDED: PaymentStatus.VOIDED,
}
_OUTCOME_OF = {
    ProviderState.ACTION_REQUIRED: AuthorisationOutcome.ACTION_REQUIRED,
    ProviderState.AUTHORISED: AuthorisationOutcome.AUTHORISED,
    # It was authorised before it was captured; the capture is told by its own event.
    ProviderState.CAPTURED: AuthorisationOutcome.AUTHORISED,
    ProviderState.DECLINED: AuthorisationOutcome.DECLINED,
    # Given up at the provider: there will be no yes any more.
    ProviderState.VOIDED: AuthorisationOutcome.DECLINED,
}
_STATE_AFTER = {
    AuthorisationOutcome.AUTHORISED: ProviderState.AUTHORISED,
    AuthorisationOutcome.DECLINED: ProviderState.DECLINED,
    AuthorisationOutcome.ACTION_REQUIRED: ProviderState.ACTION_REQUIRED,
}
# Given up: money that the provider holds or took for it all the same must go back.
GIVEN_UP = frozenset({PaymentStatus.DECLINED, PaymentStatus.VOIDED})
TAKEN = frozenset({PaymentStatus.CAPTURED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED})
LONGEST_DELAY = timedelta(hours=1)
CANCELLED = "cancelled"


def may_become(status: PaymentStatus, wanted: PaymentStatus) -> bool:
    """Whether a payment may go from ``status`` to ``wanted``."""
    return wanted in NEXT[status]


def status_of(state: ProviderState) -> PaymentStatus:
    """What a state at the provider is called here."""
    return _STATUS_OF[state]


def state_after(outcome: AuthorisationOutcome) -> ProviderState | None:
    """Where a payment stands at its provider after an attempt with this outcome; None when that is unknown."""
    return _STATE_AFTER.get(outcome)


def authorisation_of(payment: ProviderPayment) -> Authorisation:
    """The answer to "was it authorised?" that a payment at the provider gives."""
    is_void = payment.state == ProviderState.VOIDED
    return Authorisation(
        outcome=_OUTCOME_OF[payment.state],
        provider_reference=payment.provider_reference,
        failure_code=CANCELLED if is_void else payment.failure_code,
        next_action_url=payment.next_action_url,
    )


def is_same_money(payment: PaymentRef, found: ProviderPayment) -> bool:
    """Whether the provider speaks of the same order and amount as we do."""
    return payment.amount == found.amount and payment.reference == found.reference


def status_with_refunds(*, captured: Money, given_back: Money) -> PaymentStatus:
    """What a captured payment is once ``given_back`` went back."""
    if given_back >= captured:
        return PaymentStatus.REFUNDED
    return PaymentStatus.PARTIALLY_REFUNDED if given_back else PaymentStatus.CAPTURED


def refund_may_become(status: RefundStatus, wanted: RefundStatus) -> bool:
    """Whether a refund may go from ``status`` to ``wanted``: once, from pending to an end."""
    return status == RefundStatus.PENDING and wanted != RefundStatus.PENDING


def delay_after(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts: 2 s, 4 s, 8 s and so on, an hour at most."""
    return min(timedelta(seconds=2 ** min(attempts, 12)), LONGEST_DELAY)
