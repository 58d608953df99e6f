"""The checkout form: one order however often it is sent."""

import re
from functools import partial
from typing import Any

import pytest
from django.test import Client

from orders.models import Order
from payments.models import Payment
from tests.orders.arranged import SHIPPING, VISA, Basket, basket, stock_of
from tests.races.threads import at_once
from tests.servers.purchase import ADDRESS
from tests.servers.simulator import Simulator

pytestmark = pytest.mark.django_db(transaction=True)


def browser(cart: Basket) -> Client:
    client = Client()
    client.cookies["cart_token"] = cart.cart.token
    return client


def form_of(cart: Basket, **changes: str) -> dict[str, str]:
    """What the page sends: what was typed, and the key and total that it came with."""
    page = browser(cart).get("/checkout/").content.decode()
    hidden = {
        name: re.search(rf'name="{name}" value="([^"]+)"', page)[1]  # type: ignore[index]  # missing, the test fails here
        for name in ("idempotency_key", "total")
    }
    return {
        **hidden,
        **ADDRESS,
        "email": "ada@example.com",
        "shipping_method": SHIPPING,
        "payment_method": VISA,
        **changes,
    }


def send(cart: Basket, form: dict[str, str]) -> Any:
    return browser(cart).post("/checkout/", form)


def test_the_form_buys_and_leads_to_the_orders_page(provider: Simulator) -> None:
    cart = basket(2)

    response = send(cart, form_of(cart))

    order = Order.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, f"/orders/{order.number}/")
    assert (order.status, stock_of(cart)) == ("paid", [(8, 0)])
    assert browser(cart).get(response.headers["Location"]).status_code == 200


def test_sent_again_it_leads_to_the_same_order(provider: Simulator) -> None:
    cart = basket(2)
    form = form_of(cart)

    places = {send(cart, form).headers["Location"] for _time in range(2)}

    assert places == {f"/orders/{Order.objects.get().number}/"}


def test_several_clicks_at_once_are_one_order(provider: Simulator) -> None:
    cart = basket(2)
    form = form_of(cart)

    responses = at_once([partial(send, cart, form)] * 4)

    number = Order.objects.get().number
    assert Payment.objects.count() == 1
    assert f"/orders/{number}/" in {response.headers.get("Location") for response in responses}
    assert stock_of(cart) == [(8, 0)]


def test_a_challenge_leads_to_the_bank(provider: Simulator) -> None:
    cart = basket(2)

    response = send(cart, form_of(cart, payment_method="pm_card_authentication_required"))

    assert response.status_code == 302
    assert response.headers["Location"].startswith(f"{provider.url}/challenge/")


def test_a_wrong_address_is_shown_beside_its_field_and_buys_nothing(provider: Simulator) -> None:
    cart = basket(2)

    response = send(cart, form_of(cart, postal_code="ABC"))

    assert response.status_code == 200
    assert "This is no postal code of this country." in response.content.decode()
    assert (Order.objects.count(), stock_of(cart)) == (0, [(10, 2)])
