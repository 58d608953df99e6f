"""What an outside client does to buy, written from the API's table alone."""

import uuid
from typing import Any

import httpx

from tests.servers.shop import Shop

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


def available(shop: Shop, product_id: int) -> int:
    """How many units the shop says can be had."""
    answer = httpx.get(f"{shop.url}/api/v1/products/{product_id}/availability")
    return int(answer.json()["available"])


def in_stock(shop: Shop) -> dict[str, Any]:
    """A product that can be bought, found as a client finds it."""
    results: list[dict[str, Any]] = httpx.get(f"{shop.url}/api/v1/search?in_stock=true").json()["results"]
    return next(found for found in results if available(shop, found["id"]) > 3)


def fill_cart(api: httpx.Client, shop: Shop) -> dict[str, Any]:
    """Put one thing into a guest's new cart, and ask what it costs: the quote."""
    added = api.post("/cart/items", json={"product_id": in_stock(shop)["id"], "quantity": 1})
    assert added.status_code == 201, added.text
    api.headers["X-Cart-Token"] = added.headers["X-Cart-Token"]
    quote: dict[str, Any] = api.post("/quote", json={"shipping_address": ADDRESS, "shipping_method": None}).json()
    return quote


def place_order(
    api: httpx.Client, quote: dict[str, Any], *, method: str = "pm_card_visa", email: str = "a@example.com"
) -> httpx.Response:
    """Buy at the quote's total, with a fresh key."""
    body = {
        "email": email,
        "shipping_address": ADDRESS,
        "billing_address": ADDRESS,
        "shipping_method": quote["shipping_method"],
        "payment_method": method,
        "total": quote["total"],
    }
    return api.post("/orders", json=body, headers={"Idempotency-Key": str(uuid.uuid4())})


def order_in(api: httpx.Client, number: str, status: str) -> dict[str, Any] | None:
    """The order once it stands at ``status``, None before."""
    found: dict[str, Any] = api.get(f"/orders/{number}").json()
    return found if found["status"] == status else None
