"""Carts are read from Valkey, and are right at once after a write; nothing is decided by what Valkey says."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from cart import cached, operations, selectors, services
from cart.models import Cart, CartItem
from cart.types import CartRecord
from core import cache as guarded
from core import scripts, versioned
from core.embedded import free_port
from core.money import Money
from core.outlets import LocalOutlet
from core.relay import Relay
from core.shopper import Shopper
from ecommerce.events import SUBSCRIBERS
from orders import selectors as orders
from tests.factories import make_cart, make_product, make_shipping_method, make_user

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def filled(*, quantity: int = 2, user_id: int | None = None) -> Shopper:
    """A shopper with one line in the cart."""
    change = services.add_item(
        shopper=Shopper(user_id=user_id), product_id=make_product(stock=9).pk, quantity=quantity, now=NOW
    )
    return Shopper(user_id=user_id, cart_token=change.token)


def kept(shopper: Shopper) -> CartRecord:
    """What Valkey has."""
    record = cached.read(shopper)
    assert record is not None
    return record


@pytest.mark.parametrize("known", [True, False], ids=["user", "guest"])
def test_a_cart_just_changed_is_read_without_postgresql_and_is_the_same(
    known: bool, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    shopper = filled(user_id=make_user().pk if known else None)
    fresh = selectors.fresh_view(shopper=shopper, now=NOW)

    with django_assert_num_queries(0):
        view = selectors.cart_view(shopper=shopper, now=NOW)
        count = selectors.item_count(shopper=shopper)

    assert view == fresh
    assert (count, view.items[0].held, view.token) == (2, True, "" if known else shopper.cart_token)


def test_a_cart_of_twenty_lines_is_read_without_a_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    shopper = filled()
    for _ in range(19):
        services.add_item(shopper=shopper, product_id=make_product(stock=5).pk, quantity=1, now=NOW)

    with django_assert_num_queries(0):
        assert len(selectors.cart_view(shopper=shopper, now=NOW).items) == 20

    cache.clear()
    with django_assert_num_queries(4):
        assert len(selectors.cart_view(shopper=shopper, now=NOW).items) == 20


def test_whether_a_line_is_held_is_told_at_the_time_of_reading() -> None:
    shopper = filled()

    later = selectors.cart_view(shopper=shopper, now=NOW + timedelta(minutes=30))

    assert [(line.held, line.held_until) for line in later.items] == [(False, None)]
    assert not later.all_held


def test_an_empty_cart_is_kept_too(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    shopper = filled()
    services.clear(shopper=shopper, now=NOW)

    with django_assert_num_queries(0):
        view = selectors.cart_view(shopper=shopper, now=NOW)

    assert (view.items, view.token) == ((), shopper.cart_token)


def test_a_reader_who_is_late_does_not_overwrite_what_a_writer_left() -> None:
    shopper = filled()
    read_before = selectors._record(shopper)
    assert read_before is not None
    services.change_item(shopper=shopper, item_id=CartItem.objects.get().pk, quantity=7, now=NOW)

    cached.store(shopper, read_before)

    assert kept(shopper).items[0].quantity == 7


def test_a_reader_who_is_late_finds_that_the_entry_was_forgotten() -> None:
    shopper = filled()
    read_before = selectors._record(shopper)
    assert read_before is not None
    with transaction.atomic():  # a checkout, which reads no cart afterwards
        operations.take_all(cart_id=Cart.objects.get().pk, now=NOW)

    cached.store(shopper, read_before)

    assert cached.read(shopper) is None
    assert selectors.cart_view(shopper=shopper, now=NOW).items == ()


def test_an_entry_of_the_version_that_is_forgotten_stays() -> None:
    shopper = filled()
    there = kept(shopper)

    cached.forget(shopper.user_id, shopper.cart_token, there.version)

    assert kept(shopper) == there


def test_a_write_that_died_before_it_reached_valkey_is_made_good_by_its_event() -> None:
    shopper = filled()
    old = kept(shopper)
    services.change_item(shopper=shopper, item_id=CartItem.objects.get().pk, quantity=7, now=NOW)
    cache.clear()
    cached.store(shopper, old)  # what is there when the writer's forgetting never came
    stale = selectors.cart_view(shopper=shopper, now=NOW)

    Relay(LocalOutlet({"cart.changed": SUBSCRIBERS["cart.changed"]})).run_once()

    assert stale.items[0].quantity == 2
    assert selectors.cart_view(shopper=shopper, now=NOW).items[0].quantity == 7


def test_a_rolled_back_change_forgets_nothing() -> None:
    shopper = filled()
    there = kept(shopper)

    with transaction.atomic():
        operations.take_all(cart_id=Cart.objects.get().pk, now=NOW)
        transaction.set_rollback(True)

    assert kept(shopper) == there


def test_both_carts_are_new_after_a_merge() -> None:
    user, guest = make_user(), filled()
    filled(user_id=user.pk)

    services.merge_at_login(user_id=user.pk, cart_token=guest.cart_token, now=NOW)

    assert len(selectors.cart_view(shopper=Shopper(user_id=user.pk), now=NOW).items) == 2
    assert selectors.cart_view(shopper=guest, now=NOW).items == ()


def test_an_entry_that_can_not_be_read_is_none(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    shopper = filled()
    version = kept(shopper).version
    versioned.store(cached._key(None, shopper.cart_token), version=version, body=b'{"items": 3}', seconds=60)

    with django_assert_num_queries(4):
        view = selectors.cart_view(shopper=shopper, now=NOW)

    assert len(view.items) == 1


def test_nobody_who_looks_into_valkey_finds_a_token() -> None:
    shopper = filled()
    client = scripts.client()

    everything = [(key, client.hgetall(key)) for key in client.scan_iter(match="*cart:*")]

    assert everything
    assert shopper.cart_token not in str(everything)


def test_no_write_and_no_quote_trusts_what_valkey_says() -> None:
    make_shipping_method(code="standard")
    shopper = filled(quantity=2)
    true = kept(shopper)
    forged = replace(
        true,
        version=true.version + 100,
        items=(replace(true.items[0], quantity=5, unit_price=Money(Decimal("0.01"), "USD")),),
    )
    cached.store(shopper, forged)

    quote = orders.quote_cart(shopper=shopper, country="US", region="NY", shipping_method="standard", now=NOW)
    change = services.change_item(shopper=shopper, item_id=CartItem.objects.get().pk, quantity=3, now=NOW)

    assert [(line.quantity, str(line.unit_price)) for line in quote.lines] == [(2, "10.00 USD")]
    assert (change.cart.items[0].quantity, str(change.cart.subtotal)) == (3, "30.00 USD")


def test_with_valkey_away_carts_come_from_postgresql(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    monkeypatch.setattr(guarded, "breaker", guarded.Breaker())
    away = f"redis://127.0.0.1:{free_port()}/0"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": away}}
    shopper = filled()

    with django_assert_num_queries(4):
        view = selectors.cart_view(shopper=shopper, now=NOW)
    change = services.change_item(shopper=shopper, item_id=view.items[0].id, quantity=5, now=NOW)

    assert [line.quantity for line in view.items] == [2]
    assert selectors.cart_view(shopper=shopper, now=NOW) == change.cart


def test_a_token_that_opens_nothing_leaves_nothing_behind() -> None:
    stranger = Shopper(cart_token=make_cart().token[::-1])

    assert selectors.cart_view(shopper=stranger, now=NOW).token == ""
    assert cached.read(stranger) is None


def test_the_event_of_a_change_names_no_token() -> None:
    shopper = filled()

    with connection.cursor() as cursor:
        cursor.execute("SELECT topic, key, data FROM core_outboxevent WHERE type = 'cart.changed'")
        ((topic, key, data),) = cursor.fetchall()

    cart = Cart.objects.get()
    assert (topic, key) == ("cart-events", str(cart.pk))
    assert shopper.cart_token not in str(data)
