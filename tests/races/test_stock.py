"""Many at the same stock at once, on real PostgreSQL. Each race has a control: the same code with the lock taken out."""

import threading
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from cart import services as carts
from cart.models import Cart, CartItem
from catalog.models import Product
from core.shopper import Shopper
from inventory import locks, operations, services
from inventory.errors import InsufficientInventory
from inventory.models import Inventory, Reservation
from inventory.types import HoldRequest
from tests.factories import make_cart, make_cart_item, make_product, make_stock, make_user
from tests.guards import LockGuard
from tests.races.threads import PATIENCE_SECONDS, at_once
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SHOPPERS, UNITS = 64, 10


def outcomes(results: Iterable[Any]) -> Counter[str]:
    """How often each thing happened, by the name of its class."""
    return Counter(type(result).__name__ for result in results)


def add_one(product: Product, shopper: Shopper | None = None) -> Any:
    return partial(carts.add_item, shopper=shopper or Shopper(), product_id=product.pk, quantity=1, now=NOW)


def hold_in_own_transaction(requests: list[HoldRequest]) -> None:
    with transaction.atomic(durable=True):
        operations.hold(requests=requests, near=None, now=NOW)


def requests_for(line: int, products: Collection[Product]) -> list[HoldRequest]:
    return [
        HoldRequest(
            cart_line_id=line * 10 + place,
            product_id=product.pk,
            quantity=1,
            expires_at=NOW + timedelta(minutes=30),
        )
        for place, product in enumerate(products)
    ]


def assert_proven(*, holders: bool = True) -> None:
    report = services.check_inventory(now=NOW)
    assert [line for line in report.differences if holders or line.field != "holder"] == []
    assert report.oversold == 0


def take_out_the_lock(monkeypatch: pytest.MonkeyPatch, *, readers: int) -> None:
    """Read stock without locking it, and go on only when all ``readers`` have read: the worst that can happen, each time."""
    everybody_has_read = threading.Barrier(readers)

    shelves_of = locks._shelves

    def read_and_wait(rows: Any) -> locks.Shelves:
        shelves = shelves_of(rows)
        everybody_has_read.wait(PATIENCE_SECONDS)
        return shelves

    monkeypatch.setattr(locks, "_LOCKING", "")
    monkeypatch.setattr(locks, "_shelves", read_and_wait)


def test_of_sixty_four_shoppers_for_ten_units_exactly_ten_get_one() -> None:
    product = make_product(stock=UNITS)

    results = at_once([add_one(product)] * SHOPPERS)

    assert outcomes(results) == {"CartChange": UNITS, "InsufficientInventory": SHOPPERS - UNITS}
    assert list(Inventory.objects.values_list("quantity", "reserved")) == [(UNITS, UNITS)]
    assert (CartItem.objects.count(), Cart.objects.count()) == (UNITS, UNITS)
    assert_proven()


def test_control_without_the_lock_all_sixty_four_try_to_take_one_and_meet_the_check(
    monkeypatch: pytest.MonkeyPatch, lock_guard: LockGuard
) -> None:
    """Expected of the control: the CHECK, and not the service, refuses what is too much. And the guard sees the missing lock."""
    product = make_product(stock=UNITS)
    take_out_the_lock(monkeypatch, readers=SHOPPERS)

    results = at_once([add_one(product)] * SHOPPERS)

    refused = [result for result in results if isinstance(result, IntegrityError)]
    assert outcomes(results) == {"CartChange": UNITS, "IntegrityError": SHOPPERS - UNITS}
    assert all("inventory_never_oversold" in str(refusal) for refusal in refused)
    assert any("written without a lock" in breach for breach in lock_guard.breaches)
    lock_guard.breaches.clear()


def test_units_over_two_warehouses_are_not_promised_twice_either() -> None:
    product = make_product()
    for quantity in (3, 4):
        make_stock(product=product, quantity=quantity)

    results = at_once([partial(carts.add_item, shopper=Shopper(), product_id=product.pk, quantity=2, now=NOW)] * 16)

    assert outcomes(results) == {"CartChange": 3, "InsufficientInventory": 13}
    assert Inventory.objects.filter(reserved__gt=0).count() == 2
    assert_proven()


def test_one_shopper_adding_many_times_at_once_gets_one_line_of_the_sum() -> None:
    product, user = make_product(stock=100), make_user()

    results = at_once([add_one(product, Shopper(user_id=user.pk))] * 16)

    assert outcomes(results) == {"CartChange": 16}
    assert list(CartItem.objects.values_list("quantity", flat=True)) == [16]
    assert (Cart.objects.count(), Inventory.objects.get().reserved) == (1, 16)
    assert_proven()


def test_shoppers_raising_quantities_at_once_share_what_there_is() -> None:
    product = make_product(stock=24)
    held = NOW + timedelta(minutes=30)
    items = [make_cart_item(cart=make_cart(), product=product, held_until=held) for _ in range(16)]

    results = at_once(
        [
            partial(
                carts.change_item,
                shopper=Shopper(cart_token=item.cart.token),
                item_id=item.pk,
                quantity=3,
                now=NOW,
            )
            for item in items
        ]
    )

    assert outcomes(results) == {"CartChange": 4, "InsufficientInventory": 12}
    assert Inventory.objects.get().reserved == 4 * 3 + 12
    assert_proven()


ONE_STATEMENT = """
    WITH locked AS MATERIALIZED (SELECT id FROM inventory_inventory WHERE product_id = %s FOR NO KEY UPDATE)
    SELECT r.id FROM (SELECT count(*) FROM locked) n, inventory_reservation r WHERE r.cart_line_id = %s
"""


@pytest.mark.parametrize(
    ("together", "seen"),
    [
        pytest.param(True, 0, id="two statements"),
        pytest.param(False, 1, id="control: one statement sees what is gone"),
    ],
)
def test_holds_are_read_after_the_wait_for_the_lock(together: bool, seen: int) -> None:
    item = make_cart_item(cart=make_cart(), product=make_product(stock=5), quantity=3, held_until=NOW)
    locked = threading.Event()

    def end_the_hold() -> None:
        with transaction.atomic():
            locks.stock_of(product_ids=[item.product_id])
            locked.set()
            wait_for(somebody_waits, "nobody waits for the lock")
            operations.release_cart_lines(cart_line_ids=[item.pk], now=NOW)

    def read() -> int:
        assert locked.wait(PATIENCE_SECONDS)
        with transaction.atomic(), connection.cursor() as cursor:
            if together:
                return len(locks.stock_and_holds(product_ids=[item.product_id], cart_line_ids=[item.pk])[1])
            cursor.execute(ONE_STATEMENT, [item.product_id, item.pk])
            return len(cursor.fetchall())

    _, found = at_once([end_the_hold, read])

    assert found == seen


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
        )
        return bool((cursor.fetchone() or (False,))[0])


def test_the_same_products_in_opposite_order_do_not_deadlock() -> None:
    products = [make_product(stock=1000) for _ in range(3)]

    def shop(number: int) -> None:
        order = products if number % 2 else products[::-1]
        for round_number in range(8):
            hold_in_own_transaction(requests_for(number * 100 + round_number, order))

    results = at_once([partial(shop, number) for number in range(12)])

    assert results == [None] * 12
    assert {row.reserved for row in Inventory.objects.all()} == {12 * 8}
    assert_proven(holders=False)


def test_control_locked_as_they_come_they_deadlock(monkeypatch: pytest.MonkeyPatch) -> None:
    products = [make_product(stock=10) for _ in range(2)]
    each_has_one = threading.Barrier(2)

    def as_they_come(*, product_ids: Collection[int], cart_line_ids: Collection[int]) -> Any:
        shelves: locks.Shelves = {}
        for place, product_id in enumerate(product_ids):
            if place:
                each_has_one.wait(PATIENCE_SECONDS)
            shelves |= locks.stock_of(product_ids=[product_id])
        return shelves, locks.holds_of(cart_line_ids=cart_line_ids)

    monkeypatch.setattr(locks, "stock_and_holds", as_they_come)
    results = at_once(
        [
            partial(hold_in_own_transaction, requests_for(1, products)),
            partial(hold_in_own_transaction, requests_for(2, products[::-1])),
        ]
    )

    broken = [result for result in results if isinstance(result, OperationalError)]
    assert len(broken) == 1
    assert "deadlock detected" in str(broken[0])


def test_a_unit_in_a_lapsed_hold_goes_to_who_wants_it_while_the_expiry_runs() -> None:
    for _ in range(10):
        product = make_product(stock=1)
        make_cart_item(cart=make_cart(), product=product, held_until=NOW)

        change, released = at_once([add_one(product), partial(services.release_expired, now=NOW)])

        assert change.cart.items[0].held
        assert released.holds in {0, 1}
        assert Inventory.objects.get(product=product).reserved == 1
    assert_proven()


def test_a_hold_renewed_while_the_expiry_runs_is_kept() -> None:
    for _ in range(10):
        item = make_cart_item(cart=make_cart(), product=make_product(stock=1), held_until=NOW)
        renew = partial(carts.hold_item, shopper=Shopper(cart_token=item.cart.token), item_id=item.pk, now=NOW)

        renewed, released = at_once([renew, partial(services.release_expired, now=NOW)])

        assert renewed.cart.items[0].held
        assert released.holds in {0, 1}
        assert Reservation.objects.get(cart_line_id=item.pk).expires_at == NOW + timedelta(minutes=30)
    assert_proven()


def test_control_without_the_lock_the_expiry_takes_a_renewed_hold(
    monkeypatch: pytest.MonkeyPatch, lock_guard: LockGuard
) -> None:
    """Expected of the control: the shopper is told that the line is held, and it is not."""
    item = make_cart_item(cart=make_cart(), product=make_product(stock=1), held_until=NOW)
    expiry_has_read, shopper_is_done = threading.Event(), threading.Event()
    lapsed_holds = locks.lapsed_holds

    def read_and_dawdle(**given: Any) -> list[Any]:
        found = lapsed_holds(**given)
        expiry_has_read.set()
        assert shopper_is_done.wait(PATIENCE_SECONDS)
        return found

    def renew() -> Any:
        assert expiry_has_read.wait(PATIENCE_SECONDS)
        try:
            return carts.hold_item(shopper=Shopper(cart_token=item.cart.token), item_id=item.pk, now=NOW)
        finally:
            shopper_is_done.set()

    take_out_the_lock(monkeypatch, readers=1)
    monkeypatch.setattr(locks, "skipping_stock_of", locks.stock_of)
    monkeypatch.setattr(locks, "lapsed_holds", read_and_dawdle)
    renewed, released = at_once([renew, partial(services.release_expired, now=NOW)])

    assert (renewed.cart.items[0].held, released.holds) == (True, 1)
    assert Reservation.objects.count() == 0
    assert lock_guard.breaches
    lock_guard.breaches.clear()


def test_two_expiries_at_once_release_each_hold_once() -> None:
    products = [make_product(stock=10) for _ in range(10)]
    for _ in range(3):
        cart = make_cart()
        for product in products:
            make_cart_item(cart=cart, product=product, quantity=2, held_until=NOW)

    results = at_once([partial(services.release_expired, now=NOW, batch=3)] * 2)

    again = services.release_expired(now=NOW)
    assert sum(result.holds for result in [*results, again]) == 30
    assert sum(result.units for result in [*results, again]) == 60
    assert set(Inventory.objects.values_list("reserved", flat=True)) == {0}
    assert_proven()


def test_a_product_that_is_locked_waits_for_the_next_expiry_and_holds_up_no_other() -> None:
    busy, free = make_product(stock=5), make_product(stock=5)
    for product in (busy, free):
        make_cart_item(cart=make_cart(), product=product, held_until=NOW)
    locked, done = threading.Event(), threading.Event()

    def keep_busy() -> None:
        with transaction.atomic():
            locks.stock_of(product_ids=[busy.pk])
            locked.set()
            assert done.wait(PATIENCE_SECONDS)

    def expire() -> Any:
        assert locked.wait(PATIENCE_SECONDS)
        try:
            return services.release_expired(now=NOW)
        finally:
            done.set()

    _, first = at_once([keep_busy, expire])
    second = services.release_expired(now=NOW)

    assert (first.holds, first.carts, second.holds, second.carts) == (1, 1, 1, 1)
    assert_proven()


def test_logging_in_while_adding_neither_loses_nor_doubles_a_hold() -> None:
    product = make_product(stock=1000)
    for _ in range(6):
        user = make_user()
        guest = carts.add_item(shopper=Shopper(), product_id=product.pk, quantity=2, now=NOW).token
        before = Inventory.objects.get().reserved

        results = at_once(
            [
                partial(carts.merge_at_login, user_id=user.pk, cart_token=guest, now=NOW),
                partial(carts.merge_at_login, user_id=user.pk, cart_token=guest, now=NOW),
                add_one(product, Shopper(user_id=user.pk)),
                add_one(product, Shopper(cart_token=guest)),
            ]
        )

        assert outcomes(results) == {"NoneType": 2, "CartChange": 2}
        carts.merge_at_login(user_id=user.pk, cart_token=guest, now=NOW)
        assert list(CartItem.objects.filter(cart__user=user).values_list("quantity", flat=True)) == [4]
        assert Inventory.objects.get().reserved == before + 2
    assert_proven()


def test_a_shopper_who_can_not_get_the_lock_in_time_is_told_to_try_again() -> None:
    product = make_product(stock=5)
    locked, done = threading.Event(), threading.Event()

    def keep_busy() -> None:
        with transaction.atomic():
            locks.stock_of(product_ids=[product.pk])
            locked.set()
            assert done.wait(PATIENCE_SECONDS)

    def shop() -> Any:
        assert locked.wait(PATIENCE_SECONDS)
        try:
            return add_one(product)()
        finally:
            done.set()

    _, refusal = at_once([keep_busy, shop])

    assert (type(refusal).__name__, refusal.retry_after) == ("Unavailable", 1)
    assert (Cart.objects.count(), Reservation.objects.count()) == (0, 0)


def test_insufficient_inventory_is_what_the_losers_are_told() -> None:
    product = make_product(stock=1)

    results = at_once([add_one(product)] * 4)

    (refusal, *_) = (result for result in results if isinstance(result, InsufficientInventory))
    assert refusal.params == {"lines": [{"product_id": product.pk, "requested": 1, "available": 0}]}
