"""`Idempotency-Key` at endpoints that do not need it: one effect, and repeats get the first answer."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache
from django.test import Client

from cart import selectors
from cart.models import Cart, CartItem
from cart.services import merge_at_login
from catalog.models import Product
from core import idempotency
from core.clock import now
from core.models import IdempotencyClaim
from inventory.models import Inventory
from tests.factories import make_product, make_user
from tests.orders.arranged import new_key, token_of
from tests.races.threads import PATIENCE_SECONDS, at_once

pytestmark = pytest.mark.django_db(transaction=True)


def add(
    product: Product, key: str, *, token: str = "", quantity: int = 1, headers: dict[str, str] | None = None
) -> Any:
    """POST /api/v1/cart/items."""
    sent = {
        **({"X-Cart-Token": token} if token else {}),
        **({"Idempotency-Key": key} if key else {}),
        **(headers or {}),
    }
    body = {"product_id": product.pk, "quantity": quantity}
    return Client().post("/api/v1/cart/items", body, content_type="application/json", headers=sent)


def reserved() -> int:
    return sum(Inventory.objects.values_list("reserved", flat=True))


def test_a_repeat_gets_the_first_answer_and_adds_nothing() -> None:
    product, key = make_product(stock=10), new_key()
    token = add(product, "")["X-Cart-Token"]

    first, again, other = (add(product, chosen, token=token) for chosen in (key, key, new_key()))

    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 201)
    assert again.content == first.content
    assert (again["Idempotent-Replayed"], "Idempotent-Replayed" in first) == ("true", False)
    assert (CartItem.objects.get().quantity, reserved()) == (3, 3)


def test_a_guest_who_never_got_the_first_answer_gets_the_token_with_its_repeat() -> None:
    product, key = make_product(stock=10), new_key()

    first, again = add(product, key), add(product, key)

    assert again["X-Cart-Token"] == first["X-Cart-Token"]
    assert (Cart.objects.count(), reserved()) == (1, 1)


def test_many_at_once_are_one_and_the_rest_are_told_to_wait_or_the_same() -> None:
    product, key = make_product(stock=100), new_key()
    token = add(product, "")["X-Cart-Token"]

    answers = at_once([partial(add, product, key, token=token)] * 16)

    assert [answer.status_code for answer in answers].count(201) == 1
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    assert all(answer["Retry-After"] == "5" for answer in answers if answer.status_code == 409)
    assert CartItem.objects.get().quantity == 2


def test_another_body_under_the_key_is_refused() -> None:
    product, key = make_product(stock=10), new_key()
    token = add(product, key)["X-Cart-Token"]
    add(product, key, token=token)

    refused = add(product, key, token=token, quantity=5)

    assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")


def test_a_refusal_is_remembered_for_a_while() -> None:
    product, key = make_product(stock=1), new_key()
    token = add(product, "")["X-Cart-Token"]

    refused = add(product, key, token=token)
    Inventory.objects.update(quantity=10)
    again = add(product, key, token=token)
    with in_the_future(settings.IDEMPOTENCY_REFUSAL_LIFETIME):
        later = add(product, key, token=token)

    assert (refused.status_code, again.status_code, later.status_code) == (409, 409, 201)
    assert again.content == refused.content


def test_a_key_survives_that_its_guest_logs_in() -> None:
    product, key, user = make_product(stock=10), new_key(), make_user()
    token = add(product, "")["X-Cart-Token"]
    first = add(product, key, token=token)
    merge_at_login(user_id=user.pk, cart_token=token, now=now())

    again = add(product, key, token=token, headers=token_of(user))

    assert again.content == first.content
    assert CartItem.objects.get(cart__user=user).quantity == 2


@pytest.mark.parametrize("key", ["x" * 256, "naïve", "\x7f"])
def test_a_key_that_is_none_is_refused(key: str) -> None:
    product = make_product(stock=10)

    refused = add(product, "", headers={"Idempotency-Key": key})

    assert (refused.status_code, refused.json()["code"]) == (400, "idempotency_key_invalid")
    assert Cart.objects.count() == 0


def test_who_died_after_the_effect_is_not_repeated_and_the_cart_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    product, key = make_product(stock=10), new_key()
    token = add(product, "")["X-Cart-Token"]
    die_before_the_answer(monkeypatch)
    with pytest.raises(SystemExit):
        add(product, key, token=token)
    monkeypatch.undo()

    waiting = add(product, key, token=token)
    with in_the_future(settings.IDEMPOTENCY_LEASE):
        again = add(product, key, token=token)
        later = add(product, key, token=token)

    assert (waiting.status_code, waiting.json()["code"]) == (409, "idempotency_in_progress")
    assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
    assert [line["quantity"] for line in again.json()["items"]] == [2]
    assert later.content == again.content
    assert (CartItem.objects.get().quantity, reserved()) == (2, 2)


def test_control_without_the_mark_it_would_be_done_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    product, key = make_product(stock=10), new_key()
    token = add(product, "")["X-Cart-Token"]
    monkeypatch.setattr(idempotency, "mark_applied", lambda _claim: None)
    die_before_the_answer(monkeypatch)
    with pytest.raises(SystemExit):
        add(product, key, token=token)
    monkeypatch.undo()

    with in_the_future(settings.IDEMPOTENCY_LEASE):
        again = add(product, key, token=token)

    assert (again.status_code, CartItem.objects.get().quantity) == (201, 3)


def test_who_lost_the_lease_on_the_way_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    product, key = make_product(stock=10), new_key()
    token = add(product, "")["X-Cart-Token"]
    is_late, go_on = threading.Event(), threading.Event()
    hold = idempotency.hold

    def slow_once(claimed: idempotency.Claim) -> None:
        if claimed.fence == 1 and not is_late.is_set():
            is_late.set()
            assert go_on.wait(PATIENCE_SECONDS)
        hold(claimed)

    def heir() -> Any:
        assert is_late.wait(PATIENCE_SECONDS)
        IdempotencyClaim.objects.update(lease_until=now())
        cache.clear()
        try:
            return add(product, key, token=token)
        finally:
            go_on.set()

    monkeypatch.setattr(idempotency, "hold", slow_once)
    slow, answered = at_once([partial(add, product, key, token=token), heir])

    assert (slow.status_code, slow.json()["code"]) == (409, "idempotency_in_progress")
    assert answered.status_code == 201
    assert CartItem.objects.get().quantity == 2


@contextmanager
def in_the_future(lifetime: timedelta) -> Iterator[None]:
    """Right after ``lifetime`` has passed, in Valkey as well."""
    cache.clear()
    with time_machine.travel(now() + lifetime + timedelta(seconds=1)):
        yield


def die_before_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends after the commit, and neither answers nor tidies up."""

    def end(**_: Any) -> Any:
        raise SystemExit

    monkeypatch.setattr(selectors, "fresh_view", end)
