"""One whole purchase, from the front page to the paid order, in a browser and over the API; the stock falls by it."""

import uuid

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.client import ADDRESS, available, fill_cart, in_stock, order_in, place_order
from tests.servers.shop import Shop
from tests.servers.waiting import wait_for

SHOPS = pytest.mark.parametrize("shop", ["demo_shop", "icecat_shop"], indirect=True)
DEMO = pytest.mark.parametrize("shop", ["demo_shop"], indirect=True)


@SHOPS
@pytest.mark.browser
@pytest.mark.servers
def test_a_guest_buys_in_a_browser(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    page.locator(".department").first.click()
    expect(page.locator("h1")).to_be_visible()
    page.locator(".product .name a").first.click()
    page.goto(f"{shop.url}/p/{in_stock(shop)['slug']}/")
    product_id = int(page.locator("input[name=product_id]").input_value())
    before = available(shop, product_id)

    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("[data-held-until]")).to_contain_text(":")
    assert available(shop, product_id) == before - 2
    page.get_by_role("link", name="Check out").click()
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Full name").fill(ADDRESS["name"])
    page.get_by_label("Address", exact=True).fill(ADDRESS["line1"])
    page.get_by_label("City").fill(ADDRESS["city"])
    page.get_by_label("State or region").fill(ADDRESS["region"])
    page.get_by_label("Postal code").fill(ADDRESS["postal_code"])
    page.get_by_role("button", name="Buy for").click()

    expect(page.get_by_role("heading", level=1)).to_contain_text("Order ")
    expect(page.get_by_text("Thank you! It is paid")).to_be_visible()
    assert available(shop, product_id) == before - 2
    page.goto(f"{shop.url}/cart/")
    expect(page.get_by_text("Nothing in it yet")).to_be_visible()


@SHOPS
@pytest.mark.servers
def test_a_guest_buys_over_the_api(shop: Shop) -> None:
    with httpx.Client(base_url=f"{shop.url}/api/v1", timeout=20) as api:
        assert api.get("/categories").json()["results"]
        quote = fill_cart(api, shop)
        product_id = quote["lines"][0]["product_id"]
        left = available(shop, product_id)

        placed = place_order(api, quote)

        assert placed.status_code == 201, placed.text
        number = placed.json()["number"]
        assert available(shop, product_id) == left
        order = wait_for(lambda: order_in(api, number, "processing"), "the payment was not captured")
        assert order["total"] == quote["total"]
        assert order["payment_status"] == "captured"
        assert api.get("/cart").json()["items"] == []


@SHOPS
@pytest.mark.servers
def test_a_user_registers_and_buys_over_the_api(shop: Shop) -> None:
    with httpx.Client(base_url=f"{shop.url}/api/v1", timeout=20) as api:
        email = f"{uuid.uuid4().hex}@example.com"
        token = api.post("/auth/register", json={"email": email, "password": "correct-horse-battery"}).json()["token"]
        api.headers["Authorization"] = f"Token {token}"
        api.post("/cart/items", json={"product_id": in_stock(shop)["id"], "quantity": 1})
        quote = api.post("/quote", json={"shipping_address": ADDRESS, "shipping_method": None}).json()

        placed = place_order(api, quote, email=email)

        assert placed.status_code == 201, placed.text
        assert [order["number"] for order in api.get("/orders").json()["results"]] == [placed.json()["number"]]


@DEMO
@pytest.mark.servers
def test_a_declined_card_leaves_the_cart_and_a_new_key_buys(shop: Shop) -> None:
    with httpx.Client(base_url=f"{shop.url}/api/v1", timeout=20) as api:
        quote = fill_cart(api, shop)

        declined = place_order(api, quote, method="pm_card_declined")

        assert (declined.status_code, declined.json()["code"]) == (402, "payment_declined")
        assert api.get("/cart").json()["items"][0]["held"] is True
        assert place_order(api, quote).status_code == 201
