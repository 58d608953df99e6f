"""What became of an order of the past: its states with their times, its parcels, and whether it came back."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orders.bulk import PastParcel, PastReturn, PastStep
from orders.types import OrderStatus, PaymentStatus

_CANCELLED, _REFUNDED = 0.02, 0.015
_CARRIERS = (("UPS", "1Z", 16), ("FedEx", "", 12), ("DHL", "JD", 16))
_REASONS = ("Does not fit", "Arrived damaged", "Not as expected", "Ordered by mistake", "Found it elsewhere")
_DIGITS = "0123456789"
_ORDER, _PAYMENT = "order", "payment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How it ended. ``voided`` money was never taken, ``sold`` goods left the shelf."""

    status: OrderStatus
    payment_status: PaymentStatus
    steps: tuple[PastStep, ...]
    parcels: tuple[PastParcel, ...] = ()
    sent_back: PastReturn | None = None

    @property
    def voided(self) -> bool:
        """Whether the order was given up before its money was taken."""
        return self.payment_status == PaymentStatus.VOIDED

    @property
    def updated_at(self) -> datetime:
        """When something happened last."""
        return self.steps[-1].at


def ending(
    *, number: str, placed_at: datetime, now: datetime, warehouses: Sequence[int], chance: random.Random
) -> Ending:
    """Decide how an order ended that takes line by line from ``warehouses`` (ids)."""
    placed = (
        PastStep(kind=_PAYMENT, before="", after=PaymentStatus.PENDING, at=placed_at),
        PastStep(kind=_ORDER, before="", after=OrderStatus.PENDING_PAYMENT, at=placed_at),
    )
    fate = chance.random()
    if fate < _CANCELLED:
        return _cancelled(placed, placed_at + timedelta(minutes=chance.randint(2, 14)))
    captured_at = min(placed_at + timedelta(seconds=chance.randint(5, 90)), now)
    paid = (*placed, *_paid(placed_at + timedelta(seconds=2), captured_at))
    parcels = _parcels(captured_at, now, warehouses, chance)
    if not parcels:
        return Ending(status=OrderStatus.PROCESSING, payment_status=PaymentStatus.CAPTURED, steps=paid)
    shipped_at = max(parcel.shipped_at for parcel in parcels)
    shipped = (*paid, _step(OrderStatus.PROCESSING, OrderStatus.SHIPPED, shipped_at))
    arrivals = [parcel.delivered_at for parcel in parcels if parcel.delivered_at]
    if len(arrivals) < len(parcels):
        return Ending(status=OrderStatus.SHIPPED, payment_status=PaymentStatus.CAPTURED, steps=shipped, parcels=parcels)
    delivered = (*shipped, _step(OrderStatus.SHIPPED, OrderStatus.DELIVERED, max(arrivals)))
    asked_at = max(arrivals) + timedelta(days=chance.randint(1, 12), hours=chance.randint(1, 20))
    refunded_at = asked_at + timedelta(days=chance.randint(4, 9))
    if fate < _CANCELLED + _REFUNDED and refunded_at < now:
        return _refunded(delivered, parcels, number, asked_at, refunded_at, chance.choice(_REASONS))
    return Ending(status=OrderStatus.DELIVERED, payment_status=PaymentStatus.CAPTURED, steps=delivered, parcels=parcels)


def _step(before: OrderStatus, after: OrderStatus, at: datetime) -> PastStep:
    return PastStep(kind=_ORDER, before=before, after=after, at=at)


def _money(before: PaymentStatus, after: PaymentStatus, at: datetime) -> PastStep:
    return PastStep(kind=_PAYMENT, before=before, after=after, at=at)


def _paid(authorised_at: datetime, captured_at: datetime) -> tuple[PastStep, ...]:
    return (
        _money(PaymentStatus.PENDING, PaymentStatus.AUTHORISED, authorised_at),
        _step(OrderStatus.PENDING_PAYMENT, OrderStatus.PAID, authorised_at),
        _money(PaymentStatus.AUTHORISED, PaymentStatus.CAPTURED, captured_at),
        _step(OrderStatus.PAID, OrderStatus.PROCESSING, captured_at),
    )


def _cancelled(placed: tuple[PastStep, ...], at: datetime) -> Ending:
    steps = (
        *placed,
        _money(PaymentStatus.PENDING, PaymentStatus.VOIDED, at),
        _step(OrderStatus.PENDING_PAYMENT, OrderStatus.CANCELLED, at),
    )
    return Ending(status=OrderStatus.CANCELLED, payment_status=PaymentStatus.VOIDED, steps=steps)


def _refunded(
    delivered: tuple[PastStep, ...],
    parcels: tuple[PastParcel, ...],
    number: str,
    asked_at: datetime,
    refunded_at: datetime,
    reason: str,
) -> Ending:
    steps = (
        *delivered,
        _money(PaymentStatus.CAPTURED, PaymentStatus.REFUNDED, refunded_at),
        _step(OrderStatus.DELIVERED, OrderStatus.REFUNDED, refunded_at),
    )
    sent_back = PastReturn(
        number=number.replace("HB-", "RT-", 1),
        warehouse_id=parcels[0].warehouse_id,
        reason=reason,
        requested_at=asked_at,
        refunded_at=refunded_at,
    )
    return Ending(
        status=OrderStatus.REFUNDED,
        payment_status=PaymentStatus.REFUNDED,
        steps=steps,
        parcels=parcels,
        sent_back=sent_back,
    )


def _parcels(
    paid_at: datetime, now: datetime, warehouses: Sequence[int], chance: random.Random
) -> tuple[PastParcel, ...]:
    """One parcel from each warehouse, as far as they have left by ``now``: all of them, or none yet."""
    found = []
    for warehouse in sorted(set(warehouses)):
        packed_at = paid_at + timedelta(hours=chance.randint(2, 26))
        shipped_at = packed_at + timedelta(hours=chance.randint(1, 8))
        delivered_at = shipped_at + timedelta(hours=chance.randint(20, 120))
        carrier, prefix, digits = chance.choice(_CARRIERS)
        if shipped_at > now:
            return ()
        found.append(
            PastParcel(
                warehouse_id=warehouse,
                positions=tuple(place for place, other in enumerate(warehouses) if other == warehouse),
                carrier=carrier,
                tracking_number=prefix + "".join(chance.choices(_DIGITS, k=digits)),
                packed_at=packed_at,
                shipped_at=shipped_at,
                delivered_at=delivered_at if delivered_at <= now else None,
            )
        )
    return tuple(found)
