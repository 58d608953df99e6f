"""Whatever shoppers, staff, the provider and the clock do, in whatever order: no money without goods, no goods without money.

A real provider, a process of its own, is killed and comes back; what it tells are its own webhooks, heard late, twice and in
any order. Shoppers come over HTTP. Shop and provider agree after every step, and to the cent at the end.
"""

import json
import sqlite3
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import time_machine
from django.db import connection
from django.db.models import F, Q, Sum
from django.test import Client
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings as PytestSettings

from cart import services as carts
from cart.models import CartItem
from core.clock import now
from core.dispatch import deliver, event_of
from core.errors import DomainError, InvalidInput
from core.models import OutboxEvent, ParkedEvent
from core.money import Money
from core.shopper import Shopper
from ecommerce.events import SUBSCRIBERS
from inventory import services as inventory_services
from inventory.models import Inventory, Reservation
from orders import reconciling, services, settling
from orders.errors import InvalidTransition
from orders.models import Order, OrderLine
from orders.refunding import refund_order
from orders.types import RefundRequest, RefundView
from payments import signatures
from payments.errors import RefundTooLarge
from payments.models import Payment, PaymentWork, Refund
from payments.services import do_payment_work
from tests.factories import make_cart, make_product, make_shipping_method, make_user
from tests.orders.arranged import SHIPPING, new_key, token_of, work_off
from tests.servers.purchase import ADDRESS
from tests.servers.simulator import SECRET, Simulator

CARDS = (
    "pm_card_visa",
    "pm_card_declined",
    "pm_card_insufficient_funds",
    "pm_card_authentication_required",
    "pm_card_timeout_before",
    "pm_card_timeout_after",
    "pm_card_slow",
    "pm_card_capture_refused",
    "pm_card_refund_refused",
)
TAKEN = ("pm_card_visa", "pm_card_refund_refused")
UNITS_IN_STOCK = 12
PRICE, SHIPPING_PRICE = Decimal(10), Decimal(5)
SHOPPERS, PRODUCTS, ANY = range(3), range(2), st.integers(0, 50)
ANSWERS = frozenset({200, 201, 202, 402, 409})
SOLD = ("paid", "processing", "refunded")
ENDS = {"processing", "refunded", "cancelled", "payment_failed"}
MOST_ROUNDS = 6
SUCCEEDED = Q(refunds__status="succeeded")
EMPTIED = (
    "orders_order",
    "payments_payment",
    "cart_cart",
    "inventory_inventory",
    "core_outboxevent",
    "core_parkedevent",
    "core_idempotencyclaim",
)


@dataclass
class Attempt:
    """A request to buy, and the order it made, once that was told."""

    shopper: int
    key: str
    body: dict[str, Any]
    number: str = ""


class Shop(RuleBasedStateMachine):
    """Two guests and a user, two products, one provider. ``provider`` and ``file`` (its books) come from the test."""

    provider: Simulator
    file: Path

    def __init__(self) -> None:
        super().__init__()
        self.books = sqlite3.connect(self.file, isolation_level=None, timeout=10)
        self.books.row_factory = sqlite3.Row
        self._forget_earlier_histories()
        self.travel = time_machine.travel(now(), tick=True)
        self.clock = self.travel.start()
        self.products = [make_product(stock=UNITS_IN_STOCK) for _ in PRODUCTS]
        self.user = make_user()
        guests = [Shopper(cart_token=make_cart().token) for _ in SHOPPERS[1:]]
        self.shoppers = [Shopper(user_id=self.user.pk), *guests]
        self.attempts: list[Attempt] = []
        self.refunds: list[tuple[str, str, RefundRequest, RefundView]] = []
        self.is_away = False

    @initialize(
        cards=st.lists(st.sampled_from(CARDS), min_size=len(SHOPPERS), max_size=len(SHOPPERS)), is_over=st.booleans()
    )
    def begin(self, cards: list[str], is_over: bool) -> None:
        """Everybody has bought something, and has it, or does not know yet."""
        for shopper, card in enumerate(cards):
            self._buy(shopper, shopper % len(PRODUCTS), 1, card)
        if is_over:
            work_off()

    # --- Shoppers ------------------------------------------------------------------------------------------------------

    @rule(
        shopper=st.sampled_from(SHOPPERS),
        product=st.sampled_from(PRODUCTS),
        units=st.integers(1, 3),
        card=st.sampled_from(CARDS),
    )
    def check_out(self, shopper: int, product: int, units: int, card: str) -> None:
        """With what is in the cart, to which something is added first; always a new key."""
        self._buy(shopper, product, units, card)

    @rule(shopper=st.sampled_from(SHOPPERS), product=st.sampled_from(PRODUCTS), card=st.sampled_from(TAKEN))
    def buy_in_peace(self, shopper: int, product: int, card: str) -> None:
        """A purchase that nothing comes between."""
        self._buy(shopper, product, 1, card)
        work_off()

    def _buy(self, shopper: int, product: int, units: int, card: str) -> None:
        with suppress(DomainError):
            carts.add_item(
                shopper=self.shoppers[shopper], product_id=self.products[product].pk, quantity=units, now=now()
            )
        self.attempts.append(Attempt(shopper, new_key(), self._body(shopper, card)))
        self._send(self.attempts[-1])

    @precondition(lambda self: self.attempts)
    @rule(which=ANY)
    def try_again(self, which: int) -> None:
        """The same key and the same body, now or long after."""
        self._send(self._chosen(which))

    @precondition(lambda self: self.attempts)
    @rule(which=ANY)
    def change_the_request(self, which: int) -> None:
        """The same key with another body buys nothing."""
        attempt = self._chosen(which)
        if attempt.number:
            other = Attempt(attempt.shopper, attempt.key, {**attempt.body, "email": "eve@example.com"})
            assert self._post(other).status_code == httpx.codes.UNPROCESSABLE_ENTITY

    @rule(which=ANY, decision=st.sampled_from(["approve", "refuse"]))
    def answer_a_challenge(self, which: int, decision: str) -> None:
        """On the bank's page; or too late, or twice."""
        waiting = [row["challenge"] for row in self.books.execute("SELECT challenge FROM payments ORDER BY number")]
        if waiting and not self.is_away:
            url = f"{self.provider.url}/challenge/{waiting[which % len(waiting)]}"
            httpx.post(url, data={"decision": decision}, trust_env=False)

    # --- Staff ---------------------------------------------------------------------------------------------------------

    @precondition(lambda self: self.attempts)
    @rule(which=ANY, amount=st.sampled_from(["1.00", "5.00", "all", "too much"]))
    def refund(self, which: int, amount: str) -> None:
        """A part, all that is left, or more than that."""
        payments = list(Payment.objects.order_by("pk"))
        taken = [row for row in payments if row.captured_amount] or payments
        if not taken:
            return
        payment, key = taken[which % len(taken)], new_key()
        left = payment.captured_amount - payment.refunded_amount
        asked = None if amount == "all" else Money(left + 1 if amount == "too much" else Decimal(amount), "USD")
        wanted = RefundRequest(amount=asked)
        is_possible = left > 0 if asked is None else asked.amount <= left
        with nullcontext() if is_possible else pytest.raises((InvalidInput, RefundTooLarge)):
            made = refund_order(number=payment.reference, request=wanted, key=key, actor_id=1, now=now())
        if not is_possible:
            return
        self.refunds.append((payment.reference, key, wanted, made))

    @precondition(lambda self: self.refunds)
    @rule(which=ANY)
    def refund_again(self, which: int) -> None:
        """The same key is the same refund."""
        number, key, wanted, made = self.refunds[which % len(self.refunds)]
        before = Refund.objects.count()
        again = refund_order(number=number, request=wanted, key=key, actor_id=1, now=now())
        assert (again.id, again.amount, Refund.objects.count()) == (made.id, made.amount, before)

    @precondition(lambda self: self.attempts)
    @rule(which=ANY)
    def cancel(self, which: int) -> None:
        """Whatever the order is at."""
        number = self._chosen(which).number
        if number:
            with suppress(InvalidTransition):
                services.cancel_order(number=number, actor_id=1, reason="", now=now())

    # --- The provider --------------------------------------------------------------------------------------------------

    @rule(which=ANY)
    def hear(self, which: int) -> None:
        """One of all that the provider ever had to tell."""
        told = self._webhooks()
        if told:
            self._hear(told[which % len(told)])

    @rule(chance=st.integers(0, 2))
    def provider_comes_or_goes(self, chance: int) -> None:
        """Killed, or started again with the same books; more rarely than other things happen."""
        if self.is_away:
            self.provider.start()
        elif chance == 0:
            self.provider.kill()
        else:
            return
        self.is_away = not self.is_away

    # --- The shop's own processes --------------------------------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 16, 31, 200]))
    def wait(self, minutes: int) -> None:
        """Time passes."""
        self.clock.shift(timedelta(minutes=minutes))

    @rule()
    def work(self) -> None:
        """Capture, void and refund what is due."""
        do_payment_work(now=now())

    @rule(count=st.integers(1, 20))
    def relay(self, count: int) -> None:
        """Hand out some events."""
        for row in OutboxEvent.objects.filter(published_at=None).order_by("id")[:count]:
            for subscriber in SUBSCRIBERS.get(row.type, ()):
                deliver(event_of(row), subscriber, now=now())
            row.published_at = now()
            row.save()

    @rule()
    def get_on(self) -> None:
        """All that is due, and all that was told."""
        work_off()

    @rule()
    def settle(self) -> None:
        """Ask about what is open."""
        services.settle_payments(now=now())

    @rule()
    def expire(self) -> None:
        """Give lapsed holds back."""
        inventory_services.release_expired(now=now())

    # --- What must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def one_key_is_one_order_and_one_payment(self) -> None:
        made = Order.objects.values_list("idempotency_key", "number", "payment__reference")
        keys = {attempt.key: attempt for attempt in self.attempts}
        assert len({key for key, _number, _reference in made}) == len(made) == Payment.objects.count()
        for key, number, reference in made:
            assert keys[key].number in ("", number)
            assert reference == number
        at_provider = Counter(row["reference"] for row in self._at_provider().values())
        assert set(at_provider.values()) <= {1}
        assert set(at_provider) <= {number for _key, number, _reference in made}

    @invariant()
    def the_money_that_moved_is_what_the_shop_says(self) -> None:
        theirs = self._at_provider()
        busy = set(PaymentWork.objects.filter(done_at=None).values_list("payment_id", flat=True))
        rows = Payment.objects.annotate(back=Sum("refunds__amount", default=0, filter=SUCCEEDED))
        for row in rows:
            captured, back = _cents(row.captured_amount), _cents(row.back)
            there = theirs.get(str(row.key), {"captured": 0, "refunded": 0})
            assert captured <= there["captured"]
            assert back <= there["refunded"] <= _cents(row.refunded_amount)
            if row.pk not in busy:
                assert (captured, back) == (there["captured"], there["refunded"])

    @invariant()
    def the_stock_is_proven(self) -> None:
        assert list(inventory_services.check_inventory(now=now()).differences) == []
        for product in self.products:
            lines = OrderLine.objects.filter(product=product)
            sold = lines.filter(order__status__in=SOLD).aggregate(units=Sum("quantity", default=0))["units"]
            assert Inventory.objects.get(product=product).quantity == UNITS_IN_STOCK - sold

    @invariant()
    def an_order_that_waits_holds_its_goods_and_no_other_does(self) -> None:
        held = dict(
            Reservation.objects.filter(order_line_id__isnull=False)
            .values_list("order_line_id")
            .annotate(units=Sum("quantity"))
        )
        waiting = OrderLine.objects.filter(order__status="pending_payment")
        assert held == dict(waiting.values_list("pk", "quantity"))

    def teardown(self) -> None:
        """Everybody comes back, time passes, and all ends by itself; then nothing can be changed any more."""
        try:
            if sys.exc_info()[0] is None:  # else a step has failed already
                self._recover()
                self._check_the_end()
        finally:
            self.travel.stop()
            self.books.close()
            if self.is_away:
                self.provider.start()

    def _recover(self) -> None:
        if self.is_away:
            self.provider.start()
            self.is_away = False
        for _round in range(MOST_ROUNDS):
            work_off()
            if not self._is_anything_open():
                return
            self.clock.shift(timedelta(hours=2))
            settling.settle_all(now=now())
        raise AssertionError("something is stuck")

    def _is_anything_open(self) -> bool:
        return any(
            rows.exists()
            for rows in (
                Order.objects.filter(status="pending_payment"),
                PaymentWork.objects.filter(done_at=None),
                OutboxEvent.objects.filter(published_at=None),
            )
        )

    def _check_the_end(self) -> None:
        assert set(Order.objects.values_list("status", flat=True)) <= ENDS
        assert ParkedEvent.objects.count() == 0
        self._check_the_sum()
        before = self._state()
        for told in reversed(self._webhooks()):
            self._hear(told)
        for attempt in self.attempts:
            if attempt.number:
                self._send(attempt)
        work_off()
        assert self._state() == before
        self.clock.shift(timedelta(hours=1))
        differences = [line for found in reconciling.reconcile(now=now()) for line in found.differences]
        assert {line.reference for line in differences} == self._kept(), differences

    def _check_the_sum(self) -> None:
        """Money taken at the provider is that of captured orders less what went back."""
        theirs = sum(row["captured"] - row["refunded"] for row in self._at_provider().values())
        orders = Order.objects.filter(payment__status__in=("captured", "partially_refunded", "refunded"))
        ours = orders.aggregate(sum=Sum(F("total") - F("payment__refunded_amount"), default=0))["sum"]
        assert theirs == _cents(ours)

    def _kept(self) -> set[str]:
        """Cancelled orders whose money the card's bank takes no refund of: those are for people, and must be told."""
        orders = Order.objects.filter(
            status__in=("cancelled", "payment_failed"), payment__method="pm_card_refund_refused"
        )
        return set(orders.filter(payment__captured_amount__gt=0).values_list("number", flat=True))

    # --- Means to these ends -------------------------------------------------------------------------------------------

    def _forget_earlier_histories(self) -> None:
        for table in ("payments", "refunds", "webhooks"):
            self.books.execute(f"DELETE FROM {table}")
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {', '.join(EMPTIED)} CASCADE")

    def _chosen(self, which: int) -> Attempt:
        return self.attempts[which % len(self.attempts)]

    def _body(self, shopper: int, card: str) -> dict[str, Any]:
        who = self.shoppers[shopper]
        own = {"cart__user_id": who.user_id} if who.user_id else {"cart__token": who.cart_token}
        units = CartItem.objects.filter(**own).aggregate(units=Sum("quantity", default=0))["units"]
        return {
            "email": "ada@example.com",
            "shipping_address": ADDRESS,
            "billing_address": ADDRESS,
            "shipping_method": SHIPPING,
            "payment_method": card,
            "total": {"amount": f"{PRICE * units + SHIPPING_PRICE:.2f}", "currency": "USD"},
        }

    def _post(self, attempt: Attempt) -> Any:
        who = self.shoppers[attempt.shopper]
        headers = token_of(self.user) if who.user_id else {"X-Cart-Token": who.cart_token}
        headers["Idempotency-Key"] = attempt.key
        return Client().post("/api/v1/orders", attempt.body, content_type="application/json", headers=headers)

    def _send(self, attempt: Attempt) -> None:
        answer = self._post(attempt)
        assert answer.status_code in ANSWERS, answer.content
        told = json.loads(answer.content).get("number", "")
        made = Order.objects.filter(idempotency_key=attempt.key).values_list("number", flat=True).first() or ""
        assert told in ("", made)
        assert attempt.number in ("", made)
        attempt.number = made

    def _webhooks(self) -> list[bytes]:
        """All that the provider ever had to tell, the oldest first."""
        return [row["body"].encode() for row in self.books.execute("SELECT body FROM webhooks ORDER BY number")]

    def _hear(self, body: bytes) -> None:
        header = signatures.sign(secret=SECRET, body=body, at=int(now().timestamp()))
        answer = Client().post(
            "/webhooks/payments/simulated/", body, content_type="application/json", headers={signatures.HEADER: header}
        )
        assert answer.status_code == httpx.codes.OK, answer.content

    def _at_provider(self) -> dict[str, dict[str, Any]]:
        """Its books, by key; they can be read while it is dead."""
        return {row["key"]: dict(row) for row in self.books.execute("SELECT * FROM payments")}

    def _state(self) -> list[Any]:
        return [
            list(Order.objects.order_by("pk").values_list("number", "status", "payment_status", "updated_at")),
            list(Payment.objects.order_by("pk").values_list("status", "captured_amount", "refunded_amount")),
            list(Refund.objects.order_by("pk").values_list("status", "amount")),
            list(Inventory.objects.order_by("pk").values_list("quantity", "reserved")),
            self._at_provider(),
        ]


def _cents(amount: Decimal) -> int:
    return Money(amount, "USD").minor


def _run(
    provider: Simulator,
    file: Path,
    shop: PytestSettings,
    *,
    examples: int,
    steps: int,
    phases: Sequence[Phase] = tuple(Phase),
) -> None:
    shop.PAYMENT_PROVIDER_TIMEOUT = timedelta(
        seconds=0.4
    )  # most of the time goes by waiting for cards that say nothing
    make_shipping_method(code=SHIPPING)
    machine = type("Shop", (Shop,), {"provider": provider, "file": file})
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=phases,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.django_db(transaction=True)
def test_shop_and_provider_agree_after_every_step_of_any_history(
    own_provider: Simulator, books: Path, settings: PytestSettings
) -> None:
    _run(own_provider, books, settings, examples=6, steps=25)


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
def test_shop_and_provider_agree_after_every_step_of_many_long_histories(
    own_provider: Simulator, books: Path, settings: PytestSettings
) -> None:
    _run(own_provider, books, settings, examples=150, steps=60)


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "broken",
    ["payments.operations.schedule_void", "orders.operations._restock", "orders.handlers.follow_payment"],
)
def test_a_shop_that_leaves_a_step_out_is_found_out(
    own_provider: Simulator, books: Path, settings: PytestSettings, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Positive control: money that is not given up, goods that are not put back, events that are not followed."""
    monkeypatch.setattr(broken, lambda *_args, **_named: None)

    with pytest.raises(AssertionError):
        _run(own_provider, books, settings, examples=40, steps=25, phases=[Phase.generate])
