"""What pages, API and the other apps read of the stock."""

from collections.abc import Collection

from django.db import connection

from inventory.types import Availability, Hold, WarehouseAvailability

# The product's own row tells what is kept nowhere from what does not exist.
_AVAILABILITY = """
    SELECT p.id, w.code, w.name, i.quantity - i.reserved, i.low_stock_threshold
    FROM catalog_product p
    LEFT JOIN (inventory_inventory i JOIN inventory_warehouse w ON w.id = i.warehouse_id AND w.is_active)
        ON i.product_id = p.id AND p.is_active
    WHERE p.id = ANY(%s::bigint[])
    ORDER BY p.id, w.priority, w.code
"""
_HOLDS = """
    SELECT cart_line_id, sum(quantity), min(expires_at) FROM inventory_reservation
    WHERE cart_line_id = ANY(%s::bigint[]) GROUP BY cart_line_id
"""


def availability(*, product_ids: Collection[int]) -> dict[int, Availability]:
    """What can be had of each product; one that does not exist is left out. One query.

    Nothing is available of what no active warehouse keeps, or is not sold any more. Stock is low when it is less than the highest
    of the product's thresholds.
    """
    with connection.cursor() as cursor:
        cursor.execute(_AVAILABILITY, [sorted(set(product_ids))])
        rows = cursor.fetchall()
    warehouses: dict[int, list[WarehouseAvailability]] = {}
    thresholds: dict[int, int] = {}
    for product_id, code, name, available, threshold in rows:
        kept = warehouses.setdefault(product_id, [])
        if code is not None:
            kept.append(WarehouseAvailability(code=code, name=name, available=available))
            thresholds[product_id] = max(thresholds.get(product_id, 0), threshold)
    return {
        product_id: _availability(product_id, tuple(kept), thresholds.get(product_id, 0))
        for product_id, kept in warehouses.items()
    }


def cart_holds(*, cart_line_ids: Collection[int]) -> dict[int, Hold]:
    """What cart lines hold; a line without a hold is left out. A hold may have lapsed: compare `until` with now. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_HOLDS, [list(cart_line_ids)])
        return {
            line_id: Hold(cart_line_id=line_id, quantity=units, until=until)
            for line_id, units, until in cursor.fetchall()
        }


def _availability(product_id: int, warehouses: tuple[WarehouseAvailability, ...], threshold: int) -> Availability:
    available = sum(warehouse.available for warehouse in warehouses)
    return Availability(
        product_id=product_id,
        available=available,
        in_stock=available > 0,
        low_stock=0 < available < threshold,
        warehouses=warehouses,
    )
