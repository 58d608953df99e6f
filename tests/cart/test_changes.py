"""What shoppers do with their carts, and what it does to the stock."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import transaction
from pytest_django import DjangoAssertNumQueries, Settings

from cart import selectors, services
from cart.errors import (
    BadQuantity,
    CartIsFull,
    CartNotFound,
    HoldLimitReached,
    LineNotFound,
    TooMany,
    UnknownProduct,
)
from cart.models import Cart, CartItem, HoldStart
from catalog.models import Product
from core.shopper import Shopper
from inventory.errors import InsufficientInventory
from inventory.models import Inventory, Reservation
from tests.factories import make_cart, make_product, make_stock, make_user

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIFETIME, LIMIT = timedelta(minutes=30), timedelta(hours=4)


def add(product: Product, quantity: int = 1, *, shopper: Shopper | None = None, now: datetime = NOW) -> Shopper:
    change = services.add_item(shopper=shopper or Shopper(), product_id=product.pk, quantity=quantity, now=now)
    return shopper if shopper and not change.created else Shopper(cart_token=change.token)


def reserved(product: Product) -> int:
    return sum(Inventory.objects.filter(product=product).values_list("reserved", flat=True))


def state() -> tuple[list[object], ...]:
    """Every row that a refusal must leave as it was."""
    tables = (Cart, CartItem, HoldStart, Inventory, Reservation)
    return tuple(list(table.objects.order_by("pk").values()) for table in tables)


def test_a_guests_first_addition_begins_a_cart_and_holds_the_stock() -> None:
    product = make_product(stock=10)

    change = services.add_item(shopper=Shopper(), product_id=product.pk, quantity=3, now=NOW)

    assert (change.created, len(change.token), change.cart.token) == (True, 43, change.token)
    (line,) = change.cart.items
    assert (line.quantity, line.held, line.held_until) == (3, True, NOW + LIFETIME)
    assert (str(line.unit_price), str(line.total), str(change.cart.subtotal)) == (
        "10.00 USD",
        "30.00 USD",
        "30.00 USD",
    )
    assert (line.available_to_buy, change.cart.item_count, change.cart.all_held) == (10, 3, True)
    stock = Inventory.objects.get()
    assert (stock.quantity, stock.reserved) == (10, 3)


def test_a_user_gets_one_cart_and_no_token() -> None:
    product, user = make_product(stock=10), make_user()
    shopper = Shopper(user_id=user.pk)

    first = services.add_item(shopper=shopper, product_id=product.pk, quantity=1, now=NOW)
    services.add_item(shopper=shopper, product_id=product.pk, quantity=1, now=NOW)

    assert (first.created, first.token, first.cart.token) == (False, "", "")
    assert selectors.fresh_view(shopper=shopper, now=NOW).item_count == 2
    assert Cart.objects.filter(user=user).count() == 1


def test_adding_more_of_a_line_holds_the_difference_and_prolongs_the_hold() -> None:
    product = make_product(stock=10)
    shopper = add(product, 3)

    later = NOW + timedelta(minutes=10)
    change = services.add_item(shopper=shopper, product_id=product.pk, quantity=4, now=later)

    (line,) = change.cart.items
    assert (line.quantity, line.held, line.held_until, change.created) == (7, True, later + LIFETIME, False)
    assert reserved(product) == 7
    assert Reservation.objects.get().quantity == 7


def test_adding_takes_six_statements_in_five_messages_for_one_warehouse(
    django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    product = make_product(stock=10)
    shopper = add(product, 1)
    monkeypatch.setattr(selectors, "fresh_view", lambda **_: None)  # the answer's reading is counted below

    # Stock is locked and its holds are read in one message; the savepoint of the test's own transaction is made and released.
    with django_assert_num_queries(5 + 2) as sent:
        services.add_item(shopper=shopper, product_id=product.pk, quantity=1, now=NOW)

    assert sum(query["sql"].strip().count(";") for query in sent.captured_queries) == 1


def test_a_cart_of_twenty_lines_is_read_in_four_statements(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    shopper = Shopper()
    for _ in range(20):
        shopper = add(make_product(stock=5), shopper=shopper)

    with django_assert_num_queries(4):
        view = selectors.fresh_view(shopper=shopper, now=NOW)

    assert (len(view.items), view.item_count, str(view.subtotal)) == (20, 20, "200.00 USD")


def test_changing_a_quantity_holds_or_releases_the_difference() -> None:
    product = make_product(stock=10)
    shopper = add(product, 3)
    line = CartItem.objects.get()

    services.change_item(shopper=shopper, item_id=line.pk, quantity=8, now=NOW)
    raised = reserved(product)
    change = services.change_item(shopper=shopper, item_id=line.pk, quantity=2, now=NOW)

    assert (raised, reserved(product)) == (8, 2)
    assert change.cart.items[0].quantity == 2


def test_removing_a_line_releases_it() -> None:
    product, other = make_product(stock=10), make_product(stock=10)
    shopper = add(other, 1, shopper=add(product, 3))

    change = services.remove_item(shopper=shopper, item_id=CartItem.objects.get(product=product).pk, now=NOW)

    assert [line.product_id for line in change.cart.items] == [other.pk]
    assert (reserved(product), reserved(other)) == (0, 1)


def test_clearing_releases_every_line() -> None:
    product, other = make_product(stock=10), make_product(stock=10)
    shopper = add(other, 1, shopper=add(product, 3))

    change = services.clear(shopper=shopper, now=NOW)

    assert (change.cart.items, change.cart.token) == ((), shopper.cart_token)
    assert (reserved(product), reserved(other), Reservation.objects.count()) == (0, 0, 0)


def test_more_than_there_is_is_refused_as_a_whole() -> None:
    product = make_product(stock=10)
    shopper = add(product, 4)
    add(product, 3)
    before = state()

    with pytest.raises(InsufficientInventory) as refusal:
        services.change_item(shopper=shopper, item_id=CartItem.objects.order_by("pk")[0].pk, quantity=8, now=NOW)

    assert refusal.value.params == {"lines": [{"product_id": product.pk, "requested": 8, "available": 7}]}
    assert state() == before


def test_a_refused_first_addition_leaves_no_cart_behind() -> None:
    product = make_product(stock=1)

    with pytest.raises(InsufficientInventory):
        services.add_item(shopper=Shopper(), product_id=product.pk, quantity=2, now=NOW)

    assert (Cart.objects.count(), HoldStart.objects.count(), reserved(product)) == (0, 0, 0)


def test_units_in_lapsed_holds_of_others_are_had_without_waiting_for_the_job() -> None:
    product = make_product(stock=2)
    sleeper = add(product, 2)

    shopper = add(product, 1, now=NOW + LIFETIME)

    assert reserved(product) == 1
    old = selectors.fresh_view(shopper=sleeper, now=NOW + LIFETIME).items[0]
    assert (old.held, old.held_until, old.quantity, old.available_to_buy) == (False, None, 2, 1)
    assert selectors.fresh_view(shopper=shopper, now=NOW + LIFETIME).items[0].held


def test_a_lapsed_line_stays_and_is_held_again_on_request() -> None:
    product = make_product(stock=2)
    shopper = add(product, 2)
    later = NOW + timedelta(hours=1)
    lapsed = selectors.fresh_view(shopper=shopper, now=later)

    change = services.hold_item(shopper=shopper, item_id=lapsed.items[0].id, now=later)

    assert (lapsed.items[0].held, lapsed.all_held) == (False, False)
    assert (change.cart.items[0].held, change.cart.items[0].held_until) == (True, later + LIFETIME)
    assert reserved(product) == 2


def test_a_hold_can_not_be_renewed_beyond_the_limit_from_its_first_moment() -> None:
    product = make_product(stock=2)
    shopper = add(product, 1)
    item_id = CartItem.objects.get().pk

    last = services.hold_item(shopper=shopper, item_id=item_id, now=NOW + LIMIT - timedelta(minutes=5))

    assert last.cart.items[0].held_until == NOW + LIMIT
    before = state()
    with pytest.raises(HoldLimitReached):
        services.hold_item(shopper=shopper, item_id=item_id, now=NOW + LIMIT)
    assert state() == before


def test_removing_and_adding_again_does_not_begin_the_limit_anew() -> None:
    product = make_product(stock=2)
    shopper = add(product, 1)
    services.remove_item(shopper=shopper, item_id=CartItem.objects.get().pk, now=NOW)

    late = NOW + LIMIT
    change = services.add_item(shopper=shopper, product_id=product.pk, quantity=1, now=late)

    assert (change.cart.items[0].quantity, change.cart.items[0].held) == (1, False)
    assert reserved(product) == 0


def test_after_a_rest_as_long_as_the_limit_a_hold_begins_anew() -> None:
    product = make_product(stock=2)
    shopper = add(product, 1)

    much_later = NOW + 2 * LIMIT
    change = services.add_item(shopper=shopper, product_id=product.pk, quantity=1, now=much_later)

    assert change.cart.items[0].held_until == much_later + LIFETIME
    assert HoldStart.objects.get().first_held_at == much_later


def test_a_changed_price_is_shown_with_the_old_one_until_the_line_is_touched() -> None:
    product = make_product(stock=5)
    shopper = add(product, 2)
    Product.objects.filter(pk=product.pk).update(price=Decimal("12.50"))

    (line,) = selectors.fresh_view(shopper=shopper, now=NOW).items
    change = services.change_item(shopper=shopper, item_id=line.id, quantity=1, now=NOW)

    assert (str(line.seen_price), str(line.unit_price), line.price_changed) == ("10.00 USD", "12.50 USD", True)
    assert str(line.total) == "25.00 USD"
    assert (str(change.cart.items[0].seen_price), change.cart.items[0].price_changed) == ("12.50 USD", False)


def test_a_product_no_longer_sold_stays_in_the_cart_counts_in_no_sum_and_can_be_taken_out() -> None:
    product, other = make_product(stock=5), make_product(stock=5)
    shopper = add(other, 1, shopper=add(product, 2))
    Product.objects.filter(pk=product.pk).update(is_active=False)

    view = selectors.fresh_view(shopper=shopper, now=NOW)

    assert [(line.sold, line.available_to_buy) for line in view.items] == [(False, 0), (True, 5)]
    assert str(view.subtotal) == "10.00 USD"
    with pytest.raises(UnknownProduct):
        services.change_item(shopper=shopper, item_id=view.items[0].id, quantity=1, now=NOW)
    services.remove_item(shopper=shopper, item_id=view.items[0].id, now=NOW)
    assert reserved(product) == 0


@pytest.mark.parametrize("quantity", [0, -1, -(10**12)])
def test_less_than_one_is_refused(quantity: int) -> None:
    product = make_product(stock=5)

    with pytest.raises(BadQuantity) as refusal:
        services.add_item(shopper=Shopper(), product_id=product.pk, quantity=quantity, now=NOW)

    assert refusal.value.errors[0].pointer == "/quantity"
    assert Cart.objects.count() == 0


@pytest.mark.parametrize("quantity", [6, 10**12])
def test_more_than_the_most_per_order_is_refused(quantity: int) -> None:
    product = make_product(stock=100, max_per_order=5)

    with pytest.raises(TooMany) as refusal:
        services.add_item(shopper=Shopper(), product_id=product.pk, quantity=quantity, now=NOW)

    assert refusal.value.params == {"max_per_order": 5, "in_cart": 0}
    assert (Cart.objects.count(), reserved(product)) == (0, 0)


def test_what_is_in_the_cart_counts_towards_the_most_per_order() -> None:
    product = make_product(stock=100, max_per_order=5)
    shopper = add(product, 3)
    before = state()

    with pytest.raises(TooMany) as refusal:
        services.add_item(shopper=shopper, product_id=product.pk, quantity=3, now=NOW)
    with pytest.raises(TooMany):
        services.change_item(shopper=shopper, item_id=CartItem.objects.get().pk, quantity=6, now=NOW)

    assert refusal.value.params == {"max_per_order": 5, "in_cart": 3}
    assert state() == before


def test_a_full_cart_takes_more_of_its_lines_but_no_new_one(settings: Settings) -> None:
    settings.CART_LINES_LIMIT = 2
    first, second, third = (make_product(stock=5) for _ in range(3))
    shopper = add(second, shopper=add(first))
    before = state()

    with pytest.raises(CartIsFull):
        services.add_item(shopper=shopper, product_id=third.pk, quantity=1, now=NOW)

    assert state() == before
    add(first, shopper=shopper)
    assert reserved(first) == 2


def test_unknown_and_inactive_products_are_refused() -> None:
    inactive = make_product(stock=5, is_active=False)
    foreign = make_product(stock=5, currency="JPY", price=Decimal(10))

    for product_id in (inactive.pk, foreign.pk, foreign.pk + 1000, 10**30):
        with pytest.raises(UnknownProduct) as refusal:
            services.add_item(shopper=Shopper(), product_id=product_id, quantity=1, now=NOW)
        assert refusal.value.errors[0].pointer == "/product_id"

    assert Cart.objects.count() == 0


def test_another_shoppers_line_is_not_found() -> None:
    product = make_product(stock=5)
    add(product, 1)
    stranger = add(product, 1)
    theirs = CartItem.objects.order_by("pk")[0].pk
    before = state()

    for item_id in (theirs, theirs + 1000, 10**30):
        with pytest.raises(LineNotFound):
            services.change_item(shopper=stranger, item_id=item_id, quantity=2, now=NOW)
        with pytest.raises(LineNotFound):
            services.remove_item(shopper=stranger, item_id=item_id, now=NOW)
        with pytest.raises(LineNotFound):
            services.hold_item(shopper=stranger, item_id=item_id, now=NOW)

    assert state() == before


def test_a_token_never_issued_opens_nothing_and_is_never_adopted() -> None:
    product = make_product(stock=5)
    forged = Shopper(cart_token="x" * 43)

    with pytest.raises(CartNotFound):
        services.add_item(shopper=forged, product_id=product.pk, quantity=1, now=NOW, known_cart=True)
    change = services.add_item(shopper=forged, product_id=product.pk, quantity=1, now=NOW)

    assert (change.created, change.token != forged.cart_token) == (True, True)


def test_the_token_of_a_users_cart_opens_it_for_nobody() -> None:
    product, user = make_product(stock=5), make_user()
    add(product, 1, shopper=Shopper(user_id=user.pk))
    cart = Cart.objects.get(user=user)

    thief = Shopper(cart_token=cart.token)

    assert selectors.find_cart(shopper=thief) is None
    assert selectors.item_count(shopper=thief) == 0
    assert not selectors.proves_cart(shopper=thief, cart_id=cart.pk)
    assert selectors.item_count(shopper=Shopper(user_id=user.pk)) == 1


def test_a_guests_token_proves_their_cart_and_no_other() -> None:
    mine, other = make_cart(), make_cart()
    shopper = Shopper(cart_token=mine.token)

    assert selectors.proves_cart(shopper=shopper, cart_id=mine.pk)
    assert not selectors.proves_cart(shopper=shopper, cart_id=other.pk)
    assert not selectors.proves_cart(shopper=Shopper(), cart_id=mine.pk)


def test_a_line_that_fits_no_warehouse_alone_is_filled_from_the_fewest() -> None:
    product = make_product()
    small, large, middle = (make_stock(product=product, quantity=quantity) for quantity in (2, 5, 4))

    add(product, 9)

    parts = dict(Reservation.objects.values_list("inventory_id", "quantity"))
    assert parts == {large.pk: 5, middle.pk: 4}
    assert small.pk not in parts


def test_a_service_refuses_to_be_part_of_another_transaction() -> None:
    """Only outermost transactions give the promise they make; the test's own is the one exception."""
    with transaction.atomic(), pytest.raises(RuntimeError), transaction.atomic():
        services.clear(shopper=Shopper(), now=NOW)


def test_the_settings_are_those_these_tests_count_with() -> None:
    assert (settings.HOLD_LIFETIME, settings.HOLD_LIFETIME_LIMIT, settings.CURRENCY) == (LIFETIME, LIMIT, "USD")
