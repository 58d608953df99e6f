"""Stock for many products at once, for imports and the demo: every unit with the movement that brought it."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext as _

from core.transactions import require_transaction
from inventory import locks
from inventory.errors import StockIsReserved
from inventory.events import publish_arrivals, publish_crossings
from inventory.models import Inventory, Warehouse

_INSTALL = """
WITH fresh AS (
    INSERT INTO inventory_inventory (product_id, warehouse_id, quantity, reserved, low_stock_threshold)
    SELECT product_id, warehouse_id, quantity, 0, 5
    FROM unnest(%s::bigint[], %s::bigint[], %s::int[]) AS wanted (product_id, warehouse_id, quantity)
    ON CONFLICT (product_id, warehouse_id) DO NOTHING
    RETURNING id, quantity
)
INSERT INTO inventory_stockmovement (inventory_id, kind, quantity, reason, reference, at)
SELECT id, 'received', quantity, '', %s, %s FROM fresh WHERE quantity > 0
"""
_COUNT = """
WITH counted AS (
    SELECT * FROM unnest(%s::bigint[], %s::int[]) AS c (inventory_id, difference)
), moved AS (
    UPDATE inventory_inventory i SET quantity = i.quantity + c.difference FROM counted c WHERE i.id = c.inventory_id
)
INSERT INTO inventory_stockmovement (inventory_id, kind, quantity, reason, reference, at)
SELECT inventory_id, 'adjusted', difference, '', %s, %s FROM counted
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseRecord:
    """A warehouse to be there, found again by its code."""

    code: str
    name: str
    city: str
    region: str
    postal_code: str
    country: str
    latitude: Decimal
    longitude: Decimal
    priority: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRecord:
    """So much of a product in a warehouse."""

    product_id: int
    warehouse_code: str
    quantity: int


def install_warehouses(*, warehouses: Sequence[WarehouseRecord]) -> None:
    """Add the warehouses that are not there yet; those that are stay as staff left them."""
    require_transaction("inventory.bulk.install_warehouses")
    Warehouse.objects.bulk_create(
        [
            Warehouse(
                code=record.code,
                name=record.name,
                city=record.city,
                region=record.region,
                postal_code=record.postal_code,
                country=record.country,
                latitude=record.latitude,
                longitude=record.longitude,
                priority=record.priority,
            )
            for record in warehouses
        ],
        ignore_conflicts=True,
    )


def install_stock(*, rows: Sequence[StockRecord], reference: str, now: datetime) -> None:
    """Receive first stock of products, in one statement. What a warehouse already keeps, or once kept, is left as it is.

    Raises KeyError for a warehouse that is not there, and IntegrityError for a quantity below zero.
    """
    require_transaction("inventory.bulk.install_stock")
    if not rows:
        return
    warehouses = dict(Warehouse.objects.values_list("code", "pk"))
    with connection.cursor() as cursor:
        cursor.execute(
            _INSTALL,
            [
                [row.product_id for row in rows],
                [warehouses[row.warehouse_code] for row in rows],
                [row.quantity for row in rows],
                reference,
                now,
            ],
        )


def warehouse_codes() -> set[str]:
    """The codes of all warehouses. One query."""
    return set(Warehouse.objects.values_list("code", flat=True))


def promised_units(*, product_ids: Collection[int]) -> dict[tuple[int, str], int]:
    """How many units shoppers are promised, by product and warehouse, locked until the transaction ends. Two queries."""
    require_transaction("inventory.bulk.promised_units")
    codes = dict(Warehouse.objects.values_list("pk", "code"))
    shelves = locks.stock_of(product_ids=product_ids)
    return {(row.product_id, codes[row.warehouse_id]): row.reserved for rows in shelves.values() for row in rows}


def set_stock(*, rows: Sequence[StockRecord], reference: str, now: datetime) -> None:
    """Make shelves hold exactly what ``rows`` say; what differs is an adjustment. Publishes what came or ceased to be available.

    Raises KeyError for a warehouse that is not there, and StockIsReserved where fewer units would be left than are promised.
    """
    require_transaction("inventory.bulk.set_stock")
    products = {row.product_id for row in rows}
    kept = locks.stock_of(product_ids=_kept_anywhere(products))
    install_stock(rows=rows, reference=reference, now=now)
    opened = locks.stock_of(product_ids=kept) if kept else {}
    differences = _differences(rows, opened) if kept else {}
    if differences:
        with connection.cursor() as cursor:
            cursor.execute(_COUNT, [list(differences), list(differences.values()), reference, now])
    _publish_counted(rows, kept, opened, differences, now)


def _differences(rows: Sequence[StockRecord], opened: locks.Shelves) -> dict[int, int]:
    """How many units each shelf has too few, by its id. Raises StockIsReserved."""
    wanted = {(row.product_id, row.warehouse_code): row.quantity for row in rows}
    codes = dict(Warehouse.objects.values_list("pk", "code"))
    differences: dict[int, int] = {}
    for shelf in (shelf for shelves in opened.values() for shelf in shelves):
        quantity = wanted.get((shelf.product_id, codes[shelf.warehouse_id]), shelf.quantity)
        if quantity < shelf.reserved:
            raise StockIsReserved(
                _("%(reserved)d units of %(quantity)d are promised to shoppers.")
                % {"reserved": shelf.reserved, "quantity": shelf.quantity},
                params={"quantity": shelf.quantity, "reserved": shelf.reserved},
            )
        if quantity != shelf.quantity:
            differences[shelf.inventory_id] = quantity - shelf.quantity
    return differences


def _kept_anywhere(product_ids: Collection[int]) -> list[int]:
    """Those of ``product_ids`` that some warehouse has or had."""
    rows = Inventory.objects.filter(product__pk__any_of=product_ids)
    return list(rows.order_by("product_id").values_list("product_id", flat=True).distinct())


def _publish_counted(
    rows: Sequence[StockRecord], kept: locks.Shelves, opened: locks.Shelves, differences: dict[int, int], now: datetime
) -> None:
    """Say what came or ceased to be available: shelves that were there before, opened since, and those of new products."""
    there = {shelf.inventory_id for shelves in kept.values() for shelf in shelves}
    gained = dict(differences)
    before = {}
    for product_id, shelves in opened.items():
        before[product_id] = [shelf if shelf.inventory_id in there else replace(shelf, quantity=0) for shelf in shelves]
        for shelf in shelves:
            if shelf.inventory_id not in there:
                gained[shelf.inventory_id] = shelf.quantity
    publish_crossings(shelves=before, differences=gained, now=now)
    active = set(Warehouse.objects.filter(is_active=True).values_list("code", flat=True))
    arrived: Counter[int] = Counter()
    for row in rows:
        if row.product_id not in kept and row.warehouse_code in active:
            arrived[row.product_id] += row.quantity
    publish_arrivals(arrived, now=now)


def stock_on_hand(*, product_ids: Collection[int]) -> dict[int, dict[str, int]]:
    """The units on hand and unsold, promised ones too, by product and warehouse code. One query."""
    rows = Inventory.objects.filter(product__pk__any_of=product_ids).order_by("product_id", "warehouse__code")
    found: dict[int, dict[str, int]] = {}
    for product_id, code, quantity in rows.values_list("product_id", "warehouse__code", "quantity"):
        found.setdefault(product_id, {})[code] = quantity
    return found
