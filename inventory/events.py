"""Facts about stock that others act on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core import events
from core.event_types import event
from inventory.policies import Shelf


@event("inventory.availability_changed", topic=events.INVENTORY_EVENTS, key="the product's id")
@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityChanged:
    """A product came or ceased to be available."""

    product_id: int
    available: int
    in_stock: bool


def publish_crossings(*, shelves: Mapping[int, Sequence[Shelf]], differences: Mapping[int, int], now: datetime) -> None:
    """Say which products came or ceased to be available.

    ``shelves`` are the locked rows as they were, by product; ``differences`` what each row gained in available units.
    """
    crossed: dict[str, AvailabilityChanged] = {}
    for product_id, rows in shelves.items():
        before = sum(shelf.available for shelf in rows)
        after = before + sum(differences.get(shelf.inventory_id, 0) for shelf in rows if shelf.active)
        if (before > 0) != (after > 0):
            crossed[str(product_id)] = AvailabilityChanged(product_id=product_id, available=after, in_stock=after > 0)
    events.publish_all(crossed, now=now)


def publish_arrivals(units: Mapping[int, int], *, now: datetime) -> None:
    """Say how many ``units`` there are of products that were kept nowhere until now; none is no news."""
    arrived = {
        str(product_id): AvailabilityChanged(product_id=product_id, available=available, in_stock=True)
        for product_id, available in sorted(units.items())
        if available
    }
    events.publish_all(arrived, now=now)
