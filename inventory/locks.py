"""Every lock on stock: all rows of the products concerned, by (product, warehouse). Reservations are read under it.

Locking a product's rows together, and never some of them, makes the first row stand for the product: whoever has it has them all.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Q, QuerySet

from inventory.models import Inventory, Reservation
from inventory.policies import HeldUnits, Shelf
from inventory.types import Coordinates

Shelves = dict[int, list[Shelf]]


def stock_of(*, product_ids: Collection[int]) -> Shelves:
    """Lock the stock of ``product_ids`` in the one order of rule 3 and return it by product. One query."""
    return _lock(Inventory.objects.filter(product__pk__any_of=product_ids))


def stock_held_by(*, cart_line_ids: Collection[int] = (), order_line_ids: Collection[int] = ()) -> Shelves:
    """Lock the stock of every product that these lines hold some of. One query."""
    held = Reservation.objects.filter(_holders(cart_line_ids, order_line_ids)).values("inventory__product_id")
    return _lock(Inventory.objects.filter(product_id__in=held))


def skipping_stock_of(*, product_ids: Collection[int]) -> Shelves:
    """As `stock_of`, without the products that somebody else has locked. Two queries."""
    firsts = (
        Inventory.objects.filter(product_id__in=set(product_ids))
        .order_by("product_id", "warehouse_id")
        .distinct("product_id")
        .values("pk")
    )
    free = (
        Inventory.objects.select_for_update(no_key=True, skip_locked=True)
        .filter(pk__in=firsts)
        .order_by("product_id", "warehouse_id")
        .values_list("product_id", flat=True)
    )
    return stock_of(product_ids=list(free))


def holds_of(*, cart_line_ids: Collection[int] = (), order_line_ids: Collection[int] = ()) -> list[HeldUnits]:
    """The reservations of these lines, whose stock the caller has locked. One query."""
    return _read(Reservation.objects.filter(_holders(cart_line_ids, order_line_ids)))


def lapsed_holds(*, shelves: Shelves, now: datetime, keep: Collection[int] = ()) -> list[HeldUnits]:
    """The reservations on locked ``shelves`` that ended by ``now``, those of the cart lines ``keep`` aside. One query."""
    rows = [shelf.inventory_id for shelf in _all(shelves)]
    return _read(
        Reservation.objects.filter(inventory_id__in=rows, expires_at__lte=now).exclude(cart_line_id__in=set(keep))
    )


def _lock(rows: "QuerySet[Inventory]") -> Shelves:
    locked = (
        rows.select_for_update(of=("self",), no_key=True)
        .select_related("warehouse")
        .order_by("product_id", "warehouse_id")
    )
    shelves: Shelves = {}
    for row in locked:
        shelves.setdefault(row.product_id, []).append(_shelf(row))
    return shelves


def _shelf(row: Inventory) -> Shelf:
    place = row.warehouse
    known = place.latitude is not None and place.longitude is not None
    return Shelf(
        inventory_id=row.pk,
        product_id=row.product_id,
        warehouse_id=row.warehouse_id,
        quantity=row.quantity,
        reserved=row.reserved,
        active=place.is_active,
        priority=place.priority,
        place=Coordinates(latitude=float(place.latitude or 0), longitude=float(place.longitude or 0))
        if known
        else None,
    )


def _read(rows: "QuerySet[Reservation]") -> list[HeldUnits]:
    return [
        HeldUnits(
            reservation_id=row.pk,
            inventory_id=row.inventory_id,
            cart_line_id=row.cart_line_id,
            order_line_id=row.order_line_id,
            quantity=row.quantity,
            expires_at=row.expires_at,
        )
        for row in rows.order_by("pk")
    ]


def _holders(cart_line_ids: Collection[int], order_line_ids: Collection[int]) -> Q:
    return Q(cart_line_id__in=set(cart_line_ids)) | Q(order_line_id__in=set(order_line_ids))


def _all(shelves: Shelves) -> Iterable[Shelf]:
    return (shelf for rows in shelves.values() for shelf in rows)
