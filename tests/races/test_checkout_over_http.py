"""Many buying at once over HTTP: several worker processes, a real provider, a Valkey that is up, down, or emptied all the while.

What each race is protected by is taken out in the control at the end.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import httpx
import pytest
from prometheus_client.mmap_dict import MmapedDict
from pytest_django import Settings

from orders.models import Order
from payments.models import Payment
from tests.orders.arranged import Basket, assert_stock_proven, basket, body_for, lines_of, new_key, stock_of
from tests.races.http_clients import Call, answer, at_once, count
from tests.races.test_checkout import crowd_for_one_product, without_constraints
from tests.servers.embedded import PrivateValkey, private_valkey
from tests.servers.flushing import win_deadlocks, win_no_more
from tests.servers.pausing import SOCKET, controlling
from tests.servers.provider_books import Books
from tests.servers.shop import Shop, database_of_tests, running_shop
from tests.servers.troubled_valkey import STATES, valkey_that_is
from tests.servers.unclaimed_web import HAVE_READ
from tests.servers.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.race,
    pytest.mark.servers,
    pytest.mark.xdist_group("checkout over HTTP"),
]
CROWD, UNITS = 64, 10
OF_THE_CONTROL = 8  # all of them wait for each other, each with a connection
NO_VALKEY = "redis://127.0.0.1:9/0"


@dataclass(frozen=True, slots=True)
class Market:
    """A shop of several worker processes, its Valkey, and what comes to its provider from now on."""

    shop: Shop
    valkey: PrivateValkey
    books: Books

    def race(
        self, name: str, state: str, calls: Sequence[Call[httpx.Response]]
    ) -> tuple[Counter[str], list[httpx.Response]]:
        """Send all at once while Valkey is in ``state``; how often each answer was given, and the answers."""
        with valkey_that_is(state, self.valkey):
            responses = at_once(self.shop.url, calls)
        return count(f"{name}, Valkey {state}", map(answer, responses)), responses

    def assert_captured(self, number: int) -> None:
        """So many orders were paid, each with one payment of its whole total, and nobody else has paid anything."""
        captured = Order.objects.filter(status="processing")
        wait_for(lambda: captured.count() == number, "not all of them are captured", seconds=60)
        assert (Order.objects.count(), Payment.objects.count()) == (number, number)
        assert self.books.payments() == {order.number: [("captured", int(order.total * 100))] for order in captured}
        self.books.assert_reconciled(order.number for order in captured)
        assert_stock_proven()

    def workers_that_sold(self) -> set[str]:
        """The numbers of the web processes in which orders came to be paid, as their metrics say."""
        found = set()
        for path in (self.shop.folder / "metrics").glob("counter_*.db"):
            for key, value, *_ in MmapedDict.read_all_values_from_file(str(path)):
                if "orders_total" in key and "success" in key and value:
                    found.add(path.stem.removeprefix("counter_"))
        return found


@pytest.fixture(scope="module")
def _shop(django_db_setup: None) -> Iterator[tuple[Shop, PrivateValkey]]:
    with (
        private_valkey() as valkey,
        running_shop(database_url=database_of_tests(), valkey_url=valkey.url, workers=4, threads=8) as shop,
    ):
        for _ in range(
            2
        ):  # a busy machine is slow to fill pools of connections, and nobody should be turned away meanwhile
            at_once(shop.url, [lambda client: client.get("/cart", headers={"X-Cart-Token": new_key()})] * CROWD)
        yield shop, valkey
        win_no_more()


@pytest.fixture
def market(_shop: tuple[Shop, PrivateValkey], settings: Settings) -> Iterator[Market]:
    """The shop, for one test; this process speaks to the same provider."""
    shop, valkey = _shop
    settings.PAYMENT_SIMULATOR_URL = shop.environment["PAYMENT_SIMULATOR_URL"]
    yield Market(shop, valkey, Books(settings.PAYMENT_SIMULATOR_URL))
    win_deadlocks()


def buying(cart: Basket, key: str, client: httpx.Client) -> httpx.Response:
    """POST /orders."""
    return client.post("/orders", json=body_for(cart), headers={**cart.headers, "Idempotency-Key": key})


@pytest.mark.parametrize("valkey", STATES)
def test_sixty_four_requests_with_one_key_make_one_order_and_one_payment(market: Market, valkey: str) -> None:
    cart, key = basket(2), new_key()

    counts, responses = market.race("64 with one key", valkey, [partial(buying, cart, key)] * CROWD)

    assert counts["201"] == 1
    assert counts["200"] + counts["409 idempotency_in_progress"] == CROWD - 1
    bought = [response for response in responses if response.is_success]
    assert len({response.content for response in bought}) == 1
    assert {response.headers.get("Idempotent-Replayed") for response in bought if response.status_code == 200} <= {
        "true"
    }
    assert {response.headers["Retry-After"] for response in responses if response.status_code == 409} <= {"5"}
    assert (stock_of(cart), lines_of(cart.cart)) == ([(8, 0)], [])
    market.assert_captured(1)


@pytest.mark.parametrize("valkey", STATES)
def test_sixty_four_shoppers_with_held_carts_all_get_theirs(market: Market, valkey: str) -> None:
    baskets = crowd_for_one_product(units=CROWD, held=True, guests=CROWD)

    counts, _ = market.race("64 with held carts", valkey, [partial(buying, cart, new_key()) for cart in baskets])

    assert counts == {"201": CROWD}
    assert stock_of(baskets[0]) == [(0, 0)]
    market.assert_captured(CROWD)
    assert len(market.workers_that_sold()) > 1


@pytest.mark.parametrize("valkey", STATES)
def test_of_sixty_four_without_holds_exactly_ten_pay_for_the_last_ten(market: Market, valkey: str) -> None:
    baskets = crowd_for_one_product(units=UNITS, held=False, guests=CROWD)

    counts, _ = market.race("64 for the last 10", valkey, [partial(buying, cart, new_key()) for cart in baskets])

    assert counts == {"201": UNITS, "409 insufficient_inventory": CROWD - UNITS}
    assert stock_of(baskets[0]) == [(0, 0)]
    market.assert_captured(UNITS)


def test_control_one_key_buys_a_cart_as_often_as_it_is_sent_without_claims(tmp_path: Path) -> None:
    """Expected: several orders and payments; eight of each, but for those that without locks came to a deadlock with others.

    Keys are unique no more, carts are not locked, and Valkey is away.
    """
    with ExitStack() as stack:
        stack.enter_context(without_constraints())
        controller = stack.enter_context(controlling(tmp_path))
        shop = stack.enter_context(
            running_shop(
                database_url=database_of_tests(),
                valkey_url=NO_VALKEY,
                workers=2,
                threads=OF_THE_CONTROL,
                parts=("payments", "web"),
                web=[sys.executable, "-m", "tests.servers.unclaimed_web"],
                extra={SOCKET: str(controller.path)},
            )
        )
        books, cart, key = Books(shop.environment["PAYMENT_SIMULATOR_URL"]), basket(2, stock=100), new_key()
        controller.hold_at(HAVE_READ, number=OF_THE_CONTROL)

        def meet() -> None:
            controller.wait_for_all()
            controller.let_go()

        responses = at_once(shop.url, [partial(buying, cart, key)] * OF_THE_CONTROL, meanwhile=meet)
        orders = Order.objects.filter(idempotency_key=key).count()
        payments = books.payments()

    told = count(
        f"{OF_THE_CONTROL} with one key, unclaimed: {orders} orders, {len(payments)} payments", map(answer, responses)
    )
    assert told["201"] > 1
    assert orders > 1
    assert len(payments) > 1
    # Held for each; captured by the relay, which does not run here.
    assert {tuple(held) for held in payments.values()} == {(("authorised", 0),)}
