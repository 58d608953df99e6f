"""Sales of the past, many at once: every unit was received before it was sold, so that shelves hold what they held."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.copying import copy_rows
from core.transactions import require_transaction
from inventory.models import Inventory

_MOVEMENT = ("inventory_id", "kind", "quantity", "reason", "reference", "at")
_ALLOCATION = ("order_line_id", "product_id", "warehouse_id", "quantity", "restocked", "created_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """A place that keeps a product."""

    inventory_id: int
    warehouse_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PastSale:
    """So many of a product that an order line took from a shelf."""

    order_line_id: int
    product_id: int
    shelf: Shelf
    quantity: int
    reference: str
    at: datetime


def shelves_of(*, product_ids: Collection[int]) -> dict[int, list[Shelf]]:
    """Where each product is kept, the preferred warehouse first. One query."""
    rows = Inventory.objects.filter(product__pk__any_of=product_ids).order_by("warehouse__priority", "warehouse__code")
    found: dict[int, list[Shelf]] = {}
    for product_id, inventory_id, warehouse_id in rows.values_list("product_id", "pk", "warehouse_id"):
        found.setdefault(product_id, []).append(Shelf(inventory_id=inventory_id, warehouse_id=warehouse_id))
    return found


def write_past_sales(*, sales: Sequence[PastSale], received_at: datetime) -> None:
    """Write what each shelf received and sold, and what was allocated. Quantities stay as they are. Nothing is published."""
    require_transaction("inventory.past.write_past_sales")
    received: Counter[int] = Counter()
    for sale in sales:
        received[sale.shelf.inventory_id] += sale.quantity
    copy_rows(
        "inventory_stockmovement",
        _MOVEMENT,
        (
            *((pk, "received", units, "", "past", received_at) for pk, units in sorted(received.items())),
            *((sale.shelf.inventory_id, "sold", -sale.quantity, "", sale.reference, sale.at) for sale in sales),
        ),
    )
    copy_rows(
        "inventory_allocation",
        _ALLOCATION,
        ((sale.order_line_id, sale.product_id, sale.shelf.warehouse_id, sale.quantity, 0, sale.at) for sale in sales),
    )
