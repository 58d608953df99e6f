"""Do the shop's payments agree with themselves, and with the provider's own list? Reads only, in pieces of bounded size."""

import sqlite3
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, Max, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from core.money import Money
from payments import gateways, policies, providers
from payments.models import Payment, PaymentWork, Refund
from payments.progress import EXTERNAL
from payments.types import (
    Findings,
    Mismatch,
    PaymentDifference,
    PaymentRange,
    PaymentStatus,
    ProviderPayment,
    ProviderState,
    RefundStatus,
)

PIECE = 5000
# What changed as lately as this may be half told: to the provider, to the order, or to us.
YOUNG = timedelta(minutes=5)
# The provider's clock may be late by that much: what it got a little earlier is asked for too.
SKEW = timedelta(hours=1)
# Of these the provider must know: it said so.
_AT_PROVIDER = (PaymentStatus.ACTION_REQUIRED, PaymentStatus.AUTHORISED, *policies.TAKEN)
_SAME: dict[ProviderState, frozenset[PaymentStatus]] = {
    ProviderState.ACTION_REQUIRED: frozenset({PaymentStatus.ACTION_REQUIRED}),
    ProviderState.AUTHORISED: frozenset({PaymentStatus.AUTHORISED}),
    ProviderState.CAPTURED: policies.TAKEN,
    # Two ways of coming to nothing: who was first, the card's bank or the shop that gave it up, is of no account.
    ProviderState.DECLINED: policies.GIVEN_UP,
    ProviderState.VOIDED: policies.GIVEN_UP,
}


def ranges(*, since: datetime) -> Iterator[PaymentRange]:
    """The payments made since then, external ones too, in pieces by id. One query each."""
    last = 0
    while True:
        ids = Payment.objects.filter(pk__gt=last, created_at__gte=since).order_by("pk").values("pk")[:PIECE]
        found: dict[str, Any] = Payment.objects.filter(pk__in=ids).aggregate(count=Count("pk"), last=Max("pk"))
        if not found["count"]:
            return
        yield PaymentRange(after_id=last, last_id=found["last"], count=found["count"])
        last = found["last"]


def references_in(piece: PaymentRange, *, since: datetime) -> dict[int, str]:
    """The ids of a piece's payments, and what orders they are for. One query."""
    return dict(_rows(piece, since).values_list("pk", "reference"))


def check_refunds(piece: PaymentRange, *, since: datetime) -> list[PaymentDifference]:
    """Payments whose refunds do not add up to what they say went back, or that were taken in part. One query, set-based."""
    no_money = Decimal(0)
    counted = Refund.objects.filter(payment=OuterRef("pk"), currency=OuterRef("currency")).values("payment")
    promised = counted.exclude(status=RefundStatus.FAILED).annotate(sum=Sum("amount")).values("sum")
    rows = _rows(piece, since).annotate(
        promised=Coalesce(Subquery(promised), no_money), given_back=Coalesce(_given_back(), no_money)
    )
    fits = (
        Q(status=PaymentStatus.CAPTURED, given_back=0)
        | Q(status=PaymentStatus.PARTIALLY_REFUNDED, given_back__gt=0, given_back__lt=F("captured_amount"))
        | Q(status=PaymentStatus.REFUNDED, given_back=F("captured_amount"))
    )
    taken = Q(status__in=policies.TAKEN)
    agree = Q(refunded_amount=F("promised")) & (Q(~taken, promised=0) | (fits & Q(captured_amount=F("amount"))))
    return [
        PaymentDifference(
            kind=Mismatch.REFUNDED,
            reference=row.reference,
            detail=f"the payment is {row.status}, with {_money(row, row.captured_amount)} taken and"
            f" {_money(row, row.refunded_amount)} going back, but its refunds come to {_money(row, row.promised)},"
            f" {_money(row, row.given_back)} of it given back: compare them with the audit log",
        )
        for row in rows.exclude(agree).order_by("pk")
    ]


def why_moving(*, payment_ids: Collection[int], now: datetime) -> dict[int, str]:
    """Those of the payments that will still change by themselves, and why: waiting, with work due, just changed. Two queries."""
    why: dict[int, str] = {}
    for row in Payment.objects.filter(pk__in=payment_ids):
        if row.updated_at > now - YOUNG:
            why[row.pk] = "changed just now"
        elif row.status in (PaymentStatus.CREATED, PaymentStatus.ACTION_REQUIRED) and row.deadline_at > now - YOUNG:
            why[row.pk] = f"to be settled by {row.deadline_at:%H:%M} UTC"
    for work in PaymentWork.objects.filter(payment_id__in=payment_ids, done_at=None).order_by("pk"):
        tries = f" after {work.attempts} tries: {work.last_error}" if work.last_error else ""
        why[work.payment_id] = f"{work.kind} is due{tries}"
    return why


def provider_names(*, since: datetime) -> list[str]:
    """Who took payments since then, and who takes them now. One query."""
    rows = Payment.objects.filter(created_at__gte=since).exclude(provider=EXTERNAL)
    return sorted({*rows.values_list("provider", flat=True).distinct(), providers.current().name})


def compare_with_provider(*, provider: str, since: datetime, now: datetime) -> Iterator[Findings]:
    """The provider's own list since then against our payments, piece by piece; and ours against all that it listed.

    Raises ProviderUnavailable, ProviderRefused, at any piece; RuntimeError inside a transaction.
    """
    with closing(_Listed()) as listed:
        for piece in gateways.list_payments(provider=provider, since=since - SKEW):
            twice = listed.add(piece)
            yield Findings(differences=(*_compare(provider, piece, now), *twice))
        last = 0
        while rows := list(_expected_at(provider, since, now).filter(pk__gt=last).order_by("pk")[:PIECE]):
            last = rows[-1].pk
            yield Findings(differences=tuple(_missing(provider, [row for row in rows if row.key not in listed], now)))


class _Listed:
    """The keys that a provider has listed: in a file that nobody else sees, for there may be millions."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)  # a temporary database, on disk when it grows
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute("CREATE TABLE listed (key BLOB PRIMARY KEY, theirs TEXT NOT NULL) WITHOUT ROWID")

    def __contains__(self, key: uuid.UUID) -> bool:
        return self._theirs(key) is not None

    def add(self, piece: Sequence[ProviderPayment]) -> list[PaymentDifference]:
        """Note them; those of a key that came with another payment before."""
        twice: list[PaymentDifference] = []
        self._file.execute("BEGIN")
        for found in piece:
            theirs = self._theirs(found.key)
            if theirs is None:
                row = (found.key.bytes, found.provider_reference)
                self._file.execute("INSERT INTO listed (key, theirs) VALUES (?, ?)", row)
            elif theirs != found.provider_reference:
                text = f"the provider has {theirs} and {found.provider_reference} for it: one of them is to be given back there"
                twice.append(PaymentDifference(kind=Mismatch.TWICE, reference=found.reference, detail=text))
        self._file.execute("COMMIT")
        return twice

    def close(self) -> None:
        """Forget them."""
        self._file.close()

    def _theirs(self, key: uuid.UUID) -> str | None:
        row = self._file.execute("SELECT theirs FROM listed WHERE key = ?", (key.bytes,)).fetchone()
        return None if row is None else str(row[0])


def _compare(provider: str, piece: Sequence[ProviderPayment], now: datetime) -> list[PaymentDifference]:
    rows = {
        row.key: row
        for row in Payment.objects.filter(provider=provider, key__in=[found.key for found in piece]).annotate(
            given_back=Coalesce(_given_back(), Decimal(0))
        )
    }
    known = {row.pk: _differences(row, found) for found in piece if (row := rows.get(found.key)) is not None}
    unknown = [
        PaymentDifference(
            kind=Mismatch.UNKNOWN_HERE,
            reference=found.reference,
            detail=f"{provider} has {found.provider_reference}, {found.state}, {_taken(found)}, which the shop does not know:"
            " find out who made it, and give its money back there",
        )
        for found in piece
        if found.key not in rows
    ]
    return [*_explained(known, now), *unknown]


def _differences(row: Payment, found: ProviderPayment) -> list[PaymentDifference]:
    theirs, given_back = found.provider_reference, row.given_back  # type: ignore[attr-defined]  # annotated
    amount, captured, back = (_money(row, it) for it in (row.amount, row.captured_amount, given_back))
    told = {
        Mismatch.REFERENCE: found.reference != row.reference and f"it is for order {found.reference} there",
        Mismatch.AMOUNT: found.amount != amount and f"it is of {found.amount} there, of {amount} here",
        Mismatch.STATE: row.status not in _SAME[found.state] and f"it is {found.state} there, {row.status} here",
        Mismatch.CAPTURED: found.captured != captured and f"{found.captured} were taken there, {captured} here",
        Mismatch.REFUNDED: found.refunded != back
        and f"{found.refunded} went back there, {back} here: see who gave it back, there or here",
    }
    return [
        PaymentDifference(kind=kind, reference=row.reference, detail=f"{row.provider} {theirs}: {text}")
        for kind, text in told.items()
        if text
    ]


def _missing(provider: str, rows: Sequence[Payment], now: datetime) -> list[PaymentDifference]:
    return _explained(
        {
            row.pk: [
                PaymentDifference(
                    kind=Mismatch.UNKNOWN_THERE,
                    reference=row.reference,
                    detail=f"it is {row.status} here, and {provider} does not list {row.provider_reference or row.key}: look"
                    " for it there before anything is sent",
                )
            ]
            for row in rows
        },
        now,
    )


def _explained(found: Mapping[int, Sequence[PaymentDifference]], now: datetime) -> list[PaymentDifference]:
    """What will still change is told apart from what people must look at."""
    why = why_moving(payment_ids=[pk for pk, differences in found.items() if differences], now=now)
    return [explained(line, why.get(pk, "")) for pk, differences in found.items() for line in differences]


def explained(difference: PaymentDifference, moving: str) -> PaymentDifference:
    """The difference with why it will still change; none when that is empty."""
    return PaymentDifference(
        kind=difference.kind, reference=difference.reference, detail=difference.detail, moving=moving
    )


def _rows(piece: PaymentRange, since: datetime) -> "QuerySet[Payment]":
    return Payment.objects.filter(pk__gt=piece.after_id, pk__lte=piece.last_id, created_at__gte=since)


def _expected_at(provider: str, since: datetime, now: datetime) -> "QuerySet[Payment]":
    """Payments that the provider must have listed; not those that it may have got after it was asked."""
    return Payment.objects.filter(
        provider=provider, status__in=_AT_PROVIDER, created_at__gte=since, created_at__lte=now
    )


def _given_back() -> Subquery:
    done = Refund.objects.filter(payment=OuterRef("pk"), currency=OuterRef("currency"), status=RefundStatus.SUCCEEDED)
    return Subquery(done.values("payment").annotate(sum=Sum("amount")).values("sum"))


def _money(row: Payment, amount: Decimal) -> Money:
    return Money(amount, row.currency)


def _taken(found: ProviderPayment) -> str:
    return f"{found.captured} of {found.amount} taken and {found.refunded} given back"
