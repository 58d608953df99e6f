"""Decisions about stock, pure: which warehouse fills a line, and what each line's hold becomes."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from inventory.types import Coordinates, HoldRequest, SaleLine

EARTH_RADIUS_KM = 6371.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A product's locked stock in a warehouse. What an inactive warehouse has is not for new promises."""

    inventory_id: int
    product_id: int
    warehouse_id: int
    quantity: int
    reserved: int
    active: bool
    priority: int
    place: Coordinates | None

    @property
    def available(self) -> int:
        """Units that can be promised."""
        return self.quantity - self.reserved if self.active else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldUnits:
    """One reservation row, read while its inventory row is locked."""

    reservation_id: int
    inventory_id: int
    cart_line_id: int | None
    order_line_id: int | None
    quantity: int
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldChange:
    """What a cart line is to hold on a shelf: ``quantity`` in all, ``difference`` more than now; 0 ends the hold."""

    inventory_id: int
    cart_line_id: int
    quantity: int
    difference: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """A line that can not be filled; ``available`` is what it could have in all, its own hold included."""

    product_id: int
    requested: int
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPlan:
    """What to write; nothing of it where some line is short."""

    changes: tuple[HoldChange, ...]
    short: tuple[Shortage, ...]


def plan_holds(
    *,
    requests: Iterable[HoldRequest],
    shelves: Mapping[int, Sequence[Shelf]],
    held: Iterable[HeldUnits],
    near: Coordinates | None,
) -> HoldPlan:
    """How each line comes to hold what it asks for, moving the difference only.

    ``shelves`` are the locked rows by product, ``held`` the reservations of the lines asked for.
    """
    free = {shelf.inventory_id: shelf.available for rows in shelves.values() for shelf in rows if shelf.active}
    has: dict[int, dict[int, int]] = {}
    for hold in held:
        if hold.cart_line_id is not None:
            has.setdefault(hold.cart_line_id, {})[hold.inventory_id] = hold.quantity
    changes: list[HoldChange] = []
    short: list[Shortage] = []
    for request in requests:
        own = has.get(request.cart_line_id, {})
        rows = [shelf for shelf in shelves.get(request.product_id, ()) if shelf.active]
        missing = request.quantity - sum(own.values())
        reachable = sum(max(free[shelf.inventory_id], 0) for shelf in rows)
        if missing > reachable:
            available = sum(own.values()) + reachable
            short.append(Shortage(product_id=request.product_id, requested=request.quantity, available=available))
            continue
        moves = take(rows, missing, free=free, preferred=own, near=near) if missing > 0 else give_back(own, -missing)
        for inventory_id in moves.keys() & free.keys():
            free[inventory_id] -= moves[inventory_id]
        changes.extend(_changes(request, own, moves))
    return HoldPlan(changes=tuple(changes), short=tuple(short))


def take(
    shelves: Sequence[Shelf],
    units: int,
    *,
    free: Mapping[int, int],
    preferred: Mapping[int, int],
    near: Coordinates | None,
) -> dict[int, int]:
    """Where ``units`` come from: one shelf that can fill them alone, else the fewest; never more than there is.

    A shelf the line holds on already goes first (one parcel), then the nearest, then the warehouse's priority.
    """

    def rank(shelf: Shelf) -> tuple[bool, float, int, int]:
        return (
            shelf.inventory_id not in preferred,
            distance_km(shelf.place, near),
            shelf.priority,
            shelf.warehouse_id,
        )

    able = sorted((shelf for shelf in shelves if free[shelf.inventory_id] >= units), key=rank)
    if able:
        return {able[0].inventory_id: units}
    taken: dict[int, int] = {}
    for shelf in sorted(shelves, key=lambda row: (-free[row.inventory_id], *rank(row))):
        part = min(units, free[shelf.inventory_id])
        if part > 0:
            taken[shelf.inventory_id] = part
            units -= part
    return taken


def give_back(own: Mapping[int, int], units: int) -> dict[int, int]:
    """From which of a line's shelves ``units`` go back, as negative differences: the smallest parts first, to save parcels."""
    given: dict[int, int] = {}
    for inventory_id, quantity in sorted(own.items(), key=lambda part: (part[1], part[0])):
        part = min(units, quantity)
        if part > 0:
            given[inventory_id] = -part
            units -= part
    return given


def join_holds(*, line_id: int, joined: Iterable[HeldUnits], most: int, until: datetime) -> list[HoldChange]:
    """How the cart line comes to hold all of ``joined``, ``most`` units at most. Holds of others among them end elsewhere."""
    parts: dict[int, int] = {}
    own: dict[int, int] = {}
    for unit in joined:
        parts[unit.inventory_id] = parts.get(unit.inventory_id, 0) + unit.quantity
        if unit.cart_line_id == line_id:
            own[unit.inventory_id] = unit.quantity
    for inventory_id, difference in give_back(parts, sum(parts.values()) - most).items():
        parts[inventory_id] += difference
    return [
        HoldChange(
            inventory_id=inventory_id,
            cart_line_id=line_id,
            quantity=quantity,
            difference=quantity - own.get(inventory_id, 0),
            expires_at=until,
        )
        for inventory_id, quantity in sorted(parts.items())
    ]


def plan_restock(*, lines: Sequence[SaleLine], left: Sequence[tuple[int, int, int]]) -> dict[int, int] | None:
    """How many units come back to each allocation, first come first; None where a line has fewer left than that.

    ``left`` are (allocation, order line, units not yet back).
    """
    back: dict[int, int] = {}
    for line in lines:
        units = line.quantity
        for allocation_id, order_line_id, units_left in left:
            part = min(units, units_left - back.get(allocation_id, 0)) if order_line_id == line.order_line_id else 0
            if part > 0:
                back[allocation_id] = back.get(allocation_id, 0) + part
                units -= part
        if units > 0:
            return None
    return back


def distance_km(place: Coordinates | None, near: Coordinates | None) -> float:
    """Along the surface of the earth. An unknown place is farthest; with nothing to be near to, all are alike."""
    if near is None:
        return 0.0
    if place is None:
        return math.inf
    lat1, lat2 = math.radians(place.latitude), math.radians(near.latitude)
    across = math.radians(near.longitude - place.longitude)
    inner = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(across / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(inner)))


def _changes(request: HoldRequest, own: Mapping[int, int], moves: Mapping[int, int]) -> list[HoldChange]:
    """One change per shelf the line holds on before or after: those it keeps are held as long as the rest."""
    return [
        HoldChange(
            inventory_id=inventory_id,
            cart_line_id=request.cart_line_id,
            quantity=own.get(inventory_id, 0) + moves.get(inventory_id, 0),
            difference=moves.get(inventory_id, 0),
            expires_at=request.expires_at,
        )
        for inventory_id in sorted({*own, *moves})
    ]
