"""One whole purchase, from the front page to the paid order, in a browser and over the API; the stock falls by it."""

import uuid
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.servers.shop import Shop
from tests.servers.waiting import wait_for

SHOPS = pytest.mark.parametrize("shop", ["demo_shop", "icecat_shop"], indirect=True)
ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "350 Fifth Avenue",
    "line2": "",
    "city": "New York",
    "region": "NY",
    "postal_code": "10118",
    "country": "US",
    "phone": "",
}


def _available(shop: Shop, product_id: int) -> int:
    answer = httpx.get(f"{shop.url}/api/v1/products/{product_id}/availability")
    return int(answer.json()["available"])


def _in_stock(shop: Shop) -> dict[str, Any]:
    """A product that can be bought, found as a client finds it."""
    results: list[dict[str, Any]] = httpx.get(f"{shop.url}/api/v1/search?in_stock=true").json()["results"]
    return next(found for found in results if _available(shop, found["id"]) > 3)


@SHOPS
@pytest.mark.browser
@pytest.mark.servers
def test_a_guest_buys_in_a_browser(shop: Shop, page: Page) -> None:
    page.goto(shop.url)
    page.locator(".department").first.click()
    expect(page.locator("h1")).to_be_visible()
    page.locator(".product .name a").first.click()
    page.goto(f"{shop.url}/p/{_in_stock(shop)['slug']}/")
    product_id = int(page.locator("input[name=product_id]").input_value())
    before = _available(shop, product_id)

    page.get_by_label("Quantity").fill("2")
    page.get_by_role("button", name="Add to cart").click()
    expect(page.locator("[data-held-until]")).to_contain_text(":")
    assert _available(shop, product_id) == before - 2
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
    assert _available(shop, product_id) == before - 2
    page.goto(f"{shop.url}/cart/")
    expect(page.get_by_text("Nothing in it yet")).to_be_visible()


@SHOPS
@pytest.mark.servers
def test_a_guest_buys_over_the_api(shop: Shop) -> None:
    with httpx.Client(base_url=f"{shop.url}/api/v1", timeout=20) as api:
        assert api.get("/categories").json()
        product = _in_stock(shop)
        before = _available(shop, product["id"])
        added = api.post("/cart/items", json={"product_id": product["id"], "quantity": 1})
        assert added.status_code == 201
        api.headers["X-Cart-Token"] = added.headers["X-Cart-Token"]
        quote = api.post("/quote", json={"shipping_address": ADDRESS, "shipping_method": None}).json()

        placed = _order(api, quote)

        assert placed.status_code == 201, placed.text
        number = placed.json()["number"]
        assert _available(shop, product["id"]) == before - 1
        order = wait_for(lambda: _status(api, number, "processing"), "the payment was not captured")
        assert [entry["to_status"] for entry in order["history"]][-1] == "processing"
        assert order["total"] == quote["total"]


@SHOPS
@pytest.mark.servers
def test_a_user_registers_and_buys_over_the_api(shop: Shop) -> None:
    with httpx.Client(base_url=f"{shop.url}/api/v1", timeout=20) as api:
        email = f"{uuid.uuid4().hex}@example.com"
        token = api.post("/auth/register", json={"email": email, "password": "correct-horse-battery"}).json()["token"]
        api.headers["Authorization"] = f"Token {token}"
        api.post("/cart/items", json={"product_id": _in_stock(shop)["id"], "quantity": 1})
        quote = api.post("/quote", json={"shipping_address": ADDRESS, "shipping_method": None}).json()

        placed = _order(api, quote, email=email)

        assert placed.status_code == 201, placed.text
        assert [order["number"] for order in api.get("/orders").json()["results"]] == [placed.json()["number"]]


@pytest.mark.parametrize("shop", ["demo_shop"], indirect=True)
@pytest.mark.servers
def test_a_declined_card_leaves_the_cart_and_a_new_key_buys(shop: Shop) -> None:
    with httpx.Client(base_url=f"{shop.url}/api/v1", timeout=20) as api:
        added = api.post("/cart/items", json={"product_id": _in_stock(shop)["id"], "quantity": 1})
        api.headers["X-Cart-Token"] = added.headers["X-Cart-Token"]
        quote = api.post("/quote", json={"shipping_address": ADDRESS, "shipping_method": None}).json()

        declined = _order(api, quote, method="pm_card_declined")

        assert (declined.status_code, declined.json()["code"]) == (402, "payment_declined")
        assert api.get("/cart").json()["items"][0]["held"] is True
        assert _order(api, quote).status_code == 201


def _order(
    api: httpx.Client, quote: dict[str, Any], *, method: str = "pm_card_visa", email: str = "a@example.com"
) -> httpx.Response:
    body = {
        "email": email,
        "shipping_address": ADDRESS,
        "billing_address": ADDRESS,
        "shipping_method": quote["shipping_methods"][0]["code"],
        "payment_method": method,
        "total": quote["total"],
    }
    return api.post("/orders", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})


def _status(api: httpx.Client, number: str, status: str) -> dict[str, Any] | None:
    order: dict[str, Any] = api.get(f"/orders/{number}").json()
    return order if order["status"] == status else None
