"""Stock goes from one warehouse to another, and is counted on the shelf."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from core.errors import DomainError
from core.models import AuditLog, OutboxEvent
from inventory import services
from inventory.errors import StockIsReserved
from inventory.models import Inventory, StockMovement, Warehouse
from inventory.types import StockLevel
from tests.factories import make_cart, make_cart_item, make_product, make_stock, make_user, make_warehouse

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def shelves() -> list[tuple[str, int, int]]:
    return list(Inventory.objects.order_by("pk").values_list("warehouse__code", "quantity", "reserved"))


def proven() -> bool:
    report = services.check_inventory(now=NOW)
    return [line for line in report.differences if line.field != "holder"] == []


def test_a_transfer_moves_units_and_leaves_two_lines_in_the_ledger() -> None:
    product, east, west = make_product(), make_warehouse(code="east"), make_warehouse(code="west")
    make_stock(product=product, quantity=5, warehouse=east)

    levels = services.transfer(
        product_id=product.pk,
        from_warehouse_id=east.pk,
        to_warehouse_id=west.pk,
        quantity=3,
        reference="TR-1",
        actor_id=7,
        now=NOW,
    )

    assert levels == (
        StockLevel(product_id=product.pk, warehouse_id=east.pk, quantity=2, reserved=0),
        StockLevel(product_id=product.pk, warehouse_id=west.pk, quantity=3, reserved=0),
    )
    assert shelves() == [("east", 2, 0), ("west", 3, 0)]
    lines = StockMovement.objects.filter(kind="transferred").order_by("quantity")
    assert list(lines.values_list("quantity", "reference", "actor_id", "at")) == [
        (-3, "TR-1", 7, NOW),
        (3, "TR-1", 7, NOW),
    ]
    assert OutboxEvent.objects.count() == 0  # there are as many as before
    assert proven()


def test_a_transfer_into_a_warehouse_that_does_not_sell_is_told_when_nothing_is_left() -> None:
    product, east = make_product(), make_warehouse()
    make_stock(product=product, quantity=5, warehouse=east)
    closed = make_warehouse(is_active=False)

    services.transfer(
        product_id=product.pk,
        from_warehouse_id=east.pk,
        to_warehouse_id=closed.pk,
        quantity=5,
        actor_id=None,
        now=NOW,
    )

    assert [(event.type, event.data["in_stock"]) for event in OutboxEvent.objects.all()] == [
        ("inventory.availability_changed", False)
    ]


def test_promised_units_stay_where_they_are_promised() -> None:
    product, east, west = make_product(), make_warehouse(code="east"), make_warehouse(code="west")
    make_stock(product=product, quantity=5, warehouse=east)
    make_cart_item(cart=make_cart(), product=product, quantity=3, held_until=NOW + timedelta(minutes=5))

    with pytest.raises(StockIsReserved) as refusal:
        services.transfer(
            product_id=product.pk,
            from_warehouse_id=east.pk,
            to_warehouse_id=west.pk,
            quantity=3,
            actor_id=None,
            now=NOW,
        )

    assert refusal.value.params == {"quantity": 5, "reserved": 3}
    assert shelves() == [("east", 5, 3)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": 0}, "invalid_input"),
        ({"quantity": -1}, "invalid_input"),
        ({"quantity": 10**12}, "invalid_input"),
        ({"to_warehouse_id": 10**9}, "not_found"),
        ({"from_warehouse_id": 10**9}, "not_found"),
        ({"product_id": 10**9}, "not_found"),
    ],
)
def test_a_transfer_that_can_not_be_is_refused(changes: dict[str, int], code: str) -> None:
    product, east, west = make_product(), make_warehouse(), make_warehouse()
    make_stock(product=product, quantity=5, warehouse=east)
    given: dict[str, Any] = {
        "product_id": product.pk,
        "from_warehouse_id": east.pk,
        "to_warehouse_id": west.pk,
        "quantity": 1,
    }

    with pytest.raises(DomainError) as refusal:
        services.transfer(**{**given, **changes}, actor_id=None, now=NOW)

    assert refusal.value.code == code
    assert [quantity for _code, quantity, _reserved in shelves()] == [5]


def test_a_transfer_to_where_it_is_is_refused() -> None:
    product, east = make_product(), make_warehouse()

    with pytest.raises(DomainError, match="two warehouses"):
        services.transfer(
            product_id=product.pk,
            from_warehouse_id=east.pk,
            to_warehouse_id=east.pk,
            quantity=1,
            actor_id=None,
            now=NOW,
        )


@pytest.mark.parametrize(("counted", "difference"), [(7, 2), (5, 0), (4, -1)])
def test_the_books_follow_what_was_counted(counted: int, difference: int) -> None:
    product, east = make_product(), make_warehouse()
    row = make_stock(product=product, quantity=5, warehouse=east)

    level = services.count(product_id=product.pk, warehouse_id=east.pk, counted=counted, actor_id=7, now=NOW)

    assert level.quantity == counted
    ledger = StockMovement.objects.filter(kind="adjusted").values_list("quantity", "reason", "actor_id")
    assert list(ledger) == ([(difference, "Counted", 7)] if difference else [])
    noted = AuditLog.objects.get(action="inventory.counted")
    assert (noted.object_id, noted.actor_id, noted.data["difference"]) == (str(row.pk), 7, difference)
    assert proven()


def test_a_count_below_what_is_promised_is_refused() -> None:
    product, east = make_product(), make_warehouse()
    make_stock(product=product, quantity=5, warehouse=east)
    make_cart_item(cart=make_cart(), product=product, quantity=3, held_until=NOW + timedelta(minutes=5))

    with pytest.raises(StockIsReserved):
        services.count(product_id=product.pk, warehouse_id=east.pk, counted=2, actor_id=None, now=NOW)

    assert AuditLog.objects.count() == 0


def test_staff_transfer_and_count_on_the_page_that_changes_stock() -> None:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    product, east, west = make_product(), make_warehouse(code="east"), make_warehouse(code="west")
    make_stock(product=product, quantity=5, warehouse=east)
    page = reverse("admin:inventory_change_stock")
    where = {"product": product.pk, "warehouse": east.pk}

    unsaid = client.post(page, {**where, "kind": "transfer", "quantity": 2})
    moved = client.post(page, {**where, "kind": "transfer", "quantity": 2, "to_warehouse": west.pk})
    counted = client.post(page, {**where, "kind": "count", "quantity": 9})

    assert (unsaid.status_code, moved.status_code, counted.status_code) == (200, 302, 302)
    assert b"Say where to." in unsaid.content
    assert shelves() == [("east", 9, 0), ("west", 2, 0)]
    assert Warehouse.objects.count() == 2
