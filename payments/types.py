"""What other apps see of payments, and what a payment provider must be able to do."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.money import Money


class PaymentStatus(models.TextChoices):
    """Where a payment stands. `payments.policies` says what may follow what; nothing ever moves backwards."""

    CREATED = "created", _("Created")
    ACTION_REQUIRED = "action_required", _("Waiting for the shopper's bank")
    AUTHORISED = "authorised", _("Authorised")
    CAPTURED = "captured", _("Captured")
    PARTIALLY_REFUNDED = "partially_refunded", _("Partially refunded")
    REFUNDED = "refunded", _("Refunded")
    DECLINED = "declined", _("Declined")
    VOIDED = "voided", _("Voided")


class RefundStatus(models.TextChoices):
    """Where a refund stands."""

    PENDING = "pending", _("Pending")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")


class AuthorisationOutcome(models.TextChoices):
    """How an attempt to authorise ended. Unknown is neither yes nor no: only the provider can tell, later."""

    AUTHORISED = "authorised", _("Authorised")
    DECLINED = "declined", _("Declined")
    ACTION_REQUIRED = "action_required", _("Waiting for the shopper's bank")
    UNKNOWN = "unknown", _("Not known yet")


class ProviderState(models.TextChoices):
    """Where a payment stands at its provider."""

    ACTION_REQUIRED = "action_required", _("Waiting for the shopper's bank")
    AUTHORISED = "authorised", _("Authorised")
    CAPTURED = "captured", _("Captured")
    DECLINED = "declined", _("Declined")
    VOIDED = "voided", _("Voided")


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """The provider's answer. ``failure_code`` says why it was declined, ``next_action_url`` where the shopper must go first."""

    outcome: AuthorisationOutcome
    provider_reference: str = ""
    failure_code: str = ""
    next_action_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRef:
    """A payment. ``key`` is its idempotency key at the provider, ``reference`` the order's number, ``method`` the card's token.

    ``refunded`` counts what has been promised back as well as what went back.
    """

    id: int
    key: uuid.UUID
    reference: str
    amount: Money
    status: PaymentStatus
    method: str
    deadline_at: datetime
    provider: str
    provider_reference: str
    captured: Money
    refunded: Money
    failure_code: str
    next_action_url: str

    @property
    def is_settled(self) -> bool:
        """Whether the provider has said yes or no."""
        return self.status not in {PaymentStatus.CREATED, PaymentStatus.ACTION_REQUIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRef:
    """Money on its way back, or back."""

    id: int
    key: uuid.UUID
    payment_id: int
    amount: Money
    status: RefundStatus
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderPayment:
    """A payment as its provider has it. ``key`` and ``reference`` are ours, ``provider_reference`` is theirs."""

    key: uuid.UUID
    reference: str
    provider_reference: str
    state: ProviderState
    amount: Money
    captured: Money
    refunded: Money
    failure_code: str = ""
    next_action_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRefund:
    """A refund as the provider has it; without ``key``, one that was made there and not asked for by the shop.

    ``payment_reference`` is the provider's id of its payment.
    """

    key: uuid.UUID | None
    provider_reference: str
    status: RefundStatus
    amount: Money
    payment_reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderNotice:
    """What a webhook says: the payment as it stood when ``event_id`` happened, the refund if it is about one, or that alone."""

    event_id: str
    type: str
    payment: ProviderPayment | None = None
    refund: ProviderRefund | None = None


class Provider(Protocol):
    """A payment provider. Every call is harmless to repeat: it is known by the payment's or the refund's key.

    Calls wait for the network, within settings.PAYMENT_PROVIDER_TIMEOUT. They raise `errors.ProviderUnavailable` when there is
    no answer, so that what happened is unknown, and `errors.ProviderRefused` when the answer is no for good.
    """

    name: str

    def authorise(self, payment: PaymentRef, *, return_url: str, metadata: Mapping[str, str]) -> ProviderPayment:
        """Reserve the amount on the shopper's card. A decline is an answer, not an error."""

    def capture(self, payment: PaymentRef) -> ProviderPayment:
        """Take the whole authorised amount."""

    def void(self, payment: PaymentRef) -> ProviderPayment:
        """Give an authorisation up, or see to it that one on its way comes to nothing. Says CAPTURED when it is too late."""

    def refund(self, payment: PaymentRef, *, key: uuid.UUID, amount: Money) -> ProviderRefund:
        """Give back a part of what was captured."""

    def find_by_key(self, payment: PaymentRef) -> ProviderPayment | None:
        """The payment as the provider has it, or None when it has never heard of its key."""

    def list_payments(self, *, since: datetime) -> Iterator[ProviderPayment]:
        """Every payment of ours that the provider has got since then, page by page, in any order, each as it is now.

        ``refunded`` counts all that went back, whoever asked for it. It raises as the other calls do, at any page.
        """

    def parse_webhook(self, *, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderNotice | None:
        """What a webhook says, None for a kind the shop has no use for. Raises `errors.WebhookRefused`; asks nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardEntry:
    """How shoppers enter a card that the shop never sees: by the provider's script, under a key that everybody may see.

    ``content_security_policy`` is what the page must allow beside its own.
    """

    script_url: str
    publishable_key: str
    content_security_policy: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkReport:
    """What one run of the payment work did: told the provider, was refused for good, or must come again."""

    done: int
    refused: int
    postponed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookReceipt:
    """What became of a webhook: taken now, or known before."""

    event_id: str
    is_new: bool


class Mismatch(models.TextChoices):
    """In what way books disagree about a payment."""

    AMOUNT = "amount", _("Another amount")
    REFERENCE = "reference", _("Another order")
    STATE = "state", _("Another state")
    CAPTURED = "captured", _("Another amount was taken")
    REFUNDED = "refunded", _("Another amount went back")
    UNKNOWN_HERE = "unknown_here", _("Only the provider knows of it")
    UNKNOWN_THERE = "unknown_there", _("Only the shop knows of it")
    TWICE = "twice", _("The provider has it twice")
    NO_ORDER = "no_order", _("There is no order for it")
    OVERDUE = "overdue", _("It should have been settled")
    UNFINISHED = "unfinished", _("Nobody goes on with it")


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDifference:
    """That books disagree about the payment of the order numbered ``reference``; ``detail`` says how, and what can be done.

    ``moving`` says what will still change it by itself; empty for what people must look at.
    """

    kind: Mismatch
    reference: str
    detail: str
    moving: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """A piece of a comparison: of so many payments, these disagree."""

    payments: int = 0
    differences: tuple[PaymentDifference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentRange:
    """So many payments, from above ``after_id`` to ``last_id``."""

    after_id: int
    last_id: int
    count: int
