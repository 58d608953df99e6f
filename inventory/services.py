"""What staff and the clock do to the stock."""

from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from catalog import selectors as catalog
from core.errors import FieldError, InvalidInput, NotFound
from core.transactions import unit_of_work
from inventory import locks, metrics, operations, proof, writes
from inventory.errors import StockIsReserved
from inventory.events import publish_crossings
from inventory.models import Inventory, Reservation, StockMovement, Warehouse
from inventory.policies import Shelf
from inventory.types import InventoryReport, ReleasedHolds, StockLevel

MOST_UNITS = 1_000_000_000  # what fits the column with room to add


def receive(
    *,
    product_id: int,
    warehouse_id: int,
    quantity: int,
    reference: str = "",
    reason: str = "",
    actor_id: int | None,
    now: datetime,
) -> StockLevel:
    """Put ``quantity`` units that arrived on the shelf. Raises InvalidInput, NotFound (the warehouse), Unavailable."""
    if not 0 < quantity <= MOST_UNITS:
        raise _bad_quantity(_("Receive at least one unit."))
    return _move(
        StockMovement(
            kind=StockMovement.Kind.RECEIVED,
            quantity=quantity,
            reference=reference,
            reason=reason,
            actor_id=actor_id,
            at=now,
        ),
        product_id,
        warehouse_id,
    )


def adjust(
    *, product_id: int, warehouse_id: int, difference: int, reason: str, actor_id: int | None, now: datetime
) -> StockLevel:
    """Correct the books by ``difference`` units, for a ``reason`` that must be given.

    Raises InvalidInput, NotFound (the warehouse), StockIsReserved where promised units would go, Unavailable.
    """
    if not 0 < abs(difference) <= MOST_UNITS:
        raise _bad_quantity(_("Say by how many units, more or less, but not by none."))
    if not reason.strip():
        detail = _("Say why.")
        raise InvalidInput(detail, errors=[FieldError("/reason", "required", detail)])
    movement = StockMovement(
        kind=StockMovement.Kind.ADJUSTED, quantity=difference, reason=reason.strip(), actor_id=actor_id, at=now
    )
    return _move(movement, product_id, warehouse_id)


def set_low_stock_threshold(*, product_id: int, warehouse_id: int, threshold: int) -> StockLevel:
    """Call the product's stock low when fewer units than this are left. Raises InvalidInput, NotFound, Unavailable."""
    if not 0 <= threshold <= MOST_UNITS:
        raise _bad_quantity(_("A threshold is zero or more."))
    with unit_of_work():
        rows = locks.stock_of(product_ids=[product_id]).get(product_id, [])
        shelf = next((row for row in rows if row.warehouse_id == warehouse_id), None)
        if shelf is None:
            raise NotFound(_("This warehouse does not keep the product."))
        Inventory.objects.filter(pk=shelf.inventory_id).update(low_stock_threshold=threshold)
    return StockLevel(
        product_id=product_id, warehouse_id=warehouse_id, quantity=shelf.quantity, reserved=shelf.reserved
    )


def release_expired(*, now: datetime, batch: int = 500) -> ReleasedHolds:
    """End every cart's hold that ended by ``now``, products in batches of one transaction each.

    Products that somebody else has locked wait for the next run. Two runs at once, or one killed, release each hold once.
    """
    last = holds = units = 0
    lines: set[int] = set()
    while True:
        lapsed = Reservation.objects.filter(expires_at__lte=now, inventory__product_id__gt=last)
        ids = lapsed.order_by("inventory__product_id").values_list("inventory__product_id", flat=True)
        products = list(ids.distinct()[:batch])
        if not products:
            break
        last = products[-1]
        with unit_of_work():
            released = operations.release_lapsed(product_ids=products, now=now)
        holds += len(released)
        units += sum(hold.quantity for hold in released)
        lines.update(hold.cart_line_id for hold in released if hold.cart_line_id is not None)
    count_carts: Callable[..., int] = import_string(settings.CART_COUNTER)
    carts = count_carts(cart_line_ids=lines) if lines else 0
    metrics.CART_ABANDONMENTS.inc(carts)
    return ReleasedHolds(holds=holds, units=units, carts=carts)


def check_inventory(*, repair: bool = False, now: datetime) -> InventoryReport:
    """Compare every stock row with its ledger and its holds, and every hold with its holder, in one snapshot.

    With ``repair``, rows are set to what ledger and holds say, and holds without a holder end; each repair leaves an audit row. A
    row whose holds exceed its ledger is left for a person. Oversold rows are added to `inventory_oversell_total`.
    """
    report = proof.compare()
    metrics.OVERSELL.inc(report.oversold)
    return proof.repair(report=report, now=now) if repair and report.differences else report


def _move(movement: StockMovement, product_id: int, warehouse_id: int) -> StockLevel:
    """Write one ledger line and let the shelf follow."""
    with unit_of_work():
        if not Warehouse.objects.filter(pk=warehouse_id).exists():
            detail = _("There is no such warehouse.")
            raise NotFound(detail, errors=[FieldError("/warehouse_id", "not_found", detail)])
        shelves = _shelves_with(product_id, warehouse_id)
        shelf = next(row for row in shelves[product_id] if row.warehouse_id == warehouse_id)
        left = shelf.quantity + movement.quantity
        if left > MOST_UNITS:
            raise _bad_quantity(_("That is more than a shelf can have."))
        if left < shelf.reserved:
            raise StockIsReserved(
                _("%(reserved)d units of %(quantity)d are promised to shoppers.")
                % {"reserved": shelf.reserved, "quantity": shelf.quantity},
                params={"quantity": shelf.quantity, "reserved": shelf.reserved},
            )
        movement.inventory_id = shelf.inventory_id
        differences = writes.move_stock(movements=[movement])
        publish_crossings(shelves=shelves, differences=differences, now=movement.at)
    return StockLevel(product_id=product_id, warehouse_id=warehouse_id, quantity=left, reserved=shelf.reserved)


def _shelves_with(product_id: int, warehouse_id: int) -> dict[int, list[Shelf]]:
    """The product's locked stock, with a row for the warehouse. Raises NotFound for a product that does not exist."""
    if not Inventory.objects.filter(product_id=product_id, warehouse_id=warehouse_id).exists():
        if not catalog.sellable(product_ids=[product_id]):
            detail = _("There is no such product.")
            raise NotFound(detail, errors=[FieldError("/product_id", "not_found", detail)])
        fresh = Inventory(product_id=product_id, warehouse_id=warehouse_id)
        Inventory.objects.bulk_create([fresh], ignore_conflicts=True)
    return locks.stock_of(product_ids=[product_id])


def _bad_quantity(detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError("/quantity", "invalid", detail)])
