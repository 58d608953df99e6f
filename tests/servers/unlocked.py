"""Stand-ins for what locks: they read and lock nothing, or lock out of order, and wait there for the test to say go on."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from django.db.models import Q, QuerySet

from cart import locks as cart_locks
from cart.models import Cart
from inventory import locks
from inventory.models import Reservation
from inventory.policies import HeldUnits
from tests.servers.pausing import BEFORE, ask, pause

HAVE_READ = "have read the stock"
HAVE_ONE = "have the first of several"
MERGING = "about to merge what was read"


def read_stock_only() -> None:
    """`inventory.locks` reads, and goes on only when the test says that all have read."""

    shelves_of = locks._shelves

    def read(rows: Iterable[tuple[Any, ...]]) -> locks.Shelves:
        shelves = shelves_of(rows)
        ask(HAVE_READ)
        return shelves

    locks._LOCKING, locks._shelves = "", read


def read_carts_only() -> None:
    """`cart.locks` reads, and a merge goes on with the guest's lines that it has read only when the test says so."""

    def read(rows: "QuerySet[Cart]") -> "QuerySet[Cart]":
        return rows.order_by("pk")

    cart_locks._lock = read
    pause(MERGING, BEFORE, "cart.writes", "take_over_hold_starts")


def lock_as_they_come() -> None:
    """`inventory.locks` locks product by product as the lines name them; with the first in hand it asks the test."""

    lock_one = locks.stock_of

    def stock_of(*, product_ids: Collection[int]) -> locks.Shelves:
        shelves: locks.Shelves = {}
        for place, product_id in enumerate(dict.fromkeys(product_ids)):
            if place == 1:
                ask(HAVE_ONE)
            shelves |= lock_one(product_ids=[product_id])
        return shelves

    def stock_and_holds(
        *, product_ids: Collection[int], cart_line_ids: Collection[int]
    ) -> tuple[locks.Shelves, list[HeldUnits]]:
        return stock_of(product_ids=product_ids), locks.holds_of(cart_line_ids=cart_line_ids)

    def stock_held_by(*, cart_line_ids: Collection[int] = (), order_line_ids: Collection[int] = ()) -> locks.Shelves:
        lines = Q(cart_line_id__in=cart_line_ids) | Q(order_line_id__in=order_line_ids)
        held = Reservation.objects.filter(lines).order_by("pk")
        return stock_of(product_ids=list(held.values_list("inventory__product_id", flat=True)))

    locks.stock_of, locks.stock_and_holds, locks.stock_held_by = stock_of, stock_and_holds, stock_held_by


REPLACE: dict[str, Callable[[], None]] = {
    "stock": read_stock_only,
    "carts": read_carts_only,
    "order": lock_as_they_come,
}
