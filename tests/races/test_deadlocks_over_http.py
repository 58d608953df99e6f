"""Many carts with the same two products in opposite order, through three worker processes: nobody is ever in a deadlock.

RACE_SECONDS makes it shorter or longer. The control locks stock in the order in which the lines of a cart come.
"""

import os
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest
from django.db import connection

from cart.models import Cart
from catalog.models import Product
from core.clock import now
from orders.models import Order
from tests.factories import make_cart, make_cart_item, make_product, make_shipping_method
from tests.orders.arranged import SHIPPING, Basket, body_for, new_key
from tests.races.http_clients import PATIENCE_SECONDS, adding, answer, at_once, count
from tests.races.over_http import Meanwhile, assert_proven, nothing, stock
from tests.servers.paused_expiry import running_expiry
from tests.servers.pausing import controlling
from tests.servers.shop import database_of_tests, running_shop
from tests.servers.unlocked import HAVE_ONE
from tests.servers.unlocked_web import unlocked_shop
from tests.servers.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.race,
    pytest.mark.servers,
    pytest.mark.xdist_group("deadlocks over HTTP"),
]
SECONDS = float(os.environ.get("RACE_SECONDS", "30"))
CLIENTS, BUYERS, LAPSING = 32, 8, 100
PLENTY = 1_000_000


@dataclass(slots=True)
class Crowd:
    """32 guests who fill their carts with two products, half of them in the one order and half in the other, and empty them.

    Each round all of them empty their carts at once, some by buying: each request takes both products in one transaction. They
    go on until ``seconds`` have passed, or until something has gone wrong.
    """

    products: list[Product]
    seconds: float
    answers: list[str] = field(default_factory=list)
    rounds: int = 0
    over: bool = False
    _end: float = 0
    _together: threading.Barrier = field(default_factory=lambda: threading.Barrier(CLIENTS))
    _round: threading.Barrier = field(init=False)

    def __post_init__(self) -> None:
        self._round = threading.Barrier(CLIENTS, action=self._decide)

    def visit(self, url: str, meanwhile: Meanwhile = nothing) -> Counter[str]:
        """Let them shop, and count what they were told."""
        self._end = time.monotonic() + self.seconds
        at_once(url, [partial(self._shop, number, make_cart()) for number in range(CLIENTS)], meanwhile=meanwhile)
        return count(f"{CLIENTS} with two products in opposite order, {self.rounds} rounds", self.answers)

    def _decide(self) -> None:
        self.rounds += 1
        trouble = any(" 5" in told for told in self.answers)
        self.over = trouble or time.monotonic() > self._end

    def _shop(self, number: int, cart: Cart, client: httpx.Client) -> None:
        client.headers["X-Cart-Token"] = cart.token
        in_order = self.products if number % 2 else self.products[::-1]
        while not self.over:
            items: list[int] = []
            for product in in_order:
                response = self._note("add", adding(product.pk)(client))
                if response.is_success:
                    items = [item["id"] for item in response.json()["items"]]
            for item in reversed(items):
                self._note("renew", client.post(f"/cart/items/{item}/hold"))
            self._together.wait(PATIENCE_SECONDS)
            if number < BUYERS:
                order, key = body_for(Basket(cart, self.products, "25.00")), {"Idempotency-Key": new_key()}
                self._note("buy", client.post("/orders", json=order, headers=key))
            else:
                self._note("clear", client.delete("/cart"))
            self._round.wait(PATIENCE_SECONDS)

    def _note(self, what: str, response: httpx.Response) -> httpx.Response:
        self.answers.append(f"{what} {answer(response)}")
        return response


def deadlocks() -> int:
    """How many PostgreSQL has broken in the tests' database, once all but this process have left: a backend tells at its end."""
    with connection.cursor() as cursor:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        wait_for(lambda: cursor.execute(others).fetchone() == (0,), "the shop has left the database")
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        (found,) = cursor.fetchone()
    return int(found)


def broken_since(before: int) -> int:
    """How many more there are than ``before``; printed too."""
    return count("  broken by PostgreSQL", ["deadlock"] * (deadlocks() - before)).total()


def two_products() -> list[Product]:
    make_shipping_method(code=SHIPPING)
    return [make_product(stock=PLENTY) for _ in range(2)]


def lapse_meanwhile(products: list[Product]) -> None:
    """Carts of both products whose holds lapse one after the other while the race lasts, for the expiry to release."""
    begin = now()
    for place in range(LAPSING):
        cart = make_cart()
        for product in products if place % 2 else products[::-1]:
            lapse = begin + timedelta(seconds=SECONDS * place / LAPSING)
            make_cart_item(cart=cart, product=product, held_until=lapse)


def test_two_products_in_opposite_order_for_thirty_seconds_never_deadlock(tmp_path: Path) -> None:
    before, products = deadlocks(), two_products()
    lapse_meanwhile(products)

    with (
        running_shop(
            database_url=database_of_tests(),
            valkey_url=os.environ["VALKEY_URL"],
            workers=3,
            threads=8,
            parts=("payments", "web"),
        ) as shop,
        controlling(tmp_path) as controller,
        running_expiry(tmp_path, controller, products=500) as expiry,
    ):
        controller.let_go()
        crowd = Crowd(products, SECONDS)
        counts = crowd.visit(shop.url)
        wait_for(lambda: expiry.holds == LAPSING * 2, "the expiry has released all")

    renewed = added = CLIENTS * crowd.rounds * 2
    bought = BUYERS * crowd.rounds
    assert counts == {
        "add 201": added,
        "renew 200": renewed,
        "buy 201": bought,
        "clear 200": CLIENTS * crowd.rounds - bought,
    }
    assert broken_since(before) == 0
    assert Order.objects.count() == bought
    assert stock() == [(PLENTY - bought, 0)] * 2
    assert_proven()


def test_control_locked_as_the_lines_come_they_deadlock(tmp_path: Path) -> None:
    """Expected: in the first round a cart has the one product, and another cart the other; PostgreSQL refuses one of the two."""
    before, products = deadlocks(), two_products()

    with unlocked_shop("order", tmp_path, parts=("payments", "web")) as unlocked:
        unlocked.controller.hold_at(HAVE_ONE, number=2)
        crowd = Crowd(products, SECONDS)
        counts = crowd.visit(unlocked.shop.url, unlocked.meet)

    assert crowd.rounds == 1
    assert counts["clear 503 unavailable"] + counts["buy 503 unavailable"] >= 1
    assert broken_since(before) >= 1
