"""Changes of holds and stock that other apps compose into their own transaction, and that stand or fall with it.

Each locks all stock rows of the products concerned, in the one order of rule 3, before it reads a reservation.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from core.transactions import require_transaction
from inventory import locks, metrics, writes
from inventory.errors import HoldsMissing, InsufficientInventory, NothingToRestock
from inventory.events import publish_crossings
from inventory.locks import Shelves
from inventory.models import Allocation, StockMovement
from inventory.policies import HeldUnits, HoldChange, join_holds, plan_holds, plan_restock
from inventory.types import Coordinates, Hold, HoldRequest, LineMerge, OrderMove, SaleLine


def hold(*, requests: Sequence[HoldRequest], near: Coordinates | None, now: datetime) -> dict[int, Hold]:
    """Make each cart line hold the quantity it asks for, moving the difference only; all lines or none. Returns holds by line.

    Where stock is short, lapsed holds on it are released first. Two messages to the server when there is stock. Raises
    InsufficientInventory, and RuntimeError outside a transaction.
    """
    require_transaction("inventory.operations.hold")
    line_ids = [request.cart_line_id for request in requests]
    shelves, held = locks.stock_and_holds(
        product_ids=[request.product_id for request in requests], cart_line_ids=line_ids
    )
    plan = plan_holds(requests=requests, shelves=shelves, held=held, near=near)
    dropped: list[HeldUnits] = []
    if plan.short:
        dropped = locks.lapsed_holds(shelves=shelves, now=now, keep=line_ids)
        after = _without(shelves, dropped)
        plan = plan_holds(requests=requests, shelves=after, held=held, near=near)
    if plan.short:
        metrics.RESERVATIONS.labels(status="insufficient").inc()
        raise InsufficientInventory.of(plan.short)
    _save(shelves, plan.changes, dropped, now)
    transaction.on_commit(metrics.RESERVATIONS.labels(status="success").inc)
    return {
        request.cart_line_id: Hold(
            cart_line_id=request.cart_line_id, quantity=request.quantity, until=request.expires_at
        )
        for request in requests
    }


def release_cart_lines(*, cart_line_ids: Collection[int], now: datetime) -> None:
    """End what these cart lines hold; lines that hold nothing are passed over. Raises RuntimeError outside a transaction."""
    require_transaction("inventory.operations.release_cart_lines")
    shelves = locks.stock_held_by(cart_line_ids=cart_line_ids)
    _save(shelves, (), locks.holds_of(cart_line_ids=cart_line_ids), now)


def merge_lines(*, merges: Sequence[LineMerge], now: datetime) -> None:
    """Join the holds of two cart lines of one product, releasing what exceeds the wanted quantity.

    The joined hold ends with the later of the two. Raises RuntimeError outside a transaction.
    """
    require_transaction("inventory.operations.merge_lines")
    line_ids = [line for merge in merges for line in (merge.from_line_id, merge.to_line_id)]
    shelves = locks.stock_held_by(cart_line_ids=line_ids)
    held = locks.holds_of(cart_line_ids=line_ids)
    changes: list[HoldChange] = []
    for merge in merges:
        joined = [unit for unit in held if unit.cart_line_id in {merge.from_line_id, merge.to_line_id}]
        ends = [unit.expires_at for unit in joined if unit.expires_at is not None]
        if ends:
            until = min(merge.expires_at, max(ends))
            changes += join_holds(line_id=merge.to_line_id, joined=joined, most=merge.quantity, until=until)
    gone = {merge.from_line_id for merge in merges}
    _save(shelves, changes, [unit for unit in held if unit.cart_line_id in gone], now)


def move_to_order(*, moves: Sequence[OrderMove], near: Coordinates | None, now: datetime) -> None:
    """Give the order's lines what the cart's lines hold, re-taking what lapsed or is short; all or nothing.

    An order's hold does not lapse: `sell`, `return_to_cart` or `release_order` ends it. Two statements where all is held. Raises
    InsufficientInventory, and RuntimeError outside a transaction.
    """
    require_transaction("inventory.operations.move_to_order")
    locks.stock_of(product_ids=[move.product_id for move in moves])
    # Whether a hold that is there has lapsed makes no difference now: nobody has wanted its units yet.
    handed = writes.hand_whole_to_order(moves=moves)
    rest = [move for move in moves if move.cart_line_id not in handed]
    if rest:
        _hold_and_hand_over(rest, near, now)


def _hold_and_hand_over(moves: Sequence[OrderMove], near: Coordinates | None, now: datetime) -> None:
    # The end is replaced by none right below; the table asks for one as long as a cart line is the holder.
    requests = [
        HoldRequest(
            cart_line_id=move.cart_line_id,
            product_id=move.product_id,
            quantity=move.quantity,
            expires_at=now + timedelta(minutes=1),
        )
        for move in moves
    ]
    hold(requests=requests, near=near, now=now)
    writes.hand_to_order(moves=moves)


def return_to_cart(*, moves: Sequence[OrderMove], expires_at: Mapping[int, datetime], now: datetime) -> None:
    """Give cart lines, with what they hold already, the order lines' holds, ``quantity`` of each at most; the rest is released.

    ``expires_at`` is by cart line; where it is past, or the line is not named there, all of the order line's hold is released.
    Raises RuntimeError outside a transaction.
    """
    require_transaction("inventory.operations.return_to_cart")
    order_line_ids = [move.order_line_id for move in moves]
    shelves = locks.stock_held_by(order_line_ids=order_line_ids)
    held = locks.holds_of(order_line_ids=order_line_ids, cart_line_ids=[move.cart_line_id for move in moves])
    changes: list[HoldChange] = []
    for move in moves:
        until = expires_at.get(move.cart_line_id, now)
        ordered = [unit for unit in held if unit.order_line_id == move.order_line_id]
        if ordered and until > now:
            own = [unit for unit in held if unit.cart_line_id == move.cart_line_id]
            units = sum(unit.quantity for unit in own) + move.quantity
            changes += join_holds(line_id=move.cart_line_id, joined=[*own, *ordered], most=units, until=until)
    dropped = [unit for unit in held if unit.order_line_id is not None]
    _save(shelves, changes, dropped, now)


def release_order(*, order_line_ids: Collection[int], now: datetime) -> None:
    """End what these order lines hold; lines that hold nothing are passed over. Raises RuntimeError outside a transaction."""
    require_transaction("inventory.operations.release_order")
    shelves = locks.stock_held_by(order_line_ids=order_line_ids)
    _save(shelves, (), locks.holds_of(order_line_ids=order_line_ids), now)


def sell(*, order_line_ids: Collection[int], reference: str, now: datetime) -> None:
    """Turn the lines' holds into sales: quantity and reserved fall, the ledger gains `sold`, allocations are kept.

    Lines that are sold already are passed over. Two statements where all is held. Raises HoldsMissing for a line that neither
    holds anything nor was sold, and RuntimeError outside a transaction.
    """
    require_transaction("inventory.operations.sell")
    locks.stock_held_by(order_line_ids=order_line_ids)
    missing = set(order_line_ids) - writes.sell_holds(order_line_ids=order_line_ids, reference=reference, now=now)
    if missing:
        sold = Allocation.objects.filter(order_line_id__in=missing).values_list("order_line_id", flat=True)
        if missing - set(sold):
            raise HoldsMissing(_("Some lines of this order hold no stock."), params={"lines": sorted(missing)})


def restock(*, lines: Sequence[SaleLine], reference: str, actor_id: int | None, now: datetime) -> None:
    """Bring sold units back to the warehouses they came from, as `returned` in the ledger.

    Raises NothingToRestock where a line took, less what came back before, fewer units than that; RuntimeError outside a
    transaction.
    """
    require_transaction("inventory.operations.restock")
    shelves = locks.stock_of(product_ids=[line.product_id for line in lines])
    rows = {(shelf.product_id, shelf.warehouse_id): shelf.inventory_id for found in shelves.values() for shelf in found}
    allocations = list(
        Allocation.objects.filter(order_line_id__in=[line.order_line_id for line in lines]).order_by("pk")
    )
    left = [(row.pk, row.order_line_id, row.quantity - row.restocked) for row in allocations]
    back = plan_restock(lines=lines, left=left)
    if back is None:
        raise NothingToRestock(_("More would come back than was sold."))
    returned = [row for row in allocations if row.pk in back]
    movements = [
        StockMovement(
            inventory_id=rows[row.product_id, row.warehouse_id],
            kind=StockMovement.Kind.RETURNED,
            quantity=back[row.pk],
            reference=reference,
            actor_id=actor_id,
            at=now,
        )
        for row in returned
    ]
    for row in returned:
        row.restocked += back[row.pk]
    Allocation.objects.bulk_update(returned, ["restocked"])
    differences = writes.move_stock(movements=movements)
    publish_crossings(shelves=shelves, differences=differences, now=now)


def release_lapsed(*, product_ids: Collection[int], now: datetime) -> tuple[HeldUnits, ...]:
    """End the carts' holds on these products that ended by ``now``, passing over products that somebody else has locked.

    Returns what was released. Raises RuntimeError outside a transaction.
    """
    require_transaction("inventory.operations.release_lapsed")
    shelves = locks.skipping_stock_of(product_ids=product_ids)
    lapsed = locks.lapsed_holds(shelves=shelves, now=now)
    _save(shelves, (), lapsed, now)
    return tuple(lapsed)


def _save(shelves: Shelves, changes: Sequence[HoldChange], dropped: Sequence[HeldUnits], now: datetime) -> None:
    """Write holds that end and holds that change, and say which products came or ceased to be available."""
    if dropped:
        writes.drop_holds(reservation_ids=[unit.reservation_id for unit in dropped])
    writes.put_holds(changes=changes, now=now)
    differences: dict[int, int] = {}
    for unit in dropped:
        differences[unit.inventory_id] = differences.get(unit.inventory_id, 0) + unit.quantity
    for change in changes:
        differences[change.inventory_id] = differences.get(change.inventory_id, 0) - change.difference
    publish_crossings(shelves=shelves, differences=differences, now=now)


def _without(shelves: Shelves, dropped: Sequence[HeldUnits]) -> Shelves:
    """``shelves`` as they are once ``dropped`` have ended."""
    freed: dict[int, int] = {}
    for unit in dropped:
        freed[unit.inventory_id] = freed.get(unit.inventory_id, 0) + unit.quantity
    return {
        product_id: [replace(row, reserved=row.reserved - freed.get(row.inventory_id, 0)) for row in rows]
        for product_id, rows in shelves.items()
    }
