"""Stock in the admin: seen by all staff who may, changed through services only."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from core.clock import now
from inventory.models import Inventory, StockMovement
from tests.factories import make_cart, make_cart_item, make_product, make_stock, make_user, make_warehouse

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def test_staff_receive_and_adjust_on_a_page_that_leaves_their_name_in_the_ledger(staff: Client) -> None:
    product, warehouse = make_product(), make_warehouse()
    page = reverse("admin:inventory_change_stock")
    where = {"product": product.pk, "warehouse": warehouse.pk}

    received = staff.post(page, {**where, "kind": "receive", "quantity": 5, "reference": "PO-1"})
    adjusted = staff.post(page, {**where, "kind": "adjust", "quantity": -2, "reason": "broken"})
    threshold = staff.post(page, {**where, "kind": "threshold", "quantity": 9})

    assert [answer.status_code for answer in (received, adjusted, threshold)] == [302, 302, 302]
    row = Inventory.objects.get()
    assert (row.quantity, row.reserved, row.low_stock_threshold) == (3, 0, 9)
    movements = StockMovement.objects.order_by("pk").values_list("kind", "quantity", "actor_id")
    actor = int(staff.session["_auth_user_id"])
    assert list(movements) == [("received", 5, actor), ("adjusted", -2, actor)]


def test_a_refusal_is_shown_on_the_page_and_changes_nothing(staff: Client) -> None:
    product, warehouse = make_product(), make_warehouse()
    make_stock(product=product, quantity=5, warehouse=warehouse)
    make_cart_item(cart=make_cart(), product=product, quantity=4, held_until=now() + timedelta(minutes=5))

    answer = staff.post(
        reverse("admin:inventory_change_stock"),
        {"product": product.pk, "warehouse": warehouse.pk, "kind": "adjust", "quantity": -2, "reason": "lost"},
    )

    assert answer.status_code == 200
    assert b"4 units of 5 are promised to shoppers." in answer.content
    assert Inventory.objects.get().quantity == 5


def test_stock_ledger_and_holds_can_be_seen_and_not_edited(staff: Client) -> None:
    product = make_product(stock=5)
    make_cart_item(cart=make_cart(), product=product, quantity=4, held_until=now())

    for model in ("inventory", "stockmovement", "reservation", "allocation", "warehouse"):
        assert staff.get(reverse(f"admin:inventory_{model}_changelist")).status_code == 200
    assert staff.get(reverse("admin:cart_cart_changelist")).status_code == 200
    row = Inventory.objects.get()
    page = reverse("admin:inventory_inventory_change", args=[row.pk])
    assert staff.post(page, {"quantity": 50, "reserved": 0}).status_code == 403
    assert staff.post(reverse("admin:inventory_inventory_add"), {}).status_code == 403
    assert staff.post(reverse("admin:inventory_inventory_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert Inventory.objects.values_list("quantity", "reserved").get() == (5, 4)


def test_staff_without_the_right_to_change_stock_can_not() -> None:
    user = make_user(is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_inventory"))
    client = Client()
    client.force_login(user)
    product, warehouse = make_product(), make_warehouse()

    answer = client.post(
        reverse("admin:inventory_change_stock"),
        {"product": product.pk, "warehouse": warehouse.pk, "kind": "receive", "quantity": 5},
    )

    assert answer.status_code == 403
    assert Inventory.objects.count() == 0


def test_the_pages_prefill_and_carry_no_inline_script(staff: Client) -> None:
    product = make_product(stock=1)

    page = staff.get(reverse("admin:inventory_change_stock"), {"product": str(product.pk), "warehouse": "x"})
    listed = staff.get(reverse("admin:inventory_inventory_changelist"))

    assert f'value="{product.pk}"'.encode() in page.content
    assert product.sku.encode() in listed.content
    for answer in (page, listed):
        assert b"<script>" not in answer.content
        assert b"onclick=" not in answer.content
