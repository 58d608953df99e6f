"""Every lock on stock: all rows of the products concerned, by (product, warehouse). Reservations are read under it.

Locking a product's rows together, and never some of them, makes the first row stand for the product: whoever has it has them all.
Written as SQL, for these are the statements that a busy shop runs most: making model instances costs more than reading rows.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from inventory.policies import HeldUnits, Shelf
from inventory.types import Coordinates

Shelves = dict[int, list[Shelf]]

_LOCKING = "FOR NO KEY UPDATE OF inventory_inventory"
_STOCK = """
    SELECT inventory_inventory.id, product_id, warehouse_id, quantity, reserved,
        place.is_active, place.priority, place.latitude::float8, place.longitude::float8
    FROM inventory_inventory JOIN inventory_warehouse place ON place.id = warehouse_id
    WHERE {which} ORDER BY product_id, warehouse_id
"""
_HELD = """
    SELECT id, inventory_id, cart_line_id, order_line_id, quantity, expires_at
    FROM inventory_reservation WHERE {which} ORDER BY id
"""
_FREE = """
    SELECT product_id FROM inventory_inventory WHERE id IN (
        SELECT DISTINCT ON (product_id) id FROM inventory_inventory
        WHERE product_id = ANY(%s::bigint[]) ORDER BY product_id, warehouse_id
    )
    ORDER BY product_id, warehouse_id FOR NO KEY UPDATE SKIP LOCKED
"""
_OF_PRODUCTS = "product_id = ANY(%s::bigint[])"
_OF_CART_LINES = "cart_line_id = ANY(%s::bigint[])"
_OF_LINES = f"({_OF_CART_LINES} OR order_line_id = ANY(%s::bigint[]))"
_OF_HOLDERS = f"""
    product_id IN (
        SELECT kept.product_id FROM inventory_reservation JOIN inventory_inventory kept ON kept.id = inventory_id
        WHERE {_OF_LINES}
    )
"""  # noqa: S608 - made of constants
_LAPSED = "inventory_id = ANY(%s::bigint[]) AND expires_at <= %s AND cart_line_id <> ALL(%s::bigint[])"


def stock_of(*, product_ids: Collection[int]) -> Shelves:
    """Lock the stock of ``product_ids`` in the one order of rule 3 and return it by product. One query."""
    return _lock(_OF_PRODUCTS, [list(product_ids)])


def stock_held_by(*, cart_line_ids: Collection[int] = (), order_line_ids: Collection[int] = ()) -> Shelves:
    """Lock the stock of every product that these lines hold some of. One query."""
    return _lock(_OF_HOLDERS, [list(cart_line_ids), list(order_line_ids)])


def stock_and_holds(*, product_ids: Collection[int], cart_line_ids: Collection[int]) -> tuple[Shelves, list[HeldUnits]]:
    """As `stock_of` and then `holds_of`, as two statements of one message to the server: one round trip.

    Each has its own snapshot, so that the second sees what was committed while the first waited. One statement would not.
    """
    message = f"{_STOCK.format(which=_OF_PRODUCTS)} {_LOCKING}; {_HELD.format(which=_OF_CART_LINES)}"
    with connection.cursor() as cursor:
        cursor.execute(message, [list(product_ids), list(cart_line_ids)])
        shelves = _shelves(cursor.fetchall())
        cursor.nextset()
        return shelves, _held(cursor.fetchall())


def skipping_stock_of(*, product_ids: Collection[int]) -> Shelves:
    """As `stock_of`, without the products that somebody else has locked. Two queries."""
    return stock_of(product_ids=[row[0] for row in _rows(_FREE, [list(product_ids)])])


def holds_of(*, cart_line_ids: Collection[int] = (), order_line_ids: Collection[int] = ()) -> list[HeldUnits]:
    """The reservations of these lines, whose stock the caller has locked. One query."""
    return _held(_rows(_HELD.format(which=_OF_LINES), [list(cart_line_ids), list(order_line_ids)]))


def lapsed_holds(*, shelves: Shelves, now: datetime, keep: Collection[int] = ()) -> list[HeldUnits]:
    """The reservations on locked ``shelves`` that ended by ``now``, those of the cart lines ``keep`` aside. One query."""
    rows = [shelf.inventory_id for shelf in _all(shelves)]
    return _held(_rows(_HELD.format(which=_LAPSED), [rows, now, list(keep)]))


def _lock(which: str, params: Sequence[Any]) -> Shelves:
    return _shelves(_rows(f"{_STOCK.format(which=which)} {_LOCKING}", params))


def _rows(sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _shelves(rows: Iterable[tuple[Any, ...]]) -> Shelves:
    shelves: Shelves = {}
    for row_id, product_id, warehouse_id, quantity, reserved, active, priority, latitude, longitude in rows:
        known = latitude is not None and longitude is not None
        shelf = Shelf(
            inventory_id=row_id,
            product_id=product_id,
            warehouse_id=warehouse_id,
            quantity=quantity,
            reserved=reserved,
            active=active,
            priority=priority,
            place=Coordinates(latitude=latitude, longitude=longitude) if known else None,
        )
        shelves.setdefault(product_id, []).append(shelf)
    return shelves


def _held(rows: Iterable[tuple[Any, ...]]) -> list[HeldUnits]:
    return [
        HeldUnits(
            reservation_id=row_id,
            inventory_id=inventory_id,
            cart_line_id=cart_line_id,
            order_line_id=order_line_id,
            quantity=quantity,
            expires_at=expires_at,
        )
        for row_id, inventory_id, cart_line_id, order_line_id, quantity, expires_at in rows
    ]


def _all(shelves: Shelves) -> Iterable[Shelf]:
    return (shelf for rows in shelves.values() for shelf in rows)
