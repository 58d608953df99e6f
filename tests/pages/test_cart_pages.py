"""The cart on the pages, as a browser without scripts uses it."""

import pytest
from django.core.cache import cache
from django.test import Client

from cart.models import CartItem
from catalog.models import Product
from core.shopper import COOKIE
from inventory.models import Inventory
from tests.factories import make_product

pytestmark = pytest.mark.django_db


def _put(client: Client, product_id: int, quantity: str = "2") -> str:
    answer = client.post("/cart/items/", {"product_id": product_id, "quantity": quantity}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_guest_adds_changes_and_takes_out(client: Client) -> None:
    product = make_product(stock=5, title="Storm lantern")

    shown = _put(client, product.pk)

    assert "Storm lantern" in shown
    assert "held for you" in shown
    assert client.cookies[COOKIE]["httponly"]
    assert client.cookies[COOKIE]["samesite"] == "Lax"
    assert Inventory.objects.get(product=product).reserved == 2

    item = CartItem.objects.get()
    client.post(f"/cart/items/{item.pk}/", {"quantity": "5"})
    assert Inventory.objects.get(product=product).reserved == 5

    client.post(f"/cart/items/{item.pk}/", {"quantity": "0"})
    assert not CartItem.objects.exists()
    assert Inventory.objects.get(product=product).reserved == 0
    assert "Nothing in it yet" in client.get("/cart/").content.decode()


def test_a_guest_empties_the_cart_and_everything_is_released(client: Client) -> None:
    for _ in range(2):
        _put(client, make_product(stock=5).pk)

    shown = client.post("/cart/clear/", follow=True).content.decode()

    assert "Nothing in it yet" in shown
    assert not CartItem.objects.exists()
    assert sum(Inventory.objects.values_list("reserved", flat=True)) == 0


def test_what_is_not_sold_any_more_is_said_and_can_only_be_taken_out(client: Client) -> None:
    product = make_product(stock=5)
    _put(client, product.pk)
    Product.objects.filter(pk=product.pk).update(is_active=False)
    cache.clear()  # a cart is shown as it was up to a minute ago

    shown = client.get("/cart/").content.decode()

    assert "not sold any more" in shown
    assert 'type="number"' not in shown
    assert "Take out" in shown


def test_what_is_not_there_is_refused_in_words_and_changes_nothing(client: Client) -> None:
    product = make_product(stock=1)

    shown = _put(client, product.pk, "2")

    assert "note-bad" in shown
    assert not CartItem.objects.exists()
    assert Inventory.objects.get(product=product).reserved == 0


@pytest.mark.parametrize("quantity", ["-1", "1.5", "lots", "9" * 13, "٣"])
def test_a_quantity_that_is_none_is_refused(client: Client, quantity: str) -> None:
    product = make_product(stock=5)

    answer = client.post("/cart/items/", {"product_id": product.pk, "quantity": quantity})

    assert answer.status_code == 400
    assert not CartItem.objects.exists()


def test_another_shoppers_line_can_not_be_touched(client: Client) -> None:
    product = make_product(stock=5)
    _put(client, product.pk)
    item = CartItem.objects.get()

    stranger = Client()
    stranger.post(f"/cart/items/{item.pk}/", {"quantity": "1"})

    assert CartItem.objects.get().quantity == 2


def test_htmx_gets_the_lines_and_the_badge_alone(client: Client) -> None:
    product = make_product(stock=5)
    _put(client, product.pk)
    item = CartItem.objects.get()

    answer = client.post(f"/cart/items/{item.pk}/", {"quantity": "3"}, headers={"HX-Request": "true"})

    shown = answer.content.decode()
    assert "<html" not in shown
    assert 'id="cart"' in shown
    assert 'hx-swap-oob="true"' in shown


def test_an_empty_cart_can_not_be_checked_out(client: Client) -> None:
    assert client.get("/checkout/").headers["Location"] == "/cart/"


def test_a_forged_post_is_refused() -> None:
    product = make_product(stock=5)

    answer = Client(enforce_csrf_checks=True).post("/cart/items/", {"product_id": product.pk, "quantity": "1"})

    assert answer.status_code == 403
    assert not CartItem.objects.exists()
