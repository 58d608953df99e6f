"""Processes that ask a test, before or after some of their functions, whether to go on.

The functions are wrapped in the process that is to be stopped, before it begins its work; production code knows nothing of it.
Who asks waits on a socket for as long as the test wants, and may get its SIGKILL there.
"""

import functools
import importlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SOCKET = "PAUSED_AT_SOCKET"
GO_ON = b"g"
# Where a process can be made to wait: right before the function, or right after it has returned.
BEFORE, AFTER = "before", "after"


@dataclass(slots=True)
class Controller:
    """The test's end of the socket: lets everybody pass but those who come to ``hold`` first."""

    path: Path
    hold: str = ""
    _wanted: int = 1
    _held: threading.Event = field(default_factory=threading.Event)
    _processes: list[int] = field(default_factory=list)
    _kept: list[socket.socket] = field(default_factory=list)

    def wait_for_worker(self, seconds: float = 30) -> int:
        """The process number of who waits at ``hold``."""
        return self.wait_for_all(seconds)[0]

    def wait_for_all(self, seconds: float = 30) -> list[int]:
        """The process numbers of all that were to be held, in the order in which they came."""
        place = self.hold
        assert self._held.wait(seconds), f"{len(self._processes)} of {self._wanted} came to {place!r}"
        return list(self._processes)

    def hold_at(self, place: str, *, number: int = 1) -> None:
        """Hold the next ``number`` that come to ``place``."""
        self._held.clear()
        self._processes.clear()
        self._wanted = number
        self.hold = place

    def let_go(self, *, then_hold_at: str = "") -> None:
        """Let whoever is held, if still alive, go on; as far as the next place, if one is given."""
        released, self._kept = self._kept, []
        if then_hold_at:
            self.hold_at(then_hold_at)
        else:
            self.hold = ""
        for kept in released:
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
            place, _space, process = asking.recv(200).decode().rpartition(" ")
            if place == self.hold:
                self._keep(asking, int(process))
            else:
                asking.sendall(GO_ON)
                asking.close()

    def _keep(self, asking: socket.socket, process: int) -> None:
        self._kept.append(asking)
        self._processes.append(process)
        if len(self._processes) == self._wanted:
            self.hold = ""
            self._held.set()


@contextmanager
def controlling(folder: Path) -> Iterator[Controller]:
    """A controller at a socket in ``folder``."""
    controller = Controller(folder / "pause.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(controller.path))
        listener.listen(128)
        thread = threading.Thread(target=controller.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield controller
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            controller.let_go()


def ask(place: str) -> None:
    """Wait until the test says to go on."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(os.environ[SOCKET])
        asking.sendall(f"{place} {os.getpid()}".encode())
        asking.recv(1)


def pause(place: str, when: str, module: str, name: str) -> None:
    """Put in the place of a module's function the same one, asking first or last."""
    holder = importlib.import_module(module)
    setattr(holder, name, paused(place, when, getattr(holder, name)))


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
