"""While the provider is awaited no database connection is held: the pool's own figures say so, and so do other shoppers."""

import httpx
import pytest

from orders.models import Order
from tests.faults.conftest import PausedShop
from tests.faults.test_killed_checkout import Checkout, held_at
from tests.orders.arranged import assert_stock_proven
from tests.servers.paused_web import POOL_FIGURES
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.servers]


def idle_connections(crowded: PausedShop) -> tuple[int, int]:
    """How many of the pool's connections nobody has, and how many it has at most."""
    figures = httpx.get(f"{crowded.shop.url}/{POOL_FIGURES}", timeout=10, trust_env=False).json()
    return figures["pool_available"], figures["pool_max"]


def wait_until_captured(number: int) -> None:
    """The relay's process has done its part."""
    wait_for(lambda: Order.objects.filter(status="processing").count() == number, "not captured")


@pytest.mark.parametrize(("place", "idle"), [("during authorise", 1), ("inside A", 0), ("inside B", 0)])
def test_the_pool_has_all_its_connections_during_authorisation_and_not_inside_a_transaction(
    paused: PausedShop, crowded: PausedShop, place: str, idle: int
) -> None:
    with held_at(place, [Checkout(crowded)]) as held:
        figures = idle_connections(crowded)

    assert figures == (idle, 1)
    assert held.answers[0].result(30).status_code == 201
    wait_until_captured(1)


def test_several_checkouts_wait_at_the_provider_with_no_connection_between_them(
    paused: PausedShop, crowded: PausedShop
) -> None:
    with held_at("during authorise", [Checkout(crowded) for _ in range(6)]) as held:
        figures = idle_connections(crowded)
        processes = set(held.processes)

    assert (figures, len(processes)) == ((1, 1), 1)
    assert {answer.result(30).status_code for answer in held.answers} == {201}
    wait_until_captured(6)


def test_other_shoppers_are_served_while_a_checkout_waits_at_the_provider(
    paused: PausedShop, crowded: PausedShop
) -> None:
    """The shop has one connection for all: were it held, nobody else would get any."""
    checkout, other = Checkout(crowded), Checkout(crowded)

    with held_at("during authorise", [checkout]) as held:
        meanwhile = other.send()
        seen = crowded.client.get("/cart", headers=checkout.cart.headers)
        assert not held.answers[0].done()

    answer = held.answers[0].result(30)
    assert (meanwhile.status_code, seen.status_code, seen.json()["items"], answer.status_code) == (201, 200, [], 201)
    wait_until_captured(2)
    assert_stock_proven()
