"""`python -m tests.servers.unclaimed_web ...`: gunicorn whose workers buy a cart without locking it, to show what claims are for.

Where the test lets several claims and orders have one key, the cart's lock is the last thing between it and two orders. Here a
cart is only read, and bought when the test says that all have read it.
"""

import importlib
import os
import runpy
from typing import Any

import django
from django.conf import settings

from tests.servers.pausing import AFTER, pause

HAVE_READ = "have read the cart"


def main() -> None:
    """Take the cart's lock out, and become gunicorn."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
    django.setup()
    # All then want the same stock at once. On a busy machine one of them would give up, where it is to make its order.
    options: Any = settings.DATABASES["default"]["OPTIONS"]
    options["options"] += " -c lock_timeout=25000"
    importlib.import_module("tests.servers.unlocked").read_carts_only()  # models can be imported only now
    pause(HAVE_READ, AFTER, "cart.operations", "lock")
    runpy.run_module("gunicorn", run_name="__main__")


if __name__ == "__main__":
    main()
