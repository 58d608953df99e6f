"""The proof that no unit is promised twice: stock rows against their ledger and their holds."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import connection

from core.audit import note
from core.transactions import unit_of_work
from inventory import locks
from inventory.models import Reservation
from inventory.types import InventoryReport, StockDifference

_BOOK = """
    SELECT i.id, i.product_id, i.warehouse_id, i.quantity, i.reserved,
        coalesce((SELECT sum(m.quantity) FROM inventory_stockmovement m WHERE m.inventory_id = i.id), 0)::bigint AS ledger,
        coalesce((SELECT sum(r.quantity) FROM inventory_reservation r WHERE r.inventory_id = i.id), 0)::bigint AS held
    FROM inventory_inventory i
"""
_COMPARE = f"""
    WITH book AS MATERIALIZED ({_BOOK})
    SELECT 'quantity' AS field, id, product_id, warehouse_id, quantity, ledger FROM book WHERE quantity <> ledger
    UNION ALL
    SELECT 'reserved', id, product_id, warehouse_id, reserved, held FROM book WHERE reserved <> held
    UNION ALL
    SELECT 'total', count(*), 0, 0, count(*) FILTER (WHERE held > ledger OR held > quantity), 0 FROM book
"""  # noqa: S608 - made of constants
_ORPHANS = """
    UNION ALL
    SELECT 'holder', r.id, i.product_id, i.warehouse_id, r.quantity, 0
    FROM inventory_reservation r JOIN inventory_inventory i ON i.id = r.inventory_id
    WHERE r.{column} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {table} h WHERE h.id = r.{column})
"""
_REPAIR = f"""
    UPDATE inventory_inventory i SET quantity = book.ledger, reserved = book.held
    FROM ({_BOOK} WHERE i.id = ANY(%s)) book
    WHERE i.id = book.id AND book.held <= book.ledger AND (i.quantity <> book.ledger OR i.reserved <> book.held)
    RETURNING i.id, book.ledger, book.held
"""  # noqa: S608 - made of constants


def compare() -> InventoryReport:
    """Every difference, found by one statement and so in one snapshot."""
    found: list[StockDifference] = []
    rows = oversold = 0
    for field, row_id, product_id, warehouse_id, is_now, should_be in _read(_COMPARE + _orphans()):
        if field == "total":
            rows, oversold = row_id, is_now
            continue
        found.append(
            StockDifference(
                field=field,
                row_id=row_id,
                product_id=product_id,
                warehouse_id=warehouse_id,
                found=is_now,
                expected=should_be,
            )
        )
    found.sort(key=lambda line: (line.product_id, line.warehouse_id, line.field, line.row_id))
    return InventoryReport(rows=rows, differences=tuple(found), oversold=oversold)


def repair(*, report: InventoryReport, now: datetime) -> InventoryReport:
    """Set right what ``report`` found and is still wrong, product by product under its lock."""
    mended: set[tuple[str, int]] = set()
    for product_id in sorted({line.product_id for line in report.differences}):
        with unit_of_work():
            shelves = locks.stock_of(product_ids=[product_id])
            lines = [line for line in report.differences if line.product_id == product_id]
            mended |= _end_orphans([line.row_id for line in lines if line.field == "holder"], now)
            mended |= _set_right([shelf.inventory_id for shelf in shelves.get(product_id, ())], now)
    return replace(
        report,
        differences=tuple(replace(line, repaired=(line.field, line.row_id) in mended) for line in report.differences),
    )


def _end_orphans(reservation_ids: Sequence[int], now: datetime) -> set[tuple[str, int]]:
    if not reservation_ids:
        return set()
    # An orphan stays one: ids of lines are never given twice, and a line is there before its hold. What the row counted for it is
    # not known, so `reserved` is not lowered here but set from the holds that are left.
    Reservation.objects.filter(pk__in=reservation_ids).delete()
    for reservation_id in reservation_ids:
        note(action="inventory.hold_without_holder_ended", object_type="reservation", object_id=reservation_id, now=now)
    return {("holder", reservation_id) for reservation_id in reservation_ids}


def _set_right(inventory_ids: Sequence[int], now: datetime) -> set[tuple[str, int]]:
    mended: set[tuple[str, int]] = set()
    for row_id, ledger, held in _read(_REPAIR, [list(inventory_ids)]):
        note(
            action="inventory.repaired",
            object_type="inventory",
            object_id=row_id,
            data={"quantity": ledger, "reserved": held},
            now=now,
        )
        mended |= {("quantity", row_id), ("reserved", row_id)}
    return mended


def _orphans() -> str:
    return "".join(
        _ORPHANS.format(column=column, table=apps.get_model(model)._meta.db_table)  # noqa: SLF001 - Django's own interface
        for column, model in settings.HOLDERS.items()
    )


def _read(sql: str, params: Sequence[list[int]] = ()) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return list(cursor.fetchall())
