"""What both servers need of the machine: a port, a wheel's folder, patience, and who a process is."""

import secrets
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psutil

PATIENCE = 30  # seconds; after a kill -9, PostgreSQL's pid file and shared memory stay taken for some of them
PORTS = range(15_000, 32_000)  # Linux and macOS give connections theirs from 32768 and 49152 on
ATTEMPTS = 200


class ServerProblem(Exception):
    """A server did not start or stop; the message is the line to show."""


def free_port(wanted: int = 0) -> int:
    """``wanted``, if nothing listens there; otherwise some free port of 127.0.0.1.

    Taken from below the range out of which the system gives ports to connections, so that it is still free when somebody comes
    to listen there. Raises ServerProblem when hundreds in a row are taken.
    """
    candidates = [wanted] if wanted else []
    for port in [*candidates, *secrets.SystemRandom().sample(PORTS, k=ATTEMPTS)]:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one that only waits for late packets is free
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise ServerProblem(f"no port of 127.0.0.1 between {PORTS.start} and {PORTS.stop} is free")


def wheel(package: str) -> Path:
    """The folder of an installed package. Raises ServerProblem when it is not installed."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerProblem(
            f"the Python package {package} is not installed: use `make run`, or set DATABASE_URL and VALKEY_URL"
        )
    return Path(spec.origin).resolve().parent


def command_line(pid: int) -> str:
    """How the process was called; empty when it is gone, or nobody's business."""
    try:
        return " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return ""


def last_words(log: Path) -> str:
    """The last line of a log that says what went wrong."""
    try:
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    except OSError:
        return "it left no log"
    loud = [line for line in lines[-20:] if "FATAL" in line or "PANIC" in line or "error" in line.lower()]
    return (loud or lines or ["it said nothing"])[-1]


def wait_until(done: Callable[[], bool], problem: str) -> None:
    """Return once ``done()``. Raises ServerProblem saying ``problem`` when that takes longer than PATIENCE."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > deadline:
            raise ServerProblem(problem)
        time.sleep(0.02)
