"""Shoppers with filled carts who check out over HTTP: each as soon as the one before is answered, or at a rate."""

import asyncio
import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg

from tests.servers.purchase import ADDRESS

LINES = 3
CREATED = 201
# Carts of guests, a line each of different products, held for half an hour. The ids come without a gap: nobody else makes any.
_CARTS = """
    WITH carts AS (
        INSERT INTO cart_cart (id, token, version, created_at, updated_at)
        SELECT id, 'benchmark-' || lpad(id::text, 33, '0'), 0, now(), now()
        FROM (SELECT nextval(pg_get_serial_sequence('cart_cart', 'id')) AS id FROM generate_series(1, %(carts)s::int)) numbers
        RETURNING id
    ), lines AS (
        INSERT INTO cart_cartitem (cart_id, product_id, quantity, seen_price, currency, added_at)
        SELECT id, %(first)s::bigint + (id * 7919 + n * 104729) %% %(products)s::bigint, 1, 10, 'USD', now()
        FROM carts, generate_series(1, %(lines)s::int) n RETURNING id, cart_id, product_id
    ), held AS (
        INSERT INTO inventory_reservation (inventory_id, cart_line_id, quantity, expires_at, created_at)
        SELECT (SELECT min(i.id) FROM inventory_inventory i WHERE i.product_id = l.product_id), l.id, 1,
            now() + interval '30 minutes', now()
        FROM lines l RETURNING inventory_id
    ), counted AS (
        UPDATE inventory_inventory i SET reserved = i.reserved + h.units
        FROM (SELECT inventory_id, count(*) AS units FROM held GROUP BY 1) h WHERE h.inventory_id = i.id
    )
    SELECT min(id), max(id) FROM carts
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """A migrated database, and its products: ids from ``first`` on, without a gap, all of one price."""

    url: str
    first: int
    products: int

    def fill_carts(self, count: int, *, lines: int = LINES) -> range:
        """Make so many carts; their ids."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            given = {"carts": count, "first": self.first, "products": self.products, "lines": lines}
            found = connection.execute(_CARTS, given).fetchone()
            assert found is not None
            connection.execute("VACUUM ANALYZE cart_cart, cart_cartitem, inventory_reservation, inventory_inventory")
            return range(found[0], found[1] + 1)


@dataclass(frozen=True, slots=True)
class Bought:
    """What shoppers were told: seconds of each order, and how many got another answer; in how many seconds in all."""

    elapsed: float
    seconds: list[float] = field(default_factory=list)
    others: dict[int, int] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Orders a second."""
        return len(self.seconds) / self.elapsed


def token_of(cart: int) -> str:
    """The token of a cart that `fill_carts` made."""
    return f"benchmark-{cart:033}"


def quote_for() -> dict[str, Any]:
    """What is asked before a checkout: what the cart costs, shipped there."""
    return {"shipping_address": ADDRESS, "shipping_method": "standard"}


def order_for(total: Mapping[str, str], *, method: str = "pm_card_visa") -> dict[str, Any]:
    """What is sent to buy a cart that costs ``total``."""
    return {
        **quote_for(),
        "email": "ada@example.com",
        "billing_address": ADDRESS,
        "payment_method": method,
        "total": dict(total),
    }


def body_of(url: str, cart: int, *, method: str = "pm_card_visa") -> bytes:
    """What is sent to buy a cart, or any other with as many lines, for all cost the same."""
    told = httpx.post(
        f"{url}/api/v1/quote", json=quote_for(), headers={"X-Cart-Token": token_of(cart)}, timeout=30, trust_env=False
    )
    return json.dumps(order_for(told.raise_for_status().json()["total"], method=method)).encode()


def buy_in_turn(url: str, body: bytes, carts: Iterator[int], *, clients: int, seconds: float) -> Bought:
    """Each of so many shoppers buys the next cart as soon as the last is answered, until the time, or the carts, are over."""

    async def run() -> Bought:
        begin = time.perf_counter()
        bought = Bought(elapsed=0)

        async def shopper() -> None:
            for cart in carts:
                await _buy(url, body, cart, bought)
                if time.perf_counter() > begin + seconds:
                    return

        await asyncio.gather(*(shopper() for _ in range(clients)))
        return Bought(time.perf_counter() - begin, bought.seconds, bought.others)

    return asyncio.run(run())


def buy_at_a_rate(url: str, body: bytes, carts: Iterator[int], *, rate: float, orders: int) -> Bought:
    """So many orders, ``rate`` of which begin a second, whatever the answers take; all of them are awaited."""

    async def run() -> Bought:
        begin = time.perf_counter()
        bought = Bought(elapsed=0)

        async def shopper(cart: int, due: float) -> None:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await _buy(url, body, cart, bought)

        chosen = [next(carts) for _ in range(orders)]
        await asyncio.gather(*(shopper(cart, begin + place / rate) for place, cart in enumerate(chosen)))
        return Bought(time.perf_counter() - begin, bought.seconds, bought.others)

    return asyncio.run(run())


async def _buy(url: str, body: bytes, cart: int, bought: Bought) -> None:
    """One checkout on a connection of its own, as from a proxy that keeps none: so any worker may get it."""
    begin = time.perf_counter()
    status = await _post(url, body, {"X-Cart-Token": token_of(cart), "Idempotency-Key": secrets.token_urlsafe(16)})
    if status == CREATED:
        bought.seconds.append(time.perf_counter() - begin)
    else:
        bought.others[status] = bought.others.get(status, 0) + 1


async def _post(url: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Written by hand: what a whole HTTP client costs would be taken from the shop, which shares the machine."""
    host = urlsplit(url)
    lines = [
        "POST /api/v1/orders HTTP/1.1",
        f"Host: {host.netloc}",
        "Connection: close",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    reader, writer = await asyncio.open_connection(host.hostname, host.port)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        answer = await reader.read(-1)
        return int(answer[9:12])
    finally:
        writer.close()
