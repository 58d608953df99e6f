"""A card by Stripe's script: its number never comes to the shop, a bank's question is answered, and each card pays once."""

import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from orders.models import Order
from payments.models import Payment
from tests.e2e.client import ADDRESS
from tests.e2e.stripe_in_browser import browser_and_stripe
from tests.orders.arranged import Basket, basket, stock_of, work_off
from tests.servers.stripe_api import WEBHOOKS, StripeApi, as_asked, event, signature, stripe_api, stripe_keys

pytestmark = [pytest.mark.browser, pytest.mark.servers, pytest.mark.xdist_group("stripe-browser")]
GOOD, DECLINED, ASKS = "4242424242424242", "4000000000000002", "4000002760003184"


@pytest.fixture
def api(settings: Settings, live_server: LiveServer) -> Iterator[StripeApi]:
    """Stripe, as the shop's server sees it."""
    settings.PUBLIC_URL = live_server.url
    with stripe_api() as stood_in, stripe_keys(settings, api_url=stood_in.url):
        stood_in.on("POST /v1/payment_intents", as_asked)
        yield stood_in


def _check_out(shop: LiveServer, page: Page, cart: Basket) -> list[str]:
    """Go to the checkout and fill all but the card in; what the browser's console complains of from then on."""
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda trouble: complaints.append(str(trouble)))
    page.context.add_cookies([{"name": "cart_token", "value": cart.cart.token, "url": shop.url}])
    page.goto(f"{shop.url}/checkout/")
    _fill_in(page)
    return complaints


def _fill_in(page: Page) -> None:
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Full name").fill(ADDRESS["name"])
    page.get_by_label("Address", exact=True).fill(ADDRESS["line1"])
    page.get_by_label("City").fill(ADDRESS["city"])
    page.get_by_label("State or region").fill(ADDRESS["region"])
    page.get_by_label("Postal code").fill(ADDRESS["postal_code"])


def _type_card(page: Page, number: str) -> None:
    page.frame_locator("#card iframe").get_by_label("Card number").fill(number)


def _buy(page: Page) -> None:
    page.get_by_role("button", name="Buy for").click()


def test_a_card_is_typed_into_stripes_field_and_pays(api: StripeApi, live_server: LiveServer, tmp_path: Path) -> None:
    cart = basket(2)

    with browser_and_stripe(tmp_path) as (context, stripe):
        shopper = context.new_page()
        sent: list[str] = []
        shopper.on(
            "request", lambda request: sent.append(request.post_data or "") if "/checkout" in request.url else None
        )
        complaints = _check_out(live_server, shopper, cart)
        _type_card(shopper, GOOD)
        _buy(shopper)
        expect(shopper.get_by_text("Thank you! It is paid")).to_be_visible()

    assert complaints == []
    assert stripe.made_for == [("Bearer pk_test_of_the_tests", ADDRESS["name"])]
    assert "payment_method=pm_good" in sent[-1]
    assert GOOD not in "".join(sent)
    ((_what, given, _key),) = api.asked
    assert (given["payment_method"], given["amount"]) == (["pm_good"], ["2500"])
    assert (Order.objects.get().status, stock_of(cart)) == ("paid", [(8, 0)])


def test_an_unfinished_card_and_a_declined_one_can_be_tried_again(
    api: StripeApi, live_server: LiveServer, tmp_path: Path
) -> None:
    cart = basket(2)

    with browser_and_stripe(tmp_path) as (context, _stripe):
        shopper = context.new_page()
        complaints = _check_out(live_server, shopper, cart)
        _buy(shopper)
        expect(shopper.get_by_text("Your card number is incomplete.")).to_be_visible()
        _type_card(shopper, DECLINED)
        _buy(shopper)
        expect(shopper.get_by_text("The payment was declined")).to_be_visible()
        shopper.get_by_role("link", name="Try again with another card").click()
        shopper.get_by_role("link", name="Check out").click()
        _fill_in(shopper)
        _type_card(shopper, GOOD)
        _buy(shopper)
        expect(shopper.get_by_text("Thank you! It is paid")).to_be_visible()

    assert complaints == []
    assert [given["payment_method"] for _what, given, _key in api.asked] == [["pm_declined"], ["pm_good"]]
    assert sorted(Order.objects.values_list("status", flat=True)) == ["paid", "payment_failed"]
    assert stock_of(cart) == [(8, 0)]


def test_a_bank_asks_and_the_shopper_comes_back_to_a_paid_order(
    api: StripeApi, live_server: LiveServer, tmp_path: Path
) -> None:
    cart = basket(2)

    with browser_and_stripe(tmp_path) as (context, stripe):
        shopper = context.new_page()
        complaints = _check_out(live_server, shopper, cart)
        _type_card(shopper, ASKS)
        _buy(shopper)
        expect(shopper.get_by_role("heading", name="Your bank asks")).to_be_visible()
        shopper.get_by_role("button", name="Complete authentication").click()
        expect(shopper.get_by_role("heading", level=1)).to_contain_text("Order ")
        expect(shopper.get_by_text("Your bank wants to be sure")).to_be_visible()
        _status, made = as_asked(api.asked[0][1])
        body = json.dumps(event("payment_intent.amount_capturable_updated", made | {"status": "requires_capture"}))
        told = httpx.post(
            f"{live_server.url}{WEBHOOKS}", content=body, headers=signature(body.encode()), trust_env=False
        )

    assert (told.status_code, stripe.approved) == (200, [made["id"]])
    assert not [line for line in complaints if "Content Security Policy" in line]
    api.on(
        f"POST /v1/payment_intents/{made['id']}/capture", (200, made | {"status": "succeeded", "amount_received": 2500})
    )
    work_off()
    assert (Order.objects.get().status, stock_of(cart)) == ("processing", [(8, 0)])


def test_without_stripes_script_a_line_says_so_and_nothing_is_sent(
    api: StripeApi, live_server: LiveServer, tmp_path: Path
) -> None:
    cart = basket(2)

    with browser_and_stripe(tmp_path, reachable=False) as (context, _stripe):
        shopper = context.new_page()
        _check_out(live_server, shopper, cart)
        expect(shopper.get_by_text("The card form could not be loaded.")).to_be_visible()
        _buy(shopper)
        expect(shopper.get_by_role("button", name="Buy for")).to_be_enabled()
        assert shopper.url == f"{live_server.url}/checkout/"

    assert (api.asked, Payment.objects.count(), stock_of(cart)) == ([], 0, [(10, 2)])


def test_without_scripts_a_line_says_what_is_needed(api: StripeApi, live_server: LiveServer, tmp_path: Path) -> None:
    cart = basket(2)

    with browser_and_stripe(tmp_path, scripts=False) as (context, _stripe):
        shopper = context.new_page()
        complaints = _check_out(live_server, shopper, cart)
        line = shopper.locator("noscript p")  # which Playwright finds by no text
        expect(line).to_be_visible()
        expect(line).to_contain_text("Paying by card needs JavaScript")
        _buy(shopper)
        expect(shopper.get_by_text("Please enter your card. That needs JavaScript")).to_be_visible()

    assert complaints == []
    assert (api.asked, Payment.objects.count(), stock_of(cart)) == ([], 0, [(10, 2)])
