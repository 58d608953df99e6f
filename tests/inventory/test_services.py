"""What staff and the clock do to the stock, and the proof that it is right."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from prometheus_client import REGISTRY

from core.errors import DomainError, InvalidInput, NotFound
from core.models import AuditLog, OutboxEvent
from inventory import services, tasks
from inventory.errors import StockIsReserved
from inventory.models import Inventory, Reservation, StockMovement
from inventory.types import ReleasedHolds, StockLevel
from tests.factories import make_cart, make_cart_item, make_product, make_stock, make_warehouse

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def metric(name: str) -> float:
    return REGISTRY.get_sample_value(name) or 0.0


def checked(*arguments: str) -> tuple[str, str]:
    """What `check_inventory` prints, and the error it ends with."""
    out = StringIO()
    try:
        call_command("check_inventory", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def test_receiving_raises_the_shelf_and_writes_the_ledger() -> None:
    product, warehouse = make_product(), make_warehouse()

    level = services.receive(
        product_id=product.pk, warehouse_id=warehouse.pk, quantity=4, reference="PO-1", actor_id=7, now=NOW
    )

    assert level == StockLevel(product_id=product.pk, warehouse_id=warehouse.pk, quantity=4, reserved=0)
    line = StockMovement.objects.get()
    assert (line.kind, line.quantity, line.reference, line.actor_id, line.at) == ("received", 4, "PO-1", 7, NOW)
    assert [(event.type, event.data["in_stock"]) for event in OutboxEvent.objects.all()] == [
        ("inventory.availability_changed", True)
    ]


def test_adjusting_corrects_the_books_both_ways() -> None:
    product, warehouse = make_product(), make_warehouse()
    make_stock(product=product, quantity=5, warehouse=warehouse)

    for difference in (-3, 4):
        services.adjust(
            product_id=product.pk,
            warehouse_id=warehouse.pk,
            difference=difference,
            reason="counted",
            actor_id=7,
            now=NOW,
        )

    assert Inventory.objects.get().quantity == 6
    adjusted = StockMovement.objects.filter(kind="adjusted").values_list("quantity", "reason")
    assert sorted(adjusted) == [(-3, "counted"), (4, "counted")]


def test_promised_units_can_not_be_adjusted_away() -> None:
    product, warehouse = make_product(), make_warehouse()
    make_stock(product=product, quantity=5, warehouse=warehouse)
    make_cart_item(cart=make_cart(), product=product, quantity=3, held_until=NOW + timedelta(minutes=5))

    with pytest.raises(StockIsReserved) as refusal:
        services.adjust(
            product_id=product.pk, warehouse_id=warehouse.pk, difference=-3, reason="lost", actor_id=7, now=NOW
        )

    assert refusal.value.params == {"quantity": 5, "reserved": 3}
    assert Inventory.objects.get().quantity == 5


def test_impossible_changes_of_stock_are_refused() -> None:
    product, warehouse = make_product(), make_warehouse()
    where = {"product_id": product.pk, "warehouse_id": warehouse.pk}
    rest = {"actor_id": None, "now": NOW}

    def refused(kind: type[DomainError], change: object, **given: object) -> None:
        assert callable(change)
        with pytest.raises(kind):
            change(**{**where, **rest, **given})

    refused(InvalidInput, services.receive, quantity=0)
    refused(InvalidInput, services.receive, quantity=10**12)
    refused(InvalidInput, services.adjust, difference=0, reason="x")
    refused(InvalidInput, services.adjust, difference=1, reason=" ")
    refused(NotFound, services.receive, quantity=1, warehouse_id=warehouse.pk + 1000)
    refused(NotFound, services.receive, quantity=1, product_id=product.pk + 1000)
    assert (Inventory.objects.count(), StockMovement.objects.count()) == (0, 0)


def test_expiry_releases_what_has_lapsed_and_counts_carts_once() -> None:
    first, second = make_product(stock=5), make_product(stock=5)
    cart, other, fresh = make_cart(), make_cart(), make_cart()
    for product in (first, second):
        make_cart_item(cart=cart, product=product, quantity=2, held_until=NOW)
    make_cart_item(cart=other, product=first, quantity=1, held_until=NOW - timedelta(hours=1))
    live = make_cart_item(cart=fresh, product=first, quantity=1, held_until=NOW + timedelta(seconds=1))
    before = metric("cart_abandonments_total")

    released = services.release_expired(now=NOW, batch=1)

    assert released == ReleasedHolds(holds=3, units=5, carts=2)
    assert metric("cart_abandonments_total") == before + 2
    assert list(Reservation.objects.values_list("cart_line_id", flat=True)) == [live.pk]
    assert {row.product_id: row.reserved for row in Inventory.objects.all()} == {first.pk: 1, second.pk: 0}
    assert services.release_expired(now=NOW) == ReleasedHolds(holds=0, units=0, carts=0)


def test_a_sold_out_product_is_told_to_be_back_when_its_holds_lapse() -> None:
    product = make_product(stock=1)
    make_cart_item(cart=make_cart(), product=product, held_until=NOW)

    services.release_expired(now=NOW)

    assert [(event.key, event.data["in_stock"]) for event in OutboxEvent.objects.all()] == [(str(product.pk), True)]


def test_the_minutely_task_releases_what_has_lapsed() -> None:
    make_cart_item(cart=make_cart(), product=make_product(stock=1), held_until=NOW)

    tasks.release_expired()

    assert Reservation.objects.count() == 0


def test_right_books_have_no_differences() -> None:
    make_cart_item(cart=make_cart(), product=make_product(stock=5), quantity=2, held_until=NOW)

    assert checked() == ("0 differences in 1 rows\n", "")


def test_every_kind_of_difference_is_found_and_leaves_the_books_alone() -> None:
    product = make_product(stock=5)
    row = Inventory.objects.get()
    Inventory.objects.update(quantity=7, reserved=1)
    orphan = Reservation.objects.create(inventory=row, quantity=2, cart_line_id=10**9, expires_at=NOW)
    place = f"product {product.pk}, warehouse {row.warehouse_id}"

    printed, error = checked()

    assert printed.splitlines() == [
        f"{place}: hold {orphan.pk} of 2 units has no holder",
        f"{place}: quantity is 7, should be 5",
        f"{place}: reserved is 1, should be 2",
    ]
    assert error == "3 differences in 1 rows, 3 left"
    assert Inventory.objects.values_list("quantity", "reserved").get() == (7, 1)
    assert AuditLog.objects.count() == 0


def test_repair_sets_rows_to_ledger_and_holds_ends_orphans_and_says_so() -> None:
    product = make_product(stock=5)
    row = Inventory.objects.get()
    item = make_cart_item(cart=make_cart(), product=product, quantity=1, held_until=NOW)
    Reservation.objects.create(inventory=row, quantity=2, order_line_id=10**9)
    Inventory.objects.update(quantity=9, reserved=0)

    printed, error = checked("--repair")

    assert (printed.count(", repaired"), error) == (3, "")
    assert Inventory.objects.values_list("quantity", "reserved").get() == (5, 1)
    assert list(Reservation.objects.values_list("cart_line_id", flat=True)) == [item.pk]
    assert sorted(AuditLog.objects.values_list("action", flat=True)) == [
        "inventory.hold_without_holder_ended",
        "inventory.repaired",
    ]
    assert checked() == ("0 differences in 1 rows\n", "")


def test_a_row_that_promised_more_than_its_ledger_has_is_counted_and_left_for_a_person() -> None:
    product = make_product(stock=1)
    Inventory.objects.update(quantity=3)
    make_cart_item(cart=make_cart(), product=product, quantity=3, held_until=NOW)
    before = metric("inventory_oversell_total")

    printed, error = checked("--repair")

    assert (printed.count("repaired"), error) == (0, "1 differences in 1 rows, 1 left")
    assert metric("inventory_oversell_total") == before + 1
    assert Inventory.objects.values_list("quantity", "reserved").get() == (3, 3)
