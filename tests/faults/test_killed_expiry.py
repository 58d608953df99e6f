"""The expiry of holds is killed with SIGKILL amid its work: the next run does the rest, and shoppers need not wait for it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cart import services as carts
from cart.models import CartItem
from catalog.models import Product
from core.clock import now
from core.jobs import run_job
from core.shopper import Shopper
from inventory import services
from inventory.models import Inventory, Reservation
from tests.factories import make_cart, make_cart_item, make_product
from tests.servers.paused_expiry import BETWEEN_BATCHES, IN_A_BATCH, Expiry, running_expiry
from tests.servers.pausing import Controller, controlling
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.servers]
BATCH, BATCHES = 3, 4
LONG_AGO = timedelta(minutes=1)  # before the run that the job is held at, too


@pytest.fixture
def controller(tmp_path: Path) -> Iterator[Controller]:
    with controlling(tmp_path) as controller:
        yield controller


@pytest.fixture
def expiry(tmp_path: Path, controller: Controller) -> Iterator[Expiry]:
    """The job in a process of its own, about to begin: three products to a batch."""
    with running_expiry(tmp_path, controller, products=BATCH) as expiry:
        yield expiry


def lapsed_products() -> list[Product]:
    """Twelve products of two units each, in lapsed holds of two carts; four batches."""
    products = [make_product(stock=2) for _ in range(BATCH * BATCHES)]
    for _ in range(2):
        cart = make_cart()
        for product in products:
            make_cart_item(cart=cart, product=product, held_until=now() - LONG_AGO)
    return products


def reserved() -> list[int]:
    """Of each product, in their order."""
    return list(Inventory.objects.order_by("product_id").values_list("reserved", flat=True))


def add(product: Product, quantity: int) -> bool:
    """As a new guest; whether the line is held."""
    change = carts.add_item(shopper=Shopper(), product_id=product.pk, quantity=quantity, now=now())
    return change.cart.items[0].held


def run_again() -> None:
    """As beat or the relay does a minute later; the lock on the job ends with the process that had it."""
    wait_for(lambda: run_job("release expired holds", "inventory.services.release_expired"), "the job runs again")


def assert_proven() -> None:
    report = services.check_inventory(now=now())
    assert (list(report.differences), report.oversold) == ([], 0)


def kill(expiry: Expiry) -> None:
    """SIGKILL, by its number."""
    expiry.process.kill()
    assert expiry.process.wait(10) == -9


def test_killed_inside_a_batch_it_has_released_nothing_of_it_and_the_next_run_releases_all_once(
    controller: Controller, expiry: Expiry
) -> None:
    products = lapsed_products()
    controller.let_go(then_hold_at=IN_A_BATCH)
    controller.wait_for_worker()  # deleted and subtracted, not committed

    assert (reserved(), Reservation.objects.count()) == ([2] * 12, 24)
    assert add(products[-1], 2)  # of a batch to come: nobody need wait for the job
    kill(expiry)
    assert (reserved(), Reservation.objects.count()) == ([2] * 12, 23)
    assert add(products[0], 1)  # of the batch that was lost

    run_again()

    assert reserved() == [1] + [0] * 10 + [2]
    assert sorted(Reservation.objects.values_list("inventory__product_id", "quantity")) == [
        (products[0].pk, 1),
        (products[-1].pk, 2),
    ]
    assert CartItem.objects.count() == 24 + 2  # lapsed lines stay
    assert_proven()


def test_killed_between_two_batches_it_has_released_the_first_and_the_next_run_releases_the_rest_once(
    controller: Controller, expiry: Expiry
) -> None:
    products = lapsed_products()
    controller.let_go(then_hold_at=BETWEEN_BATCHES)
    controller.wait_for_worker()

    assert (reserved(), Reservation.objects.count()) == ([0] * 3 + [2] * 9, 18)
    kill(expiry)
    assert add(products[0], 2)  # of the batch that was done
    assert add(products[-1], 1)  # of a batch to come
    assert reserved() == [2, 0, 0] + [2] * 8 + [1]

    run_again()

    assert reserved() == [2] + [0] * 10 + [1]
    assert sorted(Reservation.objects.values_list("inventory__product_id", "quantity")) == [
        (products[0].pk, 2),
        (products[-1].pk, 1),
    ]
    assert CartItem.objects.count() == 24 + 2  # lapsed lines stay
    assert_proven()


def test_killed_again_and_again_it_still_comes_to_an_end(tmp_path: Path, controller: Controller) -> None:
    lapsed_products()

    for done in range(1, BATCHES + 1):
        with running_expiry(tmp_path, controller, products=BATCH) as expiry:
            controller.let_go(then_hold_at=BETWEEN_BATCHES)
            controller.wait_for_worker()
            kill(expiry)
        assert reserved() == [0] * BATCH * done + [2] * BATCH * (BATCHES - done)

    run_again()

    assert (reserved(), Reservation.objects.count()) == ([0] * 12, 0)
    assert_proven()
