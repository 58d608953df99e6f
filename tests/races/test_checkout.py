"""Many buying at once, on real PostgreSQL and a real provider; with a control in which the protection is taken out.

In threads of one process, with each statement watched for its locks. Crowds, processes and a Valkey in trouble are in
test_checkout_over_http.py.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from django.db import connection
from django.test import Client
from pytest_django import Settings

from cart import locks as cart_locks
from cart import operations as cart_operations
from cart.types import LockedCart
from core.clock import now
from core.models import IdempotencyClaim
from orders import services
from orders.models import Order
from payments.models import Payment
from tests.factories import make_cart, make_cart_item, make_product, make_shipping_method
from tests.guards import LockGuard
from tests.orders.arranged import (
    SHIPPING,
    Basket,
    assert_stock_proven,
    at_provider,
    basket,
    buy,
    history_of,
    new_key,
    order_of,
    stock_of,
    work_off,
)
from tests.races.threads import PATIENCE_SECONDS, at_once
from tests.servers.simulator import SECRET, Simulator, running_simulator

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.race]
CROWD, UNITS = 12, 3


@pytest.fixture(scope="module")
def _provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    with running_simulator(tmp_path_factory.mktemp("provider")) as provider:
        yield provider


@pytest.fixture(autouse=True)
def provider(_provider: Simulator, settings: Settings) -> Simulator:
    """A real provider, on whom the shop has more patience than it needs: this machine may be busy."""
    settings.PAYMENT_SIMULATOR_URL = _provider.url
    settings.PAYMENT_SIMULATOR_SECRET = SECRET
    settings.PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=20)
    Client().get("/health/live")  # loads the middleware, of which some can not be loaded by several threads at once
    return _provider


def answers(responses: list[Any]) -> Counter[str]:
    """How often each answer was given: its status, and its code if it is a refusal."""
    raised = [response for response in responses if isinstance(response, Exception)]
    assert raised == []
    return Counter(
        " ".join(filter(None, (str(response.status_code), json.loads(response.content).get("code"))))
        for response in responses
    )


def crowd_for_one_product(*, units: int, held: bool, guests: int = CROWD) -> list[Basket]:
    """So many guests, each with one of the same product in the cart."""
    product = make_product(stock=units)
    make_shipping_method(code=SHIPPING)
    until = now() + timedelta(minutes=30) if held else None
    baskets = []
    for _guest in range(guests):
        cart = make_cart()
        make_cart_item(cart=cart, product=product, held_until=until)
        baskets.append(Basket(cart, [product], "15.00", {"X-Cart-Token": cart.token}))
    return baskets


@pytest.mark.parametrize("valkey", ["up", "down"])
def test_requests_with_one_key_make_one_order_and_one_payment(
    provider: Simulator, settings: Settings, valkey: str
) -> None:
    if valkey == "down":
        take_valkey_away(settings)
    cart, key = basket(2), new_key()

    responses = at_once([partial(buy, cart, key=key)] * CROWD)

    told = answers(responses)
    assert told["201"] == 1
    assert told["200"] + told["409 idempotency_in_progress"] == CROWD - 1
    assert len({response.content for response in responses if response.status_code in (200, 201)}) == 1
    assert (Order.objects.count(), Payment.objects.count()) == (1, 1)
    assert at_provider(provider, Order.objects.get()) == [("authorised", 0, 0)]
    assert stock_of(cart) == [(8, 0)]
    assert_stock_proven()


def test_two_keys_for_one_cart_buy_it_once(provider: Simulator) -> None:
    cart = basket(2)

    responses = at_once([partial(buy, cart, key=new_key()) for _key in range(8)])

    assert answers(responses) == {"201": 1, "409 empty_cart": 7}
    assert (Order.objects.count(), stock_of(cart)) == (1, [(8, 0)])
    assert_stock_proven()


def test_shoppers_with_held_carts_all_get_theirs() -> None:
    baskets = crowd_for_one_product(units=CROWD, held=True)

    responses = at_once([partial(buy, cart) for cart in baskets])

    assert answers(responses) == {"201": CROWD}
    assert stock_of(baskets[0]) == [(0, 0)]
    assert_stock_proven()


def test_of_those_without_holds_as_many_get_theirs_as_there_are_units() -> None:
    baskets = crowd_for_one_product(units=UNITS, held=False)

    responses = at_once([partial(buy, cart) for cart in baskets])

    assert answers(responses) == {"201": UNITS, "409 insufficient_inventory": CROWD - UNITS}
    assert stock_of(baskets[0]) == [(0, 0)]
    assert Order.objects.filter(status="paid").count() == Order.objects.count() == UNITS
    assert_stock_proven()


def test_settling_and_repeats_at_once_pay_an_order_once(provider: Simulator) -> None:
    cart, key = basket(2), new_key()
    first = buy(cart, key=key, payment_method="pm_card_authentication_required")
    order = order_of(first)
    httpx.post(json.loads(first.content)["next_action"], data={"decision": "approve"}, trust_env=False)
    later = now() + timedelta(minutes=1)

    results = at_once(
        [partial(services.settle_payments, now=later)] * 4
        + [partial(buy, cart, key=key, payment_method="pm_card_authentication_required")] * 4
    )
    work_off(later)

    assert [result for result in results if isinstance(result, Exception)] == []
    kinds = [entry for entry in history_of(order) if entry[0] == "order"]
    assert kinds == [
        ("order", "", "pending_payment"),
        ("order", "pending_payment", "paid"),
        ("order", "paid", "processing"),
    ]
    assert at_provider(provider, order) == [("captured", 2500, 0)]
    assert stock_of(cart) == [(8, 0)]
    assert_stock_proven()


def test_control_without_constraints_and_cart_lock_one_key_buys_a_cart_many_times(
    monkeypatch: pytest.MonkeyPatch, lock_guard: LockGuard, settings: Settings
) -> None:
    """What the protection is for: with it taken out, every one of the requests makes an order."""
    take_valkey_away(settings)  # it would turn those away that come a little later
    cart, key = basket(2), new_key()
    take_out_the_cart_lock(monkeypatch, readers=4)

    with without_constraints():
        responses = at_once([partial(buy, cart, key=key)] * 4)
        orders = Order.objects.filter(idempotency_key=key).count()

    assert (answers(responses), orders) == ({"201": 4}, 4)
    lock_guard.breaches.clear()


def take_valkey_away(settings: Settings) -> None:
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:9/0"}}


def take_out_the_cart_lock(monkeypatch: pytest.MonkeyPatch, *, readers: int) -> None:
    """Read the cart without locking it, and buy it only when all ``readers`` have read: the worst that can happen, each time."""
    everybody_has_read, seen, lock = threading.Barrier(readers), threading.local(), cart_operations.lock

    def read_only(*, cart_id: int) -> LockedCart:
        found = lock(cart_id=cart_id)
        if not hasattr(seen, "cart"):
            seen.cart = found
            everybody_has_read.wait(PATIENCE_SECONDS)
        return found

    monkeypatch.setattr(cart_locks, "_lock", lambda rows: rows.order_by("pk"))
    monkeypatch.setattr(cart_operations, "lock", read_only)


@contextmanager
def without_constraints() -> Iterator[None]:
    """Takes away what makes a key unique for claims and for orders; brings it back once what came of that is gone."""
    dropped = [
        (model, constraint)
        for model in (IdempotencyClaim, Order)
        for constraint in model._meta.constraints
        if constraint.name in ("idempotency_claim_once", "order_idempotency_once")
    ]
    with connection.schema_editor() as editor:
        for model, constraint in dropped:
            editor.remove_constraint(model, constraint)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE core_idempotencyclaim, orders_order CASCADE")
        with connection.schema_editor() as editor:
            for model, constraint in dropped:
                editor.add_constraint(model, constraint)
