"""Calls to the payment provider. They refuse a transaction, and give the database connection back before they wait."""

import logging
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db import connection

from core.money import Money
from core.transactions import refuse_transaction
from payments import metrics, policies, providers
from payments.errors import ProviderRefused, ProviderUnavailable
from payments.types import (
    Authorisation,
    AuthorisationOutcome,
    PaymentRef,
    Provider,
    ProviderPayment,
    ProviderRefund,
)

logger = logging.getLogger(__name__)
# The key is taken at the provider by a request that differs: there is a payment, only it is not known which.
KEY_REUSED = "key_reused"
LISTED_AT_ONCE = 500
_Answer = TypeVar("_Answer")
_UNKNOWN = Authorisation(outcome=AuthorisationOutcome.UNKNOWN)


def authorise(*, payment: PaymentRef, return_url: str, metadata: Mapping[str, str] | None = None) -> Authorisation:
    """Ask the provider to reserve the amount. A challenge sends the shopper back to ``return_url``.

    Repeated for the same payment, it must be with the same arguments. Trouble at the provider is no error but an unknown
    outcome. RuntimeError inside a transaction.
    """
    try:
        found = _ask(
            "authorise", payment, lambda it: it.authorise(payment, return_url=return_url, metadata=metadata or {})
        )
    except ProviderUnavailable:
        return _UNKNOWN
    except ProviderRefused as refusal:
        if refusal.failure_code == KEY_REUSED:
            return _UNKNOWN
        return Authorisation(outcome=AuthorisationOutcome.DECLINED, failure_code=refusal.failure_code)
    return _trusted(payment, found)


def look_up(*, payment: PaymentRef) -> Authorisation | None:
    """Ask the provider what became of an attempt. None: it has never heard of it, which until the deadline may still change.

    Trouble at the provider is an unknown outcome. RuntimeError inside a transaction.
    """
    try:
        found = _ask("find_by_key", payment, lambda it: it.find_by_key(payment))
    except (ProviderUnavailable, ProviderRefused):
        return _UNKNOWN
    return None if found is None else _trusted(payment, found)


def capture(*, payment: PaymentRef) -> ProviderPayment:
    """Take the authorised amount. Raises ProviderUnavailable, ProviderRefused, and RuntimeError inside a transaction."""
    return _ask("capture", payment, lambda it: it.capture(payment))


def void(*, payment: PaymentRef) -> ProviderPayment:
    """Give the payment up; its state says CAPTURED when that came too late. Raises as `capture`."""
    return _ask("void", payment, lambda it: it.void(payment))


def refund(*, payment: PaymentRef, key: uuid.UUID, amount: Money) -> ProviderRefund:
    """Give back a part of what was captured. Raises as `capture`."""
    return _ask("refund", payment, lambda it: it.refund(payment, key=key, amount=amount))


def list_payments(*, provider: str, since: datetime) -> Iterator[list[ProviderPayment]]:
    """All that the provider has got from us since then, in pieces. Raises as `capture`, before any piece."""
    found = providers.of(provider).list_payments(since=since)
    while piece := _timed("list_payments", provider, lambda: list(islice(found, LISTED_AT_ONCE))):
        yield piece


def _ask(call: str, payment: PaymentRef, do: Callable[[Provider], _Answer]) -> _Answer:
    provider = providers.of(payment.provider)
    return _timed(call, f"Payment {payment.reference}", lambda: do(provider))


def _timed(call: str, what: str, do: Callable[[], _Answer]) -> _Answer:
    refuse_transaction(f"payments.gateways.{call}")
    connection.close()
    begin = time.monotonic()
    outcome = "unavailable"
    try:
        answer = do()
        outcome = "answered"
    except ProviderRefused as refusal:
        outcome = "refused"
        logger.warning("%s: %s was refused: %s", what, call, refusal.failure_code)
        raise
    except ProviderUnavailable as trouble:
        logger.warning("%s: no answer to %s: %s", what, call, trouble)
        raise
    finally:
        metrics.PROVIDER_SECONDS.labels(call=call, outcome=outcome).observe(time.monotonic() - begin)
    return answer


def _trusted(payment: PaymentRef, found: ProviderPayment) -> Authorisation:
    """The answer, unless it is about other money than the shop's: then nothing is known, and people must look."""
    if not policies.is_same_money(payment, found):
        logger.error("Payment %s: the provider has %s for %s", payment.reference, found.amount, found.reference)
        return _UNKNOWN
    return policies.authorisation_of(found)
