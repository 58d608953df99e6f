"""Whatever but PostgreSQL is away, shoppers browse and fill carts; and what was left open ends by itself once it is back."""

import httpx
import pytest

from tests.e2e.client import fill_cart, in_stock, order_in, place_order
from tests.servers.embedded import PrivateValkey
from tests.servers.shop import Shop, commands
from tests.servers.waiting import wait_for

pytestmark = [
    pytest.mark.fault,
    pytest.mark.servers,
    pytest.mark.parametrize("shop", ["demo_shop"], indirect=True),
]


def _browse(shop: Shop) -> None:
    slug = in_stock(shop)["slug"]
    for address in ("/", f"/p/{slug}/", "/search/?q=lamp", "/cart/", "/account/login/"):
        assert httpx.get(f"{shop.url}{address}", timeout=20).status_code == 200, address


def test_without_valkey_the_shop_goes_on(shop: Shop, valkey: PrivateValkey) -> None:
    valkey.kill()
    try:
        with httpx.Client(base_url=f"{shop.url}/api/v1", timeout=20) as api:
            _browse(shop)
            placed = place_order(api, fill_cart(api, shop))

            assert placed.status_code == 201, placed.text
            wait_for(lambda: order_in(api, placed.json()["number"], "processing"), "nothing captured without Valkey")
    finally:
        valkey.start()
    wait_for(lambda: httpx.get(f"{shop.url}/health/ready").json()["checks"]["valkey"], "Valkey was not found again")


def test_without_the_relay_orders_are_paid_and_captured_later(shop: Shop) -> None:
    shop.kill("relay")
    try:
        with httpx.Client(base_url=f"{shop.url}/api/v1", timeout=20) as api:
            placed = place_order(api, fill_cart(api, shop))

            assert placed.status_code == 201, placed.text
            assert placed.json()["status"] == "paid"
            shop.start("relay", commands(1, 8)["relay"])
            wait_for(
                lambda: order_in(api, placed.json()["number"], "processing"),
                "nothing captured after the relay came back",
            )
    finally:
        if "relay" not in shop.processes:
            shop.start("relay", commands(1, 8)["relay"])


def test_without_the_provider_an_order_waits_and_nothing_is_lost(shop: Shop) -> None:
    shop.kill("payments")
    try:
        with httpx.Client(base_url=f"{shop.url}/api/v1", timeout=30) as api:
            _browse(shop)
            placed = place_order(api, fill_cart(api, shop))

            assert placed.status_code == 202, placed.text
            assert placed.json()["status"] == "pending_payment"
            assert placed.headers["Retry-After"]
    finally:
        shop.start("payments", commands(1, 8)["payments"])
