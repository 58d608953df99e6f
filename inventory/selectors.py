"""What pages, API and the other apps read of the stock."""

from collections.abc import Collection
from datetime import datetime

from django.db.models import F, Min, Sum

from inventory.models import Inventory, Reservation
from inventory.types import Availability, Hold, WarehouseAvailability


def availability(*, product_ids: Collection[int]) -> dict[int, Availability]:
    """What can be had of each product; one that no active warehouse keeps has nothing available. One query.

    Stock is low when it is less than the highest of the product's thresholds.
    """
    rows = (
        Inventory.objects.filter(product_id__in=set(product_ids), warehouse__is_active=True)
        .annotate(available=F("quantity") - F("reserved"))
        .order_by("warehouse__priority", "warehouse__code")
        .values_list("product_id", "warehouse__code", "warehouse__name", "available", "low_stock_threshold")
    )
    found: dict[int, list[WarehouseAvailability]] = {product_id: [] for product_id in product_ids}
    thresholds: dict[int, int] = {}
    for product_id, code, name, available, threshold in rows:
        found[product_id].append(WarehouseAvailability(code=code, name=name, available=available))
        thresholds[product_id] = max(thresholds.get(product_id, 0), threshold)
    return {
        product_id: _availability(product_id, tuple(warehouses), thresholds.get(product_id, 0))
        for product_id, warehouses in found.items()
    }


def cart_holds(*, cart_line_ids: Collection[int]) -> dict[int, Hold]:
    """What cart lines hold; a line without a hold is left out. A hold may have lapsed: compare `until` with now. One query."""
    rows: list[tuple[int | None, int, datetime | None]] = list(
        Reservation.objects.filter(cart_line_id__in=set(cart_line_ids))
        .order_by("cart_line_id")
        .values("cart_line_id")
        .annotate(units=Sum("quantity"), until=Min("expires_at"))
        .values_list("cart_line_id", "units", "until")
    )
    return {
        line_id: Hold(cart_line_id=line_id, quantity=units, until=until)
        for line_id, units, until in rows
        if line_id is not None and until is not None
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
