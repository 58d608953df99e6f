"""`python -m tests.servers.paused_web ...`: gunicorn whose workers ask a test, before some functions, whether to go on.

The functions are wrapped here, before the workers are forked; production code knows nothing of it. Who asks waits on a socket
for as long as the test wants, and gets its SIGKILL there.
"""

import functools
import importlib
import os
import runpy
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import django
from django.conf import settings

SOCKET = "PAUSED_WEB_SOCKET"
GO_ON = b"g"
# Where a worker can be made to wait: right before the function, or right after it has returned.
BEFORE, AFTER = "before", "after"
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


@dataclass(slots=True)
class Controller:
    """The test's end of the socket: lets everybody pass but whoever comes to ``hold`` first."""

    path: Path
    hold: str = ""
    _held: threading.Event = field(default_factory=threading.Event)
    _worker: int = 0
    _kept: list[socket.socket] = field(default_factory=list)

    def wait_for_worker(self, seconds: float = 30) -> int:
        """The process number of the worker that waits at ``hold``."""
        assert self._held.wait(seconds), f"nobody came to {self.hold!r}"
        return self._worker

    def hold_at(self, place: str) -> None:
        """Hold the next one that comes to ``place``."""
        self._held.clear()
        self.hold = place

    def let_go(self) -> None:
        """Let whoever is held, if still alive, go on."""
        self.hold = ""
        while self._kept:
            kept = self._kept.pop()
            with suppress(OSError):  # it may have been killed
                kept.sendall(GO_ON)
            kept.close()

    def serve(self, listener: socket.socket) -> None:
        """Answer until the listener is closed."""
        while True:
            try:
                asking, _address = listener.accept()
            except OSError:
                return
            place, _space, worker = asking.recv(200).decode().rpartition(" ")
            if place == self.hold:
                self.hold = ""
                self._worker = int(worker)
                self._kept.append(asking)
                self._held.set()
            else:
                asking.sendall(GO_ON)
                asking.close()


@contextmanager
def controlling(folder: Path) -> Iterator[Controller]:
    """A controller at a socket in ``folder``."""
    controller = Controller(folder / "pause.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(controller.path))
        listener.listen(64)
        thread = threading.Thread(target=controller.serve, args=(listener,), daemon=True)
        thread.start()
        yield controller
        listener.shutdown(socket.SHUT_RDWR)
    controller.let_go()


def ask(place: str) -> None:
    """Wait until the test says to go on."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(os.environ[SOCKET])
        asking.sendall(f"{place} {os.getpid()}".encode())
        asking.recv(1)


def paused(place: str, when: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """``function``, asking first or last."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if when == BEFORE:
            ask(place)
        result = function(*args, **kwargs)
        if when == AFTER:
            ask(place)
        return result

    return wrapper


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
        holder = importlib.import_module(module)
        setattr(holder, name, paused(place, when, getattr(holder, name)))
    runpy.run_module("gunicorn", run_name="__main__")


if __name__ == "__main__":
    main()
