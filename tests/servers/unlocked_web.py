"""`python -m tests.servers.unlocked_web ...`: gunicorn whose workers go without a lock, to show what the lock is for.

UNLOCKED says which: `stock` and `carts` are read without being locked; with `order` stock is locked as the products come. They
are replaced before the workers are forked; production code knows nothing of it.
"""

import importlib
import os
import runpy
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
from django.conf import settings

from tests.servers.pausing import SOCKET, Controller, controlling
from tests.servers.shop import Shop, database_of_tests, running_shop

WHICH = "UNLOCKED"
THREADS = 64  # of each worker: all of a crowd can wait for each other, wherever they were let in


@dataclass(frozen=True, slots=True)
class UnlockedShop:
    """The shop, and the hand on its workers."""

    shop: Shop
    controller: Controller

    def meet(self) -> None:
        """Wait for all that are to be held, and let them go on together."""
        self.controller.wait_for_all()
        self.controller.let_go()


@contextmanager
def unlocked_shop(which: str, folder: Path, *, parts: Sequence[str] = ("web",)) -> Iterator[UnlockedShop]:
    """A shop of three worker processes on the tests' own database, without the lock ``which``."""
    with (
        controlling(folder) as controller,
        running_shop(
            database_url=database_of_tests(),
            valkey_url=os.environ["VALKEY_URL"],
            workers=3,
            threads=THREADS,
            parts=parts,
            web=[sys.executable, "-m", "tests.servers.unlocked_web"],
            extra={WHICH: which, SOCKET: str(controller.path), "DATABASE_POOL": "0"},
        ) as shop,
    ):
        yield UnlockedShop(shop, controller)


def main() -> None:
    """Take the lock out, and become gunicorn."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
    django.setup()
    # All of a crowd hold a transaction open while they wait for each other: they get their connections all at once.
    options: Any = settings.DATABASES["default"]["OPTIONS"]
    options["connect_timeout"] = 20
    importlib.import_module("tests.servers.unlocked").REPLACE[os.environ[WHICH]]()  # models can be imported only now
    runpy.run_module("gunicorn", run_name="__main__")


if __name__ == "__main__":
    main()
