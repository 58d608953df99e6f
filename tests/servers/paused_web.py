"""`python -m tests.servers.paused_web ...`: gunicorn whose workers ask a test, at the steps of a checkout, whether to go on."""

import importlib
import os
import runpy
from datetime import timedelta
from typing import Any

import django
from django.conf import settings
from django.db import connections
from django.http import HttpRequest, JsonResponse
from django.urls import get_resolver, path

from tests.servers.pausing import AFTER, BEFORE, ask, pause

AFTER_B = "after B"
PLACES = {
    # The claim is committed, and nothing else is.
    "after the claim": (BEFORE, "orders.services", "_place"),
    # The order is written, its goods have moved to it, and the cart is about to be emptied.
    "inside A": (BEFORE, "cart.operations", "take_all"),
    # A is committed, and the provider knows nothing.
    "after A": (BEFORE, "orders.services", "_authorise"),
    # The provider has done its part, and what it says has not been read.
    "during authorise": (BEFORE, "payments.simulated", "_answer"),
    # The provider's word is known to this process alone, which has begun nothing.
    "after authorise": (AFTER, "orders.services", "_authorise"),
    # The order has followed, and the answer is about to be kept with it.
    "inside B": (BEFORE, "core.idempotency", "store"),
    # B is committed, and Valkey does not know: see _Cache.
    AFTER_B: None,
    # All is done but the answer.
    "before the answer": (AFTER, "orders.services", "place_order"),
}
POOL_FIGURES = "pool-figures/"


class _Cache:
    """What `core.idempotency` sees of the cache: asks before the cache is told of a final answer, which follows B's commit."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def set(self, key: str, value: str, timeout: float) -> None:
        """Ask, and set."""
        if '"done"' in value:
            ask(AFTER_B)
        self._cache.set(key, value, timeout=timeout)


def pool_figures(_request: HttpRequest) -> JsonResponse:
    """What the connection pool of this process says of itself."""
    pool: Any = connections["default"].pool  # type: ignore[attr-defined]  # PostgreSQL's have one
    return JsonResponse(pool.get_stats())


def main() -> None:
    """Wrap the functions, shorten the lease, and become gunicorn."""
    # One connection for all threads: were one held while the provider is awaited, it would be missed at once.
    os.environ["DATABASE_POOL"] = "1"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
    django.setup()
    # Still in the order that the design asks for, only shorter: provider, lease, gunicorn.
    settings.PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=1.5)
    settings.IDEMPOTENCY_LEASE = timedelta(seconds=2.2)
    for place, where in PLACES.items():
        if where is not None:
            pause(place, *where)
    idempotency: Any = importlib.import_module("core.idempotency")
    idempotency.cache = _Cache(idempotency.cache)
    _load_everything()
    runpy.run_module("gunicorn", run_name="__main__")


def _load_everything() -> None:
    """What workers load otherwise, each for itself: now they are forked with it, and one that was killed is soon replaced."""
    importlib.import_module("ecommerce.wsgi")
    get_resolver().url_patterns.append(path(POOL_FIGURES, pool_figures))


if __name__ == "__main__":
    main()
