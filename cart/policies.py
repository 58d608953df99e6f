"""Decisions about carts, pure."""

from datetime import datetime, timedelta


def hold_until(*, first_held_at: datetime, now: datetime, lifetime: timedelta, limit: timedelta) -> datetime | None:
    """Until when a hold taken now lasts: ``lifetime``, but never past ``limit`` from its first moment; None when that is past."""
    until = min(now + lifetime, first_held_at + limit)
    return until if until > now else None


def joined_quantity(*, ours: int, theirs: int, limit: int) -> int:
    """How many there are of a product once two carts are one: the sum, but no more than ``limit`` or what was there before."""
    return max(min(ours + theirs, limit), ours)
