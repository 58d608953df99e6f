"""Processes are killed in the middle of checkouts, at each of their steps: the clients try again, and all is right.

KILLS checkouts at a time, each an order of its own in a process of its own, stand at the same step and get their SIGKILL.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
import redis
from django.db import transaction

from core import idempotency
from core.clock import now
from core.models import IdempotencyClaim
from orders import services
from orders.models import Order
from payments.models import Payment
from payments.services import do_payment_work
from tests.faults.conftest import PausedShop
from tests.orders.arranged import VISA, Basket, assert_stock_proven, basket, body_for, lines_of, new_key, stock_of
from tests.servers.paused_web import PLACES
from tests.servers.provider_books import Books
from tests.servers.troubled_valkey import DOWN, EMPTIED, valkey_that_is
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.fault, pytest.mark.servers]
KILLS = 5
BUSY = 409
PAID = ("paid", "processing")  # the provider's webhook and the capture may have come before the repeat
PAST_THE_DEADLINE = timedelta(minutes=16)


@dataclass(frozen=True, slots=True)
class Checkout:
    """POST /api/v1/orders with one key for one cart, as often as it is sent."""

    paused: PausedShop
    card: str = VISA
    cart: Basket = field(default_factory=lambda: basket(2))
    key: str = field(default_factory=new_key)

    def send(self) -> httpx.Response:
        """Once."""
        headers = {**self.cart.headers, "Idempotency-Key": self.key}
        return self.paused.client.post("/orders", json=body_for(self.cart, payment_method=self.card), headers=headers)

    def answer(self) -> httpx.Response:
        """The first answer that is not "still running", as a patient client gets it; with a good card, one that is final."""

        def final() -> httpx.Response | None:
            try:
                response = self.send()
            except httpx.TransportError:  # the next worker is not there yet
                return None
            # On a busy machine the provider may need longer than it is given: then it is asked again.
            is_open = self.card == VISA and response.is_success and response.json()["status"] == "pending_payment"
            return None if response.status_code == BUSY or is_open else response

        return wait_for(final, "no final answer", seconds=30)

    @property
    def order(self) -> Order:
        """The one order of the key."""
        return Order.objects.get(idempotency_key=self.key)


@dataclass(frozen=True, slots=True)
class Held:
    """Checkouts that wait at a place, and the processes that run them."""

    processes: list[int]
    answers: list["Future[httpx.Response]"]

    def kill(self) -> None:
        """SIGKILL: no client gets an answer."""
        assert len(set(self.processes)) == len(self.answers)
        for process in self.processes:
            os.kill(process, signal.SIGKILL)
        for answer in self.answers:
            assert isinstance(answer.exception(30), httpx.TransportError)


@contextmanager
def held_at(place: str, checkouts: list[Checkout]) -> Iterator[Held]:
    """Send all at once, until each stands at ``place``; afterwards those that live go on."""
    controller = checkouts[0].paused.controller
    controller.hold_at(place, number=len(checkouts))
    with ThreadPoolExecutor(len(checkouts)) as pool:
        answers = [pool.submit(checkout.send) for checkout in checkouts]
        try:
            yield Held(controller.wait_for_all(), answers)
        finally:
            controller.let_go()


def kill_at(place: str, checkouts: list[Checkout]) -> None:
    """Send all at once, and kill their processes at ``place``."""
    with held_at(place, checkouts) as held:
        held.kill()


@dataclass(frozen=True, slots=True)
class Outside:
    """What others can see of a checkout that stands still."""

    is_claim_locked: bool
    claim: str
    orders: int
    payments: int
    is_valkey_told: bool = False


SEEN_AT = {
    "after the claim": Outside(is_claim_locked=False, claim="running", orders=0, payments=0),
    "inside A": Outside(is_claim_locked=True, claim="running", orders=0, payments=0),
    "after A": Outside(is_claim_locked=False, claim="running", orders=1, payments=0),
    "during authorise": Outside(is_claim_locked=False, claim="running", orders=1, payments=1),
    "after authorise": Outside(is_claim_locked=False, claim="running", orders=1, payments=1),
    "inside B": Outside(is_claim_locked=True, claim="running", orders=1, payments=1),
    "after B": Outside(is_claim_locked=False, claim="done", orders=1, payments=1),
    "before the answer": Outside(is_claim_locked=False, claim="done", orders=1, payments=1, is_valkey_told=True),
}


def seen_of(checkouts: list[Checkout], books: Books) -> list[Outside]:
    """How each stands, as far as that is committed."""
    payments = books.payments()
    seen = []
    with transaction.atomic(), redis.Redis.from_url(checkouts[0].paused.valkey.url) as valkey:
        for checkout in checkouts:
            claims = IdempotencyClaim.objects.filter(key=checkout.key)
            claim = claims.get()
            orders = Order.objects.filter(idempotency_key=checkout.key)
            entry = idempotency._cache_key(claim.scope, claim.owner, claim.key)
            seen.append(
                Outside(
                    is_claim_locked=not claims.select_for_update(skip_locked=True).exists(),
                    claim=claim.state,
                    orders=orders.count(),
                    payments=sum(len(payments.get(order.number, ())) for order in orders),
                    is_valkey_told=any(b"done" in (valkey.get(key) or b"") for key in valkey.scan_iter(f"*{entry}")),
                )
            )
    return seen


def answers_of(checkouts: list[Checkout]) -> list[httpx.Response]:
    """What each is told in the end. They began together: once the first is through, none of the others need wait long."""
    first, *others = checkouts
    with ThreadPoolExecutor(len(checkouts)) as pool:
        return [first.answer(), *pool.map(Checkout.answer, others)]


def assert_bought_once(checkouts: list[Checkout], books: Books) -> None:
    """One order, one payment and one capture each, and no other; stock and carts as they should be."""
    numbers = {checkout.order.number for checkout in checkouts}
    processing = Order.objects.filter(number__in=numbers, status="processing")
    wait_for(
        lambda: processing.count() == len(numbers), "not all of them are processing"
    )  # the relay's process captures
    assert books.payments() == {number: [("captured", 2500)] for number in numbers}
    assert Payment.objects.filter(reference__in=numbers).count() == len(numbers)
    books.assert_reconciled(numbers)
    for checkout in checkouts:
        assert (stock_of(checkout.cart), lines_of(checkout.cart.cart)) == ([(8, 0)], [])
    assert_stock_proven()


def assert_told(checkout: Checkout, answer: httpx.Response) -> None:
    """The answer is a success, and names the order of the key."""
    assert answer.status_code in (200, 201), answer.text
    assert (answer.json()["number"], answer.json()["status"] in PAID) == (checkout.order.number, True)


@pytest.fixture
def books(paused: PausedShop) -> Books:
    """What comes to the provider from now on."""
    return Books(paused.shop.environment["PAYMENT_SIMULATOR_URL"])


@pytest.mark.parametrize("rounds", [1, pytest.param(4, marks=pytest.mark.soak)])
@pytest.mark.parametrize("place", PLACES)
def test_checkouts_killed_at_any_step_are_finished_by_their_repeats(
    paused: PausedShop, books: Books, place: str, rounds: int
) -> None:
    finished: list[Checkout] = []
    for _round in range(rounds):
        checkouts = [Checkout(paused) for _ in range(KILLS)]

        with held_at(place, checkouts) as held:
            assert seen_of(checkouts, books) == [SEEN_AT[place]] * KILLS
            held.kill()
        answers = answers_of(checkouts)

        for checkout, answer in zip(checkouts, answers, strict=True):
            assert_told(checkout, answer)
        finished += checkouts
        assert_bought_once(finished, books)
    assert Order.objects.count() == rounds * KILLS


@pytest.mark.parametrize("place", ["during authorise", "inside B"])
def test_checkouts_killed_with_the_money_held_are_finished_without_any_repeat(
    paused: PausedShop, books: Books, place: str
) -> None:
    checkouts = [Checkout(paused) for _ in range(KILLS)]

    kill_at(place, checkouts)

    assert_bought_once(checkouts, books)  # the provider's webhook told of the authorisation


@pytest.mark.parametrize("place", ["during authorise", "inside B"])
def test_declined_checkouts_killed_on_their_way_are_declined_by_their_repeats(
    paused: PausedShop, books: Books, place: str
) -> None:
    checkouts = [Checkout(paused, card="pm_card_declined") for _ in range(KILLS)]

    kill_at(place, checkouts)
    answers = answers_of(checkouts)

    assert {answer.status_code for answer in answers} == {402}
    assert [answer.json()["number"] for answer in answers] == [checkout.order.number for checkout in checkouts]
    assert books.payments() == {checkout.order.number: [("declined", 0)] for checkout in checkouts}
    for checkout in checkouts:
        product = checkout.cart.products[0].pk
        assert (stock_of(checkout.cart), lines_of(checkout.cart.cart)) == ([(10, 2)], [(product, 2)])
    assert_stock_proven()


@pytest.mark.parametrize("place", ["after A", "after authorise"])
def test_checkouts_killed_beside_a_lost_answer_are_finished_by_their_repeats(
    paused: PausedShop, books: Books, place: str
) -> None:
    """The provider takes what is sent to it, and says nothing the first time."""
    checkouts = [Checkout(paused, card="pm_card_timeout_after") for _ in range(KILLS)]

    kill_at(place, checkouts)
    answers = answers_of(checkouts)

    # The repeat of one that had not reached the provider is the first that it does not answer: then the webhook tells.
    assert {answer.status_code for answer in answers} == {200}
    assert_bought_once(checkouts, books)


@pytest.mark.parametrize("place", ["after A", "after authorise"])
def test_checkouts_killed_beside_a_lost_request_are_given_up_at_their_deadline(
    paused: PausedShop, books: Books, place: str
) -> None:
    """The provider says nothing, and does nothing."""
    checkouts = [Checkout(paused, card="pm_card_timeout_before") for _ in range(KILLS)]
    late = now() + PAST_THE_DEADLINE

    kill_at(place, checkouts)
    answers = answers_of(checkouts)
    assert {(answer.status_code, answer.json()["status"]) for answer in answers} == {(200, "pending_payment")}
    services.settle_payments(now=late)
    do_payment_work(now=late)

    assert {checkout.order.status for checkout in checkouts} == {"cancelled"}
    assert books.payments() == {checkout.order.number: [("voided", 0)] for checkout in checkouts}
    assert {tuple(stock_of(checkout.cart)) for checkout in checkouts} == {((10, 0),)}
    assert_stock_proven()


@pytest.mark.parametrize("valkey", [DOWN, EMPTIED])
@pytest.mark.parametrize("place", ["after the claim", "before the answer"])
def test_checkouts_killed_in_a_shop_without_its_valkey_are_finished_by_their_repeats(
    paused: PausedShop, books: Books, place: str, valkey: str
) -> None:
    checkouts = [Checkout(paused) for _ in range(KILLS)]

    with valkey_that_is(valkey, paused.valkey):
        kill_at(place, checkouts)
        answers = answers_of(checkouts)

    for checkout, answer in zip(checkouts, answers, strict=True):
        assert_told(checkout, answer)
    assert_bought_once(checkouts, books)
    assert Order.objects.count() == KILLS


def test_a_slow_process_that_lost_its_lease_can_neither_answer_nor_buy_again(paused: PausedShop, books: Books) -> None:
    checkout = Checkout(paused)

    with held_at("during authorise", [checkout]) as held:
        heir = checkout.answer()
        paused.controller.let_go()
        late = held.answers[0].result(30)

    assert (heir.status_code, heir.json()["status"] in PAID) == (200, True)
    assert (late.status_code, late.json()["code"]) == (409, "idempotency_in_progress")
    assert checkout.send().content == heir.content
    assert_bought_once([checkout], books)
