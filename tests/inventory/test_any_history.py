"""Whatever shoppers, staff and the clock do, in whatever order: stock, ledger and holds agree after every step."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from cart import operations as cart_operations
from cart import services as carts
from cart.models import Cart, CartItem
from cart.types import PutBack
from core.errors import DomainError
from core.money import Money
from core.shopper import Shopper
from inventory import operations, services
from inventory.errors import InsufficientInventory
from inventory.models import Inventory, Reservation
from inventory.types import OrderMove, SaleLine
from tests.factories import make_cart, make_product, make_stock, make_user, make_warehouse

PRODUCTS, WAREHOUSES, SHOPPERS = range(3), range(2), range(4)
UNITS = st.integers(1, 7)


@contextmanager
def undone() -> Iterator[None]:
    """All that happens inside is rolled back; to services it looks as if nothing were open, as in a test case."""
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]  # what Django's TestCase sets
    with block:
        yield
        transaction.set_rollback(True)


class Shop(RuleBasedStateMachine):
    """Three products in two warehouses, three guests and a user, and orders of which only the stock side exists."""

    def __init__(self) -> None:
        super().__init__()
        self.block = undone()
        self.block.__enter__()
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.warehouses = [make_warehouse() for _ in WAREHOUSES]
        self.products = [make_product(max_per_order=9) for _ in PRODUCTS]
        for product in self.products:
            for warehouse in self.warehouses:
                make_stock(product=product, quantity=5, warehouse=warehouse)
        self.user = make_user()
        self.shoppers = [Shopper(user_id=self.user.pk), *(Shopper(cart_token=make_cart().token) for _ in SHOPPERS[1:])]
        self.pending: dict[int, tuple[int, list[PutBack]]] = {}
        self.sold: list[SaleLine] = []
        self.last_line = 10_000_000

    def teardown(self) -> None:
        """Forget everything."""
        self.block.__exit__(None, None, None)

    @rule(shopper=st.sampled_from(SHOPPERS), product=st.sampled_from(PRODUCTS), units=UNITS)
    def add(self, shopper: int, product: int, units: int) -> None:
        with suppress(DomainError):
            carts.add_item(
                shopper=self.shoppers[shopper], product_id=self.products[product].pk, quantity=units, now=self.now
            )

    @rule(which=st.integers(0, 20), units=UNITS)
    def change(self, which: int, units: int) -> None:
        if line := self._line(which):
            with suppress(DomainError):
                carts.change_item(shopper=self._owner(line), item_id=line.pk, quantity=units, now=self.now)

    @rule(which=st.integers(0, 20))
    def hold_again(self, which: int) -> None:
        if line := self._line(which):
            with suppress(DomainError):
                carts.hold_item(shopper=self._owner(line), item_id=line.pk, now=self.now)

    @rule(which=st.integers(0, 20))
    def remove(self, which: int) -> None:
        if line := self._line(which):
            carts.remove_item(shopper=self._owner(line), item_id=line.pk, now=self.now)

    @rule(shopper=st.sampled_from(SHOPPERS[1:]))
    def log_in(self, shopper: int) -> None:
        carts.merge_at_login(user_id=self.user.pk, cart_token=self.shoppers[shopper].cart_token, now=self.now)

    @rule(minutes=st.sampled_from([1, 20, 31, 200, 300]))
    def wait(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def expire(self) -> None:
        lapsed = Reservation.objects.filter(expires_at__lte=self.now).count()
        assert services.release_expired(now=self.now).holds == lapsed

    @rule(shopper=st.sampled_from(SHOPPERS))
    def order(self, shopper: int) -> None:
        cart = Cart.objects.filter(pk__in=self._cart_ids(shopper)).first()
        if cart is None or not cart.items.exists():
            return
        with suppress(InsufficientInventory), transaction.atomic():
            locked = cart_operations.lock(cart_id=cart.pk)
            moves = [
                OrderMove(
                    cart_line_id=line.id,
                    order_line_id=self.last_line + place,
                    product_id=line.product_id,
                    quantity=line.quantity,
                )
                for place, line in enumerate(locked.lines, 1)
            ]
            operations.move_to_order(moves=moves, near=None, now=self.now)
            cart_operations.take_all(cart_id=cart.pk, now=self.now)
            lines = [
                PutBack(
                    product_id=move.product_id,
                    quantity=move.quantity,
                    order_line_id=move.order_line_id,
                    seen_price=Money.zero("USD"),
                )
                for move in moves
            ]
            self.last_line += len(moves)
            self.pending[self.last_line] = (cart.pk, lines)

    @precondition(lambda self: self.pending)
    @rule()
    def pay(self) -> None:
        _, lines = self.pending.pop(min(self.pending))
        with transaction.atomic():
            operations.sell(order_line_ids=[line.order_line_id for line in lines], reference="order", now=self.now)
        self.sold += [
            SaleLine(order_line_id=line.order_line_id, product_id=line.product_id, quantity=line.quantity)
            for line in lines
        ]

    @precondition(lambda self: self.pending)
    @rule()
    def decline(self) -> None:
        cart_id, lines = self.pending.pop(min(self.pending))
        with transaction.atomic():
            cart_operations.put_back(cart_id=cart_id, lines=lines, now=self.now)

    @precondition(lambda self: self.pending)
    @rule()
    def cancel(self) -> None:
        _, lines = self.pending.pop(min(self.pending))
        with transaction.atomic():
            operations.release_order(order_line_ids=[line.order_line_id for line in lines], now=self.now)

    @precondition(lambda self: self.sold)
    @rule()
    def restock(self) -> None:
        with transaction.atomic():
            operations.restock(lines=[self.sold.pop()], reference="return", actor_id=None, now=self.now)

    @rule(product=st.sampled_from(PRODUCTS), warehouse=st.sampled_from(WAREHOUSES), units=UNITS)
    def receive(self, product: int, warehouse: int, units: int) -> None:
        services.receive(
            product_id=self.products[product].pk,
            warehouse_id=self.warehouses[warehouse].pk,
            quantity=units,
            actor_id=None,
            now=self.now,
        )

    @rule(product=st.sampled_from(PRODUCTS), warehouse=st.sampled_from(WAREHOUSES), units=st.integers(-6, 6))
    def adjust(self, product: int, warehouse: int, units: int) -> None:
        with suppress(DomainError):
            services.adjust(
                product_id=self.products[product].pk,
                warehouse_id=self.warehouses[warehouse].pk,
                difference=units,
                reason="counted",
                actor_id=None,
                now=self.now,
            )

    @rule(product=st.sampled_from(PRODUCTS), source=st.sampled_from(WAREHOUSES), units=UNITS)
    def transfer(self, product: int, source: int, units: int) -> None:
        with suppress(DomainError):
            services.transfer(
                product_id=self.products[product].pk,
                from_warehouse_id=self.warehouses[source].pk,
                to_warehouse_id=self.warehouses[1 - source].pk,
                quantity=units,
                actor_id=None,
                now=self.now,
            )

    @rule(product=st.sampled_from(PRODUCTS), warehouse=st.sampled_from(WAREHOUSES), counted=st.integers(0, 12))
    def count(self, product: int, warehouse: int, counted: int) -> None:
        with suppress(DomainError):
            services.count(
                product_id=self.products[product].pk,
                warehouse_id=self.warehouses[warehouse].pk,
                counted=counted,
                actor_id=None,
                now=self.now,
            )

    @invariant()
    def the_books_agree(self) -> None:
        report = services.check_inventory(now=self.now)
        orders = Reservation.objects.filter(order_line_id__isnull=False)
        ordered = {line.order_line_id for _, lines in self.pending.values() for line in lines}
        assert set(orders.values_list("order_line_id", flat=True)) == ordered
        made_up = set(orders.values_list("pk", flat=True))
        assert [row for row in report.differences if row.field != "holder" or row.row_id not in made_up] == []
        assert report.oversold == 0

    @invariant()
    def nobody_holds_more_than_the_line(self) -> None:
        for line_id, units in CartItem.objects.values_list("pk", "quantity"):
            parts = Reservation.objects.filter(cart_line_id=line_id).values_list("quantity", flat=True)
            assert sum(parts) <= units

    @invariant()
    def a_pending_order_holds_all_of_its_lines(self) -> None:
        for _, lines in self.pending.values():
            for line in lines:
                parts = Reservation.objects.filter(order_line_id=line.order_line_id).values_list("quantity", flat=True)
                assert sum(parts) == line.quantity

    def _line(self, which: int) -> CartItem | None:
        lines = list(CartItem.objects.order_by("pk"))
        return lines[which % len(lines)] if lines else None

    def _owner(self, line: CartItem) -> Shopper:
        return Shopper(user_id=line.cart.user_id, cart_token=line.cart.token)

    def _cart_ids(self, shopper: int) -> list[int]:
        who = self.shoppers[shopper]
        owned = Cart.objects.filter(user_id=who.user_id) if who.user_id else Cart.objects.filter(token=who.cart_token)
        return list(owned.values_list("pk", flat=True))


@pytest.mark.django_db
def test_stock_ledger_and_holds_agree_after_every_step_of_any_history() -> None:
    run_state_machine_as_test(
        Shop,
        settings=settings(
            max_examples=25,
            stateful_step_count=40,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert Inventory.objects.count() == 0
