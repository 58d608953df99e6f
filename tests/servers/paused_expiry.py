"""`python -m tests.servers.paused_expiry`: the expiry of holds in a process of its own, as the relay runs it.

It runs its job again and again, PRODUCTS in each transaction, and asks a test, at some steps, whether to go on.
"""

import importlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial, wraps
from pathlib import Path
from typing import Any

import django

from core import jobs
from core.types import Job
from tests.requirements import REPOSITORY
from tests.servers.pausing import AFTER, BEFORE, SOCKET, Controller, ask, pause
from tests.servers.shop import database_of_tests

PRODUCTS = "PAUSED_EXPIRY_PRODUCTS"
TICK_SECONDS = 0.02
BEGINNING, HAS_READ = "about to begin", "has read what lapsed"
IN_A_BATCH, BETWEEN_BATCHES = "inside a batch", "between two batches"


def main() -> None:
    """Make the batches small, wrap the steps, and loop as the relay does."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
    django.setup()
    services: Any = importlib.import_module("inventory.services")  # models can be imported only now
    pause(HAS_READ, AFTER, "inventory.locks", "lapsed_holds")
    pause(IN_A_BATCH, AFTER, "inventory.writes", "drop_holds")
    services.unit_of_work = _asking_at_its_end(services.unit_of_work)
    services.release_expired = _telling(partial(services.release_expired, batch=int(os.environ[PRODUCTS])))
    pause(BEGINNING, BEFORE, "inventory.services", "release_expired")
    jobs.TICK_SECONDS = TICK_SECONDS
    loop = jobs.JobLoop([Job("release expired holds", "inventory.services.release_expired", 0)], threading.Event())
    loop.run()


def _asking_at_its_end(unit_of_work: Any) -> Any:
    @contextmanager
    def asking() -> Iterator[None]:
        with unit_of_work():
            yield
        ask(BETWEEN_BATCHES)

    return asking


def _telling(release_expired: Any) -> Any:
    @wraps(release_expired.func)
    def telling(**given: Any) -> Any:
        released = release_expired(**given)
        if released.holds:
            sys.stdout.write(f"{released.holds}\n")
            sys.stdout.flush()
        return released

    return telling


class Expiry:
    """The process, and what it says that it has released."""

    def __init__(self, log: Path, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self._log = log

    @property
    def holds(self) -> int:
        """How many holds its finished runs have released."""
        return sum(int(line) for line in self._log.read_text().split())


@contextmanager
def running_expiry(folder: Path, controller: Controller, *, products: int = 1) -> Iterator[Expiry]:
    """The job, held before its first run, on the tests' own database; ended by its id."""
    controller.hold_at(BEGINNING)
    environment = {
        **os.environ,
        "DATABASE_URL": database_of_tests(),
        SOCKET: str(controller.path),
        PRODUCTS: str(products),
    }
    log = folder / "expiry.log"
    command = [sys.executable, "-m", "tests.servers.paused_expiry"]
    with log.open("wb") as out, subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=out) as process:
        try:
            controller.wait_for_worker()
            yield Expiry(log, process)
        finally:
            process.kill()


if __name__ == "__main__":
    main()
