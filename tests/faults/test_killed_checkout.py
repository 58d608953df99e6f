"""The process is killed in the middle of a checkout, at each of its steps: the client tries again, and all is right."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from django.conf import settings

from orders.models import Order
from tests.faults.conftest import PausedShop
from tests.orders.arranged import Basket, assert_stock_proven, basket, body_for, lines_of, new_key, stock_of
from tests.servers.paused_web import PLACES
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.servers]
BUSY = 409
PAID = ("paid", "processing")  # the provider's webhook and the capture may have come before the repeat


def sending(paused: PausedShop, cart: Basket, key: str, **changes: Any) -> Callable[[], httpx.Response]:
    """POST /api/v1/orders to the shop, as often as it is called."""
    address, body = f"{paused.shop.url}/api/v1/orders", body_for(cart, **changes)
    headers = {**cart.headers, "Idempotency-Key": key}
    return lambda: httpx.post(address, json=body, headers=headers, timeout=30, trust_env=False)


def kill_at(paused: PausedShop, place: str, send: Callable[[], httpx.Response]) -> None:
    """Send, and kill the worker with SIGKILL once it stands at ``place``: the client gets no answer."""
    paused.controller.hold_at(place)
    with ThreadPoolExecutor(1) as pool:
        answer: Future[httpx.Response] = pool.submit(send)
        os.kill(paused.controller.wait_for_worker(), signal.SIGKILL)
        assert isinstance(answer.exception(30), httpx.TransportError)
    paused.controller.let_go()


def answer_of(send: Callable[[], httpx.Response]) -> httpx.Response:
    """The first answer that is not "still running", as a patient client gets it."""

    def final() -> httpx.Response | None:
        try:
            response = send()
        except httpx.TransportError:  # the next worker is not there yet
            return None
        return None if response.status_code == BUSY else response

    return wait_for(final, "no final answer", seconds=30)


def at_provider(order: Order) -> list[tuple[str, int]]:
    listed = httpx.get(f"{settings.PAYMENT_SIMULATOR_URL}/v1/payments?limit=1000", trust_env=False).json()["payments"]
    return [(it["state"], it["captured"]) for it in listed if it["reference"] == order.number]


def wait_until(order: Order, status: str) -> None:
    """The relay's process captures, and the order follows."""
    wait_for(lambda: Order.objects.filter(pk=order.pk, status=status).exists(), f"{order.number} is not {status}")


@pytest.mark.parametrize("place", PLACES)
def test_a_checkout_killed_at_any_step_is_finished_by_its_repeat(paused: PausedShop, place: str) -> None:
    cart, key = basket(2), new_key()
    send = sending(paused, cart, key)

    kill_at(paused, place, send)
    response = answer_of(send)

    order = Order.objects.get()
    assert response.status_code in (200, 201), response.text
    assert (response.json()["number"], response.json()["status"] in PAID) == (order.number, True)
    wait_until(order, "processing")
    assert at_provider(order) == [("captured", 2500)]
    assert (stock_of(cart), lines_of(cart.cart)) == ([(8, 0)], [])
    assert_stock_proven()


@pytest.mark.parametrize("place", ["during authorise", "inside B"])
def test_a_checkout_killed_with_the_money_held_is_finished_without_any_repeat(paused: PausedShop, place: str) -> None:
    cart = basket(2)

    kill_at(paused, place, sending(paused, cart, new_key()))

    order = Order.objects.get()
    wait_until(order, "processing")  # the provider's webhook told of the authorisation
    assert at_provider(order) == [("captured", 2500)]
    assert (stock_of(cart), lines_of(cart.cart)) == ([(8, 0)], [])
    assert_stock_proven()


@pytest.mark.parametrize("place", ["during authorise", "inside B"])
def test_a_declined_checkout_killed_on_its_way_is_declined_by_its_repeat(paused: PausedShop, place: str) -> None:
    cart, key = basket(2), new_key()
    send = sending(paused, cart, key, payment_method="pm_card_declined")

    kill_at(paused, place, send)
    response = answer_of(send)

    order = Order.objects.get()
    assert (response.status_code, response.json()["number"]) == (402, order.number)
    assert at_provider(order) == [("declined", 0)]
    assert (stock_of(cart), lines_of(cart.cart)) == ([(10, 2)], [(cart.products[0].pk, 2)])
    assert_stock_proven()


def test_a_slow_process_that_lost_its_lease_can_neither_answer_nor_buy_again(paused: PausedShop) -> None:
    cart, key = basket(2), new_key()
    send = sending(paused, cart, key)

    paused.controller.hold_at("during authorise")
    with ThreadPoolExecutor(1) as pool:
        slow: Future[httpx.Response] = pool.submit(send)
        paused.controller.wait_for_worker()
        heir = answer_of(send)
        paused.controller.let_go()
        late = slow.result(30)

    order = Order.objects.get()
    assert (heir.status_code, heir.json()["status"] in PAID) == (200, True)
    assert (late.status_code, late.json()["code"]) == (409, "idempotency_in_progress")
    assert send().content == heir.content
    wait_until(order, "processing")
    assert at_provider(order) == [("captured", 2500)]
    assert stock_of(cart) == [(8, 0)]
    assert_stock_proven()


def test_no_database_connection_is_held_while_the_provider_is_awaited(paused: PausedShop) -> None:
    """The shop has one connection for all: with a checkout waiting at the provider, every other request still gets it."""
    cart, other = basket(2), basket(1)

    paused.controller.hold_at("during authorise")
    with ThreadPoolExecutor(1) as pool:
        waiting: Future[httpx.Response] = pool.submit(sending(paused, cart, new_key()))
        paused.controller.wait_for_worker()
        meanwhile = sending(paused, other, new_key())()
        seen = httpx.get(f"{paused.shop.url}/api/v1/cart", headers=cart.headers, timeout=10, trust_env=False)
        assert not waiting.done()
        paused.controller.let_go()
        answer = waiting.result(30)

    assert (meanwhile.status_code, seen.status_code, seen.json()["items"], answer.status_code) == (201, 200, [], 201)
    for order in Order.objects.all():
        wait_until(order, "processing")
    assert_stock_proven()
