"""A whole purchase over the API, as an outside client makes it: DESIGN.md section 7 and nothing else."""

import secrets
import time
from dataclasses import dataclass
from typing import Any

import httpx

ADDRESS = {
    "name": "Ada Lovelace",
    "line1": "350 Fifth Avenue",
    "line2": "",
    "city": "New York",
    "region": "NY",
    "postal_code": "10118",
    "country": "US",
    "phone": "+12125550123",
}
PAID = ("paid", "processing")


@dataclass(frozen=True, slots=True)
class Purchase:
    """What was bought, and how to see it again."""

    number: str
    headers: dict[str, str]
    product_id: int
    order: dict[str, Any]


def buy(address: str, *, as_guest: bool = False, search: str = "") -> Purchase:
    """Buy one piece of something in stock, with a card that works; the order once it is paid."""
    with httpx.Client(base_url=f"{address}/api/v1", timeout=30, trust_env=False) as client:
        email = f"shopper-{secrets.token_hex(4)}@example.com"
        if not as_guest:
            account = _ok(client.post("/auth/register", json={"email": email, "password": secrets.token_urlsafe(16)}))
            client.headers["Authorization"] = f"Token {account.json()['token']}"
        product_id = _something_in_stock(client, search)
        added = _ok(client.post("/cart/items", json={"product_id": product_id, "quantity": 1}))
        if as_guest:
            client.headers["X-Cart-Token"] = added.headers["X-Cart-Token"]
        quote = _ok(client.post("/quote", json={"shipping_address": ADDRESS})).json()
        order = {
            "email": email,
            "shipping_address": ADDRESS,
            "billing_address": ADDRESS,
            "shipping_method": quote["shipping_methods"][0]["code"],
            "payment_method": "pm_card_visa",
        }
        quote = _ok(
            client.post("/quote", json={name: order[name] for name in ("shipping_address", "shipping_method")})
        ).json()
        key = {"Idempotency-Key": secrets.token_urlsafe(16)}
        placed = _ok(client.post("/orders", json={**order, "total": quote["total"]}, headers=key)).json()
        names = ("Authorization", "X-Cart-Token")
        headers = {name: client.headers[name] for name in names if name in client.headers}
        return Purchase(placed["number"], headers, product_id, wait_until_paid(address, placed["number"], headers))


def wait_until_paid(address: str, number: str, headers: dict[str, str], *, seconds: float = 30) -> dict[str, Any]:
    """The order once its status says so."""
    deadline = time.monotonic() + seconds
    while (order := read_order(address, number, headers))["status"] not in PAID:
        assert time.monotonic() < deadline, f"{number} is still {order['status']}"
        time.sleep(0.2)
    return order


def read_order(address: str, number: str, headers: dict[str, str]) -> dict[str, Any]:
    """The order as its owner sees it."""
    found: dict[str, Any] = _ok(
        httpx.get(f"{address}/api/v1/orders/{number}", headers=headers, timeout=30, trust_env=False)
    ).json()
    return found


def _something_in_stock(client: httpx.Client, search: str) -> int:
    for page in range(1, 6):
        for product in _ok(client.get("/search", params={"q": search, "page": page})).json()["results"]:
            if _ok(client.get(f"/products/{product['id']}/availability")).json()["in_stock"]:
                return int(product["id"])
    raise AssertionError("a shop with nothing in stock")


def _ok(response: httpx.Response) -> httpx.Response:
    assert response.is_success, (
        f"{response.request.method} {response.request.url}: {response.status_code} {response.text[:1000]}"
    )
    return response
