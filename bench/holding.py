"""`python -m bench.holding KIND SECONDS FIRST LAST THREADS`: hold stock as fast as one process can.

Says "ready", waits for a line, and prints how often it did.
"""

import os
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import django
import httpx

HOLDERS = 10**12  # ids of cart lines that no cart has: what was held for them is given back at the end


def main(kind: str, seconds: float, first: int, last: int, threads: int) -> int:
    """Run when told to, in so many threads; the count."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
    django.setup()
    once = {"operation": _operation, "service": _service, "http": _http}[kind]()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    end = time.monotonic() + seconds

    def work(_: int) -> int:
        count = 0
        while time.monotonic() < end:
            once(random.randint(first, last))  # noqa: S311 - which product is no secret
            count += 1
        return count

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads)))


def _operation() -> Callable[[int], None]:
    """`inventory.operations.hold` in a transaction of its own."""
    from core.clock import now  # noqa: PLC0415 - needs Django
    from core.transactions import unit_of_work  # noqa: PLC0415 - as above
    from inventory import operations  # noqa: PLC0415 - as above
    from inventory.types import HoldRequest  # noqa: PLC0415 - as above

    def once(product_id: int) -> None:
        moment = now()
        line = HOLDERS + random.randrange(10**12)  # noqa: S311 - as above
        request = HoldRequest(
            cart_line_id=line, product_id=product_id, quantity=1, expires_at=moment + timedelta(minutes=30)
        )
        with unit_of_work():
            operations.hold(requests=[request], near=None, now=moment)

    return once


def _service() -> Callable[[int], None]:
    """`cart.services.add_item` for a guest who has no cart yet, with the cart read for the answer."""
    from cart import services  # noqa: PLC0415 - needs Django
    from core.clock import now  # noqa: PLC0415 - as above
    from core.shopper import Shopper  # noqa: PLC0415 - as above

    def once(product_id: int) -> None:
        services.add_item(shopper=Shopper(), product_id=product_id, quantity=1, now=now())

    return once


def _http() -> Callable[[int], None]:
    """The same over the API of the shop at SHOP_URL."""
    client = httpx.Client(base_url=os.environ["SHOP_URL"], timeout=30, trust_env=False)

    def once(product_id: int) -> None:
        client.post("/api/v1/cart/items", json={"product_id": product_id, "quantity": 1}).raise_for_status()

    return once


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.stdout.write(f"{main(given[0], float(given[1]), int(given[2]), int(given[3]), int(given[4]))}\n")
