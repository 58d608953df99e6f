"""Stock for many products at once, for imports and the demo: every unit with the movement that brought it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from core.transactions import require_transaction
from inventory.models import Warehouse

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
