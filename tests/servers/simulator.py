"""A simulated payment provider that one test owns, and may kill, stall and start again."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from core.embedded import free_port
from tests.requirements import REPOSITORY
from tests.servers.waiting import wait_for

SECRET = "a-secret-of-the-tests"


class Simulator:
    """The provider's process. Its address and its books survive every end."""

    def __init__(self, folder: Path, options: Sequence[str]) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = [
            *(sys.executable, "-m", "payments.simulator", "--port", str(self.port)),
            *("--database", str(folder / "payments.sqlite3"), "--slow", "0.2", *options),
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        environment = {**os.environ, "PAYMENT_SIMULATOR_SECRET": SECRET}
        self._process = subprocess.Popen(self._command, cwd=REPOSITORY, env=environment)
        wait_for(self._answers, "the payment simulator did not answer")

    def kill(self) -> None:
        """SIGKILL: a crash."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """End it in order; its exit code."""
        return self._end(signal.SIGTERM)

    def books(self) -> list[dict[str, Any]]:
        """Every payment it has."""
        found = httpx.get(f"{self.url}/v1/payments?limit=1000", trust_env=False).json()
        payments: list[dict[str, Any]] = found["payments"]
        return payments

    def _end(self, number: signal.Signals) -> int:
        assert self._process is not None
        self._process.send_signal(number)
        code = self._process.wait(timeout=10)
        self._process = None
        return code

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=1, trust_env=False).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def end(self) -> None:
        """Stop it if it runs."""
        if self._process is not None:
            self.stop()


@contextmanager
def running_simulator(folder: Path, *options: str) -> Iterator[Simulator]:
    """A simulator on a port of its own. It sends no webhooks unless ``options`` say where to."""
    simulator = Simulator(folder, options or ("--webhook-url", ""))
    simulator.start()
    try:
        yield simulator
    finally:
        simulator.end()
