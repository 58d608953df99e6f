"""Holds of carts and orders: taken, moved, sold, released and brought back."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from core.models import OutboxEvent
from inventory import operations, selectors, services
from inventory.errors import HoldsMissing, InsufficientInventory, NothingToRestock
from inventory.models import Allocation, Inventory, Reservation, StockMovement, Warehouse
from inventory.types import Coordinates, HoldRequest, LineMerge, OrderMove, SaleLine
from tests.factories import make_cart, make_cart_item, make_product, make_stock, make_warehouse

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNTIL = NOW + timedelta(minutes=30)


@pytest.fixture(autouse=True)
def proof() -> Iterator[None]:
    """Whatever a test did, rows agree with ledger and holds at its end. Lines are made up here, so holders are not asked for."""
    yield
    report = services.check_inventory(now=NOW)
    assert [line for line in report.differences if line.field != "holder"] == []
    assert report.oversold == 0


def within(operation: Callable[..., object], **given: object) -> None:
    """Call an operation as a service does: inside a transaction of its own."""
    with transaction.atomic():
        operation(**given)


def hold(line: int, product_id: int, quantity: int, *, near: Coordinates | None = None, now: datetime = NOW) -> None:
    request = HoldRequest(
        cart_line_id=line, product_id=product_id, quantity=quantity, expires_at=now + timedelta(minutes=30)
    )
    within(operations.hold, requests=[request], near=near, now=now)


def order(*moves: tuple[int, int, int, int], now: datetime = NOW) -> None:
    """Move (cart line, order line, product, quantity)."""
    within(operations.move_to_order, moves=[move(*each) for each in moves], near=None, now=now)


def move(cart_line: int, order_line: int, product_id: int, quantity: int) -> OrderMove:
    return OrderMove(cart_line_id=cart_line, order_line_id=order_line, product_id=product_id, quantity=quantity)


def held() -> dict[tuple[str, int], int]:
    """Units by holder."""
    found: dict[tuple[str, int], int] = {}
    for row in Reservation.objects.all():
        holder = ("cart", row.cart_line_id) if row.cart_line_id else ("order", row.order_line_id or 0)
        found[holder] = found.get(holder, 0) + row.quantity
    return found


def levels(product_id: int) -> list[tuple[int, int]]:
    """(quantity, reserved) by warehouse."""
    rows = Inventory.objects.filter(product_id=product_id).order_by("warehouse_id")
    return list(rows.values_list("quantity", "reserved"))


def events() -> list[tuple[str, bool]]:
    return [(event.key, event.data["in_stock"]) for event in OutboxEvent.objects.order_by("pk")]


def test_outside_a_transaction_every_operation_refuses() -> None:
    calls = (
        lambda: operations.hold(requests=[], near=None, now=NOW),
        lambda: operations.release_cart_lines(cart_line_ids=[], now=NOW),
        lambda: operations.merge_lines(merges=[], now=NOW),
        lambda: operations.move_to_order(moves=[], near=None, now=NOW),
        lambda: operations.return_to_cart(moves=[], expires_at={}, now=NOW),
        lambda: operations.release_order(order_line_ids=[], now=NOW),
        lambda: operations.release_lapsed(product_ids=[], now=NOW),
        lambda: operations.sell(order_line_ids=[], reference="", now=NOW),
        lambda: operations.restock(lines=[], reference="", actor_id=None, now=NOW),
    )
    inside, connection.in_atomic_block = connection.in_atomic_block, False
    try:
        for call in calls:
            with pytest.raises(RuntimeError, match="must run inside its caller's transaction"):
                call()
    finally:
        connection.in_atomic_block = inside


def test_a_line_is_filled_from_one_warehouse_where_one_can() -> None:
    product = make_product()
    make_stock(product=product, quantity=2, warehouse=make_warehouse(priority=1))
    able = make_stock(product=product, quantity=9, warehouse=make_warehouse(priority=2))

    hold(1, product.pk, 3)

    assert list(Reservation.objects.values_list("inventory_id", "quantity")) == [(able.pk, 3)]


def test_of_warehouses_that_can_the_nearest_is_taken_and_without_an_address_the_first_by_priority() -> None:
    product = make_product()
    berlin = make_warehouse(latitude="52.52000", longitude="13.40500", priority=2)
    seattle = make_warehouse(latitude="47.60600", longitude="-122.33200", priority=1)
    for warehouse in (berlin, seattle):
        make_stock(product=product, quantity=5, warehouse=warehouse)

    hold(1, product.pk, 1, near=Coordinates(latitude=48.85, longitude=2.35))
    hold(2, product.pk, 1)

    taken = dict(Reservation.objects.values_list("cart_line_id", "inventory__warehouse_id"))
    assert taken == {1: berlin.pk, 2: seattle.pk}


def test_an_inactive_warehouse_promises_nothing_new_and_keeps_what_it_promised() -> None:
    product = make_product(stock=5)
    hold(1, product.pk, 2)
    Warehouse.objects.update(is_active=False)

    with pytest.raises(InsufficientInventory) as refusal:
        hold(1, product.pk, 3)

    assert refusal.value.params["lines"][0]["available"] == 2
    assert selectors.availability(product_ids=[product.pk])[product.pk].available == 0
    order((1, 10, product.pk, 2))
    within(operations.sell, order_line_ids=[10], reference="A", now=NOW)
    assert levels(product.pk) == [(3, 0)]


def test_several_lines_are_held_together_or_not_at_all() -> None:
    plenty, scarce = make_product(stock=10), make_product(stock=1)
    requests = [
        HoldRequest(cart_line_id=line, product_id=product.pk, quantity=2, expires_at=UNTIL)
        for line, product in ((1, plenty), (2, scarce))
    ]

    with pytest.raises(InsufficientInventory) as refusal:
        within(operations.hold, requests=requests, near=None, now=NOW)

    assert refusal.value.params == {"lines": [{"product_id": scarce.pk, "requested": 2, "available": 1}]}
    assert (held(), levels(plenty.pk)) == ({}, [(10, 0)])


def test_lapsed_holds_of_the_product_give_way_but_the_lines_own_does_not() -> None:
    product = make_product(stock=4)
    hold(1, product.pk, 2)
    hold(2, product.pk, 2)

    later = UNTIL + timedelta(seconds=1)
    hold(1, product.pk, 4, now=later)

    assert (held(), levels(product.pk)) == ({("cart", 1): 4}, [(4, 4)])


def test_a_live_hold_gives_way_to_nobody() -> None:
    product = make_product(stock=4)
    hold(1, product.pk, 4)

    with pytest.raises(InsufficientInventory):
        hold(2, product.pk, 1, now=UNTIL - timedelta(seconds=1))

    assert held() == {("cart", 1): 4}


def test_an_order_takes_over_what_the_cart_holds_and_re_takes_what_lapsed() -> None:
    first, second = make_product(stock=5), make_product(stock=5)
    hold(1, first.pk, 2)

    order((1, 10, first.pk, 2), (2, 11, second.pk, 3))

    assert held() == {("order", 10): 2, ("order", 11): 3}
    assert set(Reservation.objects.values_list("expires_at", flat=True)) == {None}
    assert (levels(first.pk), levels(second.pk)) == ([(5, 2)], [(5, 3)])


def test_an_order_that_can_not_be_filled_moves_nothing() -> None:
    first, second = make_product(stock=5), make_product(stock=2)
    hold(1, first.pk, 2)

    with pytest.raises(InsufficientInventory):
        order((1, 10, first.pk, 2), (2, 11, second.pk, 3))

    assert held() == {("cart", 1): 2}


def test_an_orders_hold_never_lapses() -> None:
    product = make_product(stock=2)
    hold(1, product.pk, 2)
    order((1, 10, product.pk, 2))

    released = services.release_expired(now=NOW + timedelta(days=30))

    assert (released.holds, held()) == (0, {("order", 10): 2})


def test_a_sale_lowers_stock_and_holds_and_keeps_ledger_and_allocations() -> None:
    product = make_product()
    east, west = (make_stock(product=product, quantity=quantity) for quantity in (2, 3))
    hold(1, product.pk, 5)
    order((1, 10, product.pk, 5))

    within(operations.sell, order_line_ids=[10], reference="HB-1", now=NOW)

    assert (levels(product.pk), held()) == ([(0, 0), (0, 0)], {})
    sold = StockMovement.objects.filter(kind="sold").values_list("inventory_id", "quantity", "reference", "at")
    assert sorted(sold) == [(east.pk, -2, "HB-1", NOW), (west.pk, -3, "HB-1", NOW)]
    allocated = Allocation.objects.values_list("order_line_id", "product_id", "warehouse_id", "quantity", "restocked")
    assert sorted(allocated) == [
        (10, product.pk, east.warehouse_id, 2, 0),
        (10, product.pk, west.warehouse_id, 3, 0),
    ]


def test_selling_twice_sells_once() -> None:
    product = make_product(stock=5)
    hold(1, product.pk, 2)
    order((1, 10, product.pk, 2))

    within(operations.sell, order_line_ids=[10], reference="HB-1", now=NOW)
    within(operations.sell, order_line_ids=[10], reference="HB-1", now=NOW)

    assert levels(product.pk) == [(3, 0)]
    assert StockMovement.objects.filter(kind="sold").count() == 1


def test_a_line_that_holds_nothing_is_not_sold() -> None:
    product = make_product(stock=5)
    hold(1, product.pk, 2)
    order((1, 10, product.pk, 2))

    with pytest.raises(HoldsMissing):
        within(operations.sell, order_line_ids=[10, 11], reference="HB-1", now=NOW)

    assert (levels(product.pk), held()) == ([(5, 2)], {("order", 10): 2})


def test_restocking_brings_units_back_to_where_they_came_from_and_no_more_than_were_sold() -> None:
    product = make_product()
    for quantity in (2, 3):
        make_stock(product=product, quantity=quantity)
    hold(1, product.pk, 5)
    order((1, 10, product.pk, 5))
    within(operations.sell, order_line_ids=[10], reference="HB-1", now=NOW)

    def back(units: int) -> None:
        line = SaleLine(order_line_id=10, product_id=product.pk, quantity=units)
        within(operations.restock, lines=[line], reference="RMA-1", actor_id=7, now=NOW)

    back(4)
    with pytest.raises(NothingToRestock):
        back(2)
    back(1)

    assert levels(product.pk) == [(2, 0), (3, 0)]
    returned = StockMovement.objects.filter(kind="returned").values_list("quantity", "reference", "actor_id")
    assert sum(units for units, _, _ in returned) == 5
    assert {(reference, actor) for _, reference, actor in returned} == {("RMA-1", 7)}


def test_a_declined_orders_hold_goes_back_to_the_cart_and_the_rest_is_released() -> None:
    product = make_product(stock=5)
    hold(1, product.pk, 4)
    order((1, 10, product.pk, 4))
    hold(2, product.pk, 1)

    within(operations.return_to_cart, moves=[move(2, 10, product.pk, 3)], expires_at={2: UNTIL}, now=NOW)

    assert (held(), levels(product.pk)) == ({("cart", 2): 4}, [(5, 4)])
    assert selectors.cart_holds(cart_line_ids=[2])[2].until == UNTIL


@pytest.mark.parametrize("expires_at", [{}, {1: NOW}, {1: NOW - timedelta(hours=1)}])
def test_a_hold_that_has_had_its_time_is_released_instead(expires_at: dict[int, datetime]) -> None:
    product = make_product(stock=5)
    hold(1, product.pk, 4)
    order((1, 10, product.pk, 4))

    within(operations.return_to_cart, moves=[move(1, 10, product.pk, 4)], expires_at=expires_at, now=NOW)

    assert (held(), levels(product.pk)) == ({}, [(5, 0)])


def test_releasing_an_order_twice_releases_it_once() -> None:
    product = make_product(stock=5)
    hold(1, product.pk, 4)
    order((1, 10, product.pk, 4))

    for _ in range(2):
        within(operations.release_order, order_line_ids=[10], now=NOW)

    assert (held(), levels(product.pk)) == ({}, [(5, 0)])


def test_merged_lines_hold_what_both_held_up_to_the_quantity_wanted() -> None:
    product = make_product()
    for quantity in (3, 3):
        make_stock(product=product, quantity=quantity)
    hold(1, product.pk, 3)
    hold(2, product.pk, 2, now=NOW + timedelta(minutes=5))
    merge = LineMerge(
        from_line_id=1, to_line_id=2, product_id=product.pk, quantity=4, expires_at=NOW + timedelta(hours=4)
    )

    within(operations.merge_lines, merges=[merge], now=NOW)

    assert held() == {("cart", 2): 4}
    assert selectors.cart_holds(cart_line_ids=[1, 2])[2].until == UNTIL + timedelta(minutes=5)


def test_it_is_told_when_a_product_sells_out_and_when_it_is_back_but_not_in_between() -> None:
    product = make_product(stock=2)
    hold(1, product.pk, 1)
    assert events() == []

    hold(1, product.pk, 2)
    assert events() == [(str(product.pk), False)]

    within(operations.release_cart_lines, cart_line_ids=[1], now=NOW)
    assert events() == [(str(product.pk), False), (str(product.pk), True)]


def test_the_database_itself_refuses_to_promise_more_than_there_is() -> None:
    product = make_product(stock=2)

    with pytest.raises(IntegrityError, match="inventory_never_oversold"), transaction.atomic():
        Inventory.objects.filter(product=product).update(reserved=3)


@pytest.mark.parametrize(
    "statement", ["UPDATE inventory_stockmovement SET quantity = 1", "DELETE FROM inventory_stockmovement"]
)
def test_the_database_itself_keeps_the_ledger_as_it_was_written(statement: str) -> None:
    make_product(stock=2)

    with (
        pytest.raises(Exception, match="Cannot update or delete rows"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_a_lapsed_cart_hold_reads_as_it_is_and_says_when_it_ended() -> None:
    cart, product = make_cart(), make_product(stock=3)
    item = make_cart_item(cart=cart, product=product, quantity=2, held_until=NOW)

    (found,) = selectors.cart_holds(cart_line_ids=[item.pk, item.pk + 1]).values()

    assert (found.cart_line_id, found.quantity, found.until) == (item.pk, 2, NOW)
