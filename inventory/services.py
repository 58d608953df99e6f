"""What staff and the clock do to the stock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import F
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from catalog import selectors as catalog
from core.audit import note
from core.errors import FieldError, InvalidInput, NotFound
from core.transactions import unit_of_work
from inventory import locks, metrics, operations, proof, writes
from inventory.errors import StockIsReserved
from inventory.events import publish_crossings
from inventory.models import Allocation, Inventory, Reservation, StockMovement, Warehouse
from inventory.policies import Shelf
from inventory.types import InventoryReport, ReleasedHolds, StockLevel

BATCHES_A_LOOK = 40
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
    return _move_one(
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
    return _move_one(movement, product_id, warehouse_id)


def transfer(
    *,
    product_id: int,
    from_warehouse_id: int,
    to_warehouse_id: int,
    quantity: int,
    reference: str = "",
    actor_id: int | None,
    now: datetime,
) -> tuple[StockLevel, StockLevel]:
    """Move unpromised units from one warehouse's shelf to another's; both as they are then.

    Both books change at once: what travels is counted where it goes. Raises InvalidInput, NotFound (a warehouse), StockIsReserved
    where promised units would go, Unavailable.
    """
    if not 0 < quantity <= MOST_UNITS:
        raise _bad_quantity(_("Move at least one unit."))
    if from_warehouse_id == to_warehouse_id:
        detail = _("Choose two warehouses.")
        raise InvalidInput(detail, errors=[FieldError("/to_warehouse_id", "invalid", detail)])
    with unit_of_work():
        shelves = _shelves_with(product_id, [from_warehouse_id, to_warehouse_id])
        moved = (
            _move(shelves, from_warehouse_id, _transferred(-quantity, reference, actor_id, now)),
            _move(shelves, to_warehouse_id, _transferred(quantity, reference, actor_id, now)),
        )
        _write(shelves, moved, now)
    return moved[0].level, moved[1].level


def count(
    *, product_id: int, warehouse_id: int, counted: int, reference: str = "", actor_id: int | None, now: datetime
) -> StockLevel:
    """Set the books to what somebody ``counted`` on the shelf, sold units that wait to be shipped among them.

    A count that agrees is noted in the audit log too. Do not ship from the shelf meanwhile: what leaves between the counting and
    this is found missing. Raises InvalidInput, NotFound, StockIsReserved where promised units would go, Unavailable.
    """
    if not 0 <= counted <= MOST_UNITS:
        raise _bad_quantity(_("A count is zero or more."))
    with unit_of_work():
        shelves = _shelves_with(product_id, [warehouse_id])
        shelf = _shelf(shelves, product_id, warehouse_id)
        waiting = _waiting_to_be_shipped(product_id, warehouse_id)
        difference = counted - waiting - shelf.quantity
        moved = _Move(shelf, None)
        if difference:
            movement = StockMovement(
                kind=StockMovement.Kind.ADJUSTED,
                quantity=difference,
                reason=_("Counted"),
                reference=reference,
                actor_id=actor_id,
                at=now,
            )
            moved = _move(shelves, warehouse_id, movement)
            _write(shelves, [moved], now)
        facts = {"counted": counted, "waiting_to_be_shipped": waiting, "difference": difference}
        note(
            action="inventory.counted",
            object_type="inventory",
            object_id=shelf.inventory_id,
            data=facts,
            actor_id=actor_id,
            now=now,
        )
    return moved.level


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
        # Many batches' worth at a time: each look goes through all that has lapsed.
        products = list(ids.distinct()[: batch * BATCHES_A_LOOK])
        if not products:
            break
        last = products[-1]
        for at in range(0, len(products), batch):
            with unit_of_work():
                released = operations.release_lapsed(product_ids=products[at : at + batch], now=now)
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


@dataclass(frozen=True, slots=True)
class _Move:
    """A ledger line to be written, and the shelf it is about, as it was before."""

    shelf: Shelf
    movement: StockMovement | None

    @property
    def level(self) -> StockLevel:
        """The shelf afterwards."""
        return StockLevel(
            product_id=self.shelf.product_id,
            warehouse_id=self.shelf.warehouse_id,
            quantity=self.shelf.quantity + (self.movement.quantity if self.movement else 0),
            reserved=self.shelf.reserved,
        )


def _move_one(movement: StockMovement, product_id: int, warehouse_id: int) -> StockLevel:
    """Write one ledger line and let the shelf follow."""
    with unit_of_work():
        shelves = _shelves_with(product_id, [warehouse_id])
        moved = _move(shelves, warehouse_id, movement)
        _write(shelves, [moved], movement.at)
    return moved.level


def _move(shelves: locks.Shelves, warehouse_id: int, movement: StockMovement) -> _Move:
    """That ``movement`` happens on the warehouse's locked shelf. Raises InvalidInput, StockIsReserved."""
    ((product_id, _rows),) = shelves.items()
    shelf = _shelf(shelves, product_id, warehouse_id)
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
    return _Move(shelf, movement)


def _write(shelves: locks.Shelves, moves: Sequence[_Move], now: datetime) -> None:
    differences = writes.move_stock(movements=[move.movement for move in moves if move.movement is not None])
    publish_crossings(shelves=shelves, differences=differences, now=now)


def _transferred(quantity: int, reference: str, actor_id: int | None, now: datetime) -> StockMovement:
    return StockMovement(
        kind=StockMovement.Kind.TRANSFERRED, quantity=quantity, reference=reference, actor_id=actor_id, at=now
    )


def _shelves_with(product_id: int, warehouse_ids: Sequence[int]) -> locks.Shelves:
    """The product's locked stock, with a row for each warehouse. Raises NotFound for a product or warehouse that is not there."""
    kept = set(Inventory.objects.filter(product_id=product_id).values_list("warehouse_id", flat=True))
    missing = set(warehouse_ids) - kept
    if missing:
        if Warehouse.objects.filter(pk__in=missing).count() < len(missing):
            detail = _("There is no such warehouse.")
            raise NotFound(detail, errors=[FieldError("/warehouse_id", "not_found", detail)])
        if not catalog.sellable(product_ids=[product_id]):
            detail = _("There is no such product.")
            raise NotFound(detail, errors=[FieldError("/product_id", "not_found", detail)])
        fresh = [Inventory(product_id=product_id, warehouse_id=warehouse_id) for warehouse_id in sorted(missing)]
        Inventory.objects.bulk_create(fresh, ignore_conflicts=True)
    return locks.stock_of(product_ids=[product_id])


def _shelf(shelves: locks.Shelves, product_id: int, warehouse_id: int) -> Shelf:
    return next(row for row in shelves[product_id] if row.warehouse_id == warehouse_id)


def _waiting_to_be_shipped(product_id: int, warehouse_id: int) -> int:
    """Units of the product that were sold from the warehouse and still lie in it."""
    shipped_by_line: Callable[..., dict[int, int]] = import_string(settings.LINES_TO_SHIP)
    shipped = shipped_by_line(product_id=product_id, warehouse_id=warehouse_id)
    sold = Allocation.objects.filter(order_line_id__in=shipped, product_id=product_id, warehouse_id=warehouse_id)
    left = sold.annotate(left=F("quantity") - F("restocked")).values_list("order_line_id", "left")
    return sum(max(0, units - shipped[line_id]) for line_id, units in left)


def _bad_quantity(detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError("/quantity", "invalid", detail)])
