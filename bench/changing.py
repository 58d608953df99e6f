"""`python -m bench.changing URL N`: change N prices in this process; after how many seconds each is found there, one a line."""

import os
import sys
import time
from decimal import Decimal

import django
import httpx


def main(url: str, changes: int) -> int:
    """One after the other, each at some moment between two refreshes of the index."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
    django.setup()
    from catalog import operations as catalog  # noqa: PLC0415 - needs Django
    from catalog.models import Product  # noqa: PLC0415 - as above
    from core.clock import now  # noqa: PLC0415 - as above
    from core.transactions import unit_of_work  # noqa: PLC0415 - as above

    for place, product_id in enumerate(Product.objects.order_by("pk").values_list("pk", flat=True)[:changes], 1):
        price = Decimal(place) / 100
        time.sleep(place * 1.37 % 5)  # so that they fall anywhere between two refreshes
        with unit_of_work():
            Product.objects.filter(pk=product_id).update(price=price)
            catalog.announce(product_ids=[product_id], now=now())
        begin = time.monotonic()
        while not _found(url, price):
            time.sleep(0.05)
        sys.stdout.write(f"{time.monotonic() - begin:.2f}\n")
        sys.stdout.flush()
    return 0


def _found(url: str, price: Decimal) -> bool:
    bounds = {"price_min": str(price), "price_max": str(price)}
    answer = httpx.get(f"{url}/api/v1/search", params=bounds, timeout=30, trust_env=False)
    return answer.headers["X-Search-Engine"] == "elasticsearch" and answer.json()["total"] > 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
