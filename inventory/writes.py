"""Changes of stock rows that the caller has locked, each a single statement over any number of rows."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from inventory.models import StockMovement
from inventory.policies import HoldChange
from inventory.types import OrderMove


def put_holds(*, changes: Sequence[HoldChange], now: datetime) -> None:
    """Make cart lines hold what ``changes`` say, and `reserved` follow by the differences."""
    if len(changes) == 1 and changes[0].quantity > 0:
        _put_one(changes[0], now)
    elif changes:
        _put_all(changes, now)


def _put_one(change: HoldChange, now: datetime) -> None:
    """As `_put_all`, planned and run in half the time: most changes are of one line in one place."""
    _run(
        """
        WITH moved AS (
            UPDATE inventory_inventory SET reserved = reserved + %(difference)s WHERE id = %(row)s AND %(difference)s <> 0
        )
        INSERT INTO inventory_reservation (inventory_id, cart_line_id, quantity, expires_at, created_at)
        VALUES (%(row)s, %(line)s, %(quantity)s, %(until)s, %(now)s)
        ON CONFLICT (cart_line_id, inventory_id)
            DO UPDATE SET quantity = EXCLUDED.quantity, expires_at = EXCLUDED.expires_at
        """,
        {
            "difference": change.difference,
            "row": change.inventory_id,
            "line": change.cart_line_id,
            "quantity": change.quantity,
            "until": change.expires_at,
            "now": now,
        },
    )


def _put_all(changes: Sequence[HoldChange], now: datetime) -> None:
    _run(
        """
        WITH change AS (
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::int[], %s::timestamptz[])
                AS c (inventory_id, cart_line_id, quantity, difference, expires_at)
        ), moved AS (
            UPDATE inventory_inventory i SET reserved = i.reserved + d.difference
            FROM (SELECT inventory_id, sum(difference) AS difference FROM change GROUP BY inventory_id) d
            WHERE i.id = d.inventory_id AND d.difference <> 0
        ), gone AS (
            DELETE FROM inventory_reservation r USING change c
            WHERE c.quantity = 0 AND r.inventory_id = c.inventory_id AND r.cart_line_id = c.cart_line_id
        )
        INSERT INTO inventory_reservation (inventory_id, cart_line_id, quantity, expires_at, created_at)
        SELECT inventory_id, cart_line_id, quantity, expires_at, %s FROM change WHERE quantity > 0
        ON CONFLICT (cart_line_id, inventory_id)
            DO UPDATE SET quantity = EXCLUDED.quantity, expires_at = EXCLUDED.expires_at
        """,
        [
            [change.inventory_id for change in changes],
            [change.cart_line_id for change in changes],
            [change.quantity for change in changes],
            [change.difference for change in changes],
            [change.expires_at for change in changes],
            now,
        ],
    )


def drop_holds(*, reservation_ids: Iterable[int]) -> None:
    """End these reservations, and lower `reserved` by exactly what was deleted."""
    _run(
        """
        WITH gone AS (
            DELETE FROM inventory_reservation WHERE id = ANY(%s) RETURNING inventory_id, quantity
        )
        UPDATE inventory_inventory i SET reserved = i.reserved - g.units
        FROM (SELECT inventory_id, sum(quantity) AS units FROM gone GROUP BY inventory_id) g
        WHERE i.id = g.inventory_id
        """,
        [list(reservation_ids)],
    )


def hand_to_order(*, moves: Sequence[OrderMove]) -> None:
    """Make order lines the holders of what cart lines held; `reserved` stays as it is."""
    _run(
        """
        UPDATE inventory_reservation r SET cart_line_id = NULL, order_line_id = m.order_line_id, expires_at = NULL
        FROM unnest(%s::bigint[], %s::bigint[]) AS m (cart_line_id, order_line_id)
        WHERE r.cart_line_id = m.cart_line_id
        """,
        [[move.cart_line_id for move in moves], [move.order_line_id for move in moves]],
    )


def hand_whole_to_order(*, moves: Sequence[OrderMove]) -> set[int]:
    """As `hand_to_order`, for those cart lines only that hold exactly what they move; which those were."""
    return _read(
        """
        WITH move AS (
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS m (cart_line_id, order_line_id, quantity)
        ), whole AS (
            SELECT m.cart_line_id, m.order_line_id FROM move m
            JOIN inventory_reservation r ON r.cart_line_id = m.cart_line_id
            GROUP BY m.cart_line_id, m.order_line_id, m.quantity HAVING sum(r.quantity) = m.quantity
        )
        UPDATE inventory_reservation r SET cart_line_id = NULL, order_line_id = w.order_line_id, expires_at = NULL
        FROM whole w WHERE r.cart_line_id = w.cart_line_id
        RETURNING w.cart_line_id
        """,
        [
            [move.cart_line_id for move in moves],
            [move.order_line_id for move in moves],
            [move.quantity for move in moves],
        ],
    )


def sell_holds(*, order_line_ids: Collection[int], reference: str, now: datetime) -> set[int]:
    """Turn order lines' holds into sales: quantity and reserved fall, ledger and allocations are written; which lines held."""
    return _read(
        """
        WITH gone AS (
            DELETE FROM inventory_reservation WHERE order_line_id = ANY(%s) RETURNING inventory_id, order_line_id, quantity
        ), taken AS (
            UPDATE inventory_inventory i SET quantity = i.quantity - g.units, reserved = i.reserved - g.units
            FROM (SELECT inventory_id, sum(quantity) AS units FROM gone GROUP BY inventory_id) g
            WHERE i.id = g.inventory_id
        ), noted AS (
            INSERT INTO inventory_stockmovement (inventory_id, kind, quantity, reason, reference, at)
            SELECT inventory_id, 'sold', -quantity, '', %s, %s FROM gone
        )
        INSERT INTO inventory_allocation (order_line_id, product_id, warehouse_id, quantity, restocked, created_at)
        SELECT g.order_line_id, i.product_id, i.warehouse_id, g.quantity, 0, %s
        FROM gone g JOIN inventory_inventory i ON i.id = g.inventory_id
        RETURNING order_line_id
        """,
        [list(order_line_ids), reference, now, now],
    )


def move_stock(*, movements: Sequence[StockMovement]) -> dict[int, int]:
    """Write ledger lines and let quantities follow; the differences by inventory row. Two statements."""
    differences: dict[int, int] = {}
    for movement in movements:
        differences[movement.inventory_id] = differences.get(movement.inventory_id, 0) + movement.quantity
    _run(
        """
        UPDATE inventory_inventory i SET quantity = i.quantity + d.difference
        FROM unnest(%s::bigint[], %s::int[]) AS d (inventory_id, difference) WHERE i.id = d.inventory_id
        """,
        [list(differences), list(differences.values())],
    )
    StockMovement.objects.bulk_create(movements)
    return differences


def _read(sql: str, params: Sequence[Any]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return {row[0] for row in cursor.fetchall()}


def _run(sql: str, params: Sequence[Any] | Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
