"""`python -m tests.servers.paused_web ...`: gunicorn whose workers ask a test, at the steps of a checkout, whether to go on."""

import os
import runpy
from datetime import timedelta

import django
from django.conf import settings

from tests.servers.pausing import AFTER, BEFORE, pause

PLACES = {
    "after the claim": (BEFORE, "orders.services", "_place"),
    "inside A": (BEFORE, "cart.operations", "take_all"),
    "after A": (BEFORE, "orders.services", "_authorise"),
    "during authorise": (BEFORE, "payments.simulated", "_answer"),
    "after authorise": (BEFORE, "orders.operations", "conclude"),
    "inside B": (BEFORE, "core.idempotency", "store"),
    "after B": (AFTER, "orders.services", "_conclude"),
    "before the answer": (AFTER, "orders.services", "place_order"),
}


def main() -> None:
    """Wrap the functions, shorten the lease, and become gunicorn."""
    # One connection for all threads: were one held while the provider is awaited, it would be missed at once.
    os.environ["DATABASE_POOL"] = "1"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
    django.setup()
    # Still in the order that the design asks for, only shorter: provider, lease, gunicorn.
    settings.PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=1)
    settings.IDEMPOTENCY_LEASE = timedelta(seconds=2)
    for place, (when, module, name) in PLACES.items():
        pause(place, when, module, name)
    runpy.run_module("gunicorn", run_name="__main__")


if __name__ == "__main__":
    main()
