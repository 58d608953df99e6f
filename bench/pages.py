"""How long pages of the demo shop take over HTTP, one client, beside `/health/live`: the least that any answer costs."""

import os
import time
from collections.abc import Callable
from statistics import quantiles

import httpx
from rich.console import Console
from rich.table import Table

from tests.servers.shop import Shop, filled_shop

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "200"))
WARM_UP = 20


def main() -> None:
    """Measure and print the table."""
    with (
        filled_shop("bench", ["load_demo", "--orders", "2000"]) as shop,
        httpx.Client(base_url=shop.url, timeout=30) as client,
    ):
        table = Table(
            "request", "p50 ms", "p95 ms", "p99 ms", "times the limit", title=f"{ROUNDS} requests each, one client"
        )
        limit = 0.0
        for name, ask in _requests(client, shop).items():
            spent = _measure(ask)
            p50, p95, p99 = (quantiles(spent, n=100)[at - 1] for at in (50, 95, 99))
            limit = limit or p50
            table.add_row(name, *(f"{value * 1000:.1f}" for value in (p50, p95, p99)), f"{p50 / limit:.1f}")
        Console(width=100).print(table)


def _requests(client: httpx.Client, shop: Shop) -> dict[str, Callable[[], httpx.Response]]:
    found = client.get("/api/v1/search?in_stock=true").json()["results"][0]
    category = client.get("/api/v1/categories").json()
    first = (category["results"] if isinstance(category, dict) else category)[0]["path"]
    return {
        "health/live (the limit)": lambda: client.get("/health/live"),
        "home": lambda: client.get("/"),
        "category": lambda: client.get(f"/c/{first}/"),
        "product": lambda: client.get(f"/p/{found['slug']}/"),
        "API availability": lambda: client.get(f"/api/v1/products/{found['id']}/availability"),
        "API search": lambda: client.get("/api/v1/search?q=lamp"),
        "API add to cart": lambda: httpx.post(
            f"{shop.url}/api/v1/cart/items", json={"product_id": found["id"], "quantity": 1}
        ),
    }


def _measure(ask: Callable[[], httpx.Response]) -> list[float]:
    for _ in range(WARM_UP):
        ask()
    spent = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        ask()
        spent.append(time.perf_counter() - begin)
    return spent
