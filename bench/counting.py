"""`python -m bench.counting CART...`: buy these carts in this process; how many SQL statements each took, one a line."""

import json
import os
import sys

import django

from bench.shoppers import order_for, quote_for, token_of


def main(carts: list[int]) -> int:
    """Buy each through Django's own test client, and count."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
    django.setup()
    from django.db import connection  # noqa: PLC0415 - needs Django
    from django.test import Client  # noqa: PLC0415 - as above
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above

    client = Client(HTTP_HOST="127.0.0.1")
    for cart in carts:
        headers = {"X-Cart-Token": token_of(cart), "Idempotency-Key": f"counted-{cart}"}
        quote = client.post("/api/v1/quote", quote_for(), content_type="application/json", headers=headers).json()
        order = json.dumps(order_for(quote["total"]))
        with CaptureQueriesContext(connection) as queries:
            answer = client.post("/api/v1/orders", order, content_type="application/json", headers=headers)
        statements = [query["sql"] for query in queries if query["sql"] not in ("BEGIN", "COMMIT")]
        sys.stdout.write(f"{len(statements) if answer.status_code == 201 else answer.content.decode()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main([int(cart) for cart in sys.argv[1:]]))
