"""`make run`: the whole shop on a laptop, under one process manager, until Ctrl-C."""

import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import django
import psutil
from django.core.management import call_command
from django.db import connection
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Message, Printer

from core import embedded
from ecommerce.environment import BASE_DIR, LAPTOP, LOCAL_DIR

PROCESSES = LOCAL_DIR / "processes.json"
READY_SECONDS = 60
LOGINS = ("shopper@example.com", "staff@example.com")
DEMO_PASSWORD = "demo-shop-2026"  # noqa: S105 - of the demo's own people, printed at every start, refused in production


class LaptopProblem(Exception):
    """The shop can not start here; the message is the line to show."""


def main() -> int:
    """Run the shop until it is told to stop; 0 after Ctrl-C, 1 with one clear line when something is wrong."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        port = _chosen_port()
        with _only_run():
            _end_leftovers()
            _refuse_taken_port(port)
            return _run(port)
    except (LaptopProblem, embedded.ServerProblem) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 0


def _run(port: int) -> int:
    begin = time.monotonic()
    try:
        _say("Starting PostgreSQL and Valkey ...")
        servers = embedded.start()
        environment = _environment(port, servers)
        _prepare_database(environment)
        manager = _manager(environment)
        watcher = threading.Thread(target=_announce, args=(port, begin), daemon=True)
        watcher.start()
        manager.loop()
        return _verdict(manager)
    finally:
        _say("Stopping PostgreSQL and Valkey ...")
        embedded.stop()
        PROCESSES.unlink(missing_ok=True)


def _environment(port: int, servers: embedded.Servers) -> dict[str, str]:
    """What every process of the shop is told."""
    record = embedded.read_record()
    simulator = record.get("payment_simulator_url", "")
    if not simulator or not _is_free(urlsplit(simulator).port or 0):
        simulator = f"http://127.0.0.1:{embedded.free_port()}"
    embedded.write_record(LOCAL_DIR, payment_simulator_url=simulator)
    metrics = LOCAL_DIR / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)  # the figures of processes that are gone
    metrics.mkdir()
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "DJANGO_SETTINGS_MODULE": "ecommerce.settings",
        "PYTHONUNBUFFERED": "1",
        "PORT": str(port),
        "DATABASE_URL": servers.database_url,
        "VALKEY_URL": servers.valkey_url,
        "PAYMENT_SIMULATOR_URL": simulator,
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
    }


def _prepare_database(environment: dict[str, str]) -> None:
    """Bring the schema up to date, and fill an empty shop."""
    os.environ.update(environment)
    # No pool, which would not survive the fork below, and no time limit for building indexes; the processes get the usual ones.
    os.environ.update({"DATABASE_POOL": "0", "DATABASE_STATEMENT_TIMEOUT_MS": "0"})
    django.setup()
    _say("Bringing the database up to date ...")
    call_command("migrate", verbosity=0, interactive=False)
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM catalog_product)")
        (filled,) = cursor.fetchone() or (False,)
    if not filled:
        _say("Filling the shop with demo products (only the first time) ...")
        call_command("load_demo")
    connection.close()


def _manager(environment: dict[str, str]) -> Manager:
    manager = Manager(printer=_Recorder(sys.stdout))
    for name, command in parse_procfile((BASE_DIR / "Procfile").read_text()).processes.items():
        manager.add_process(name, f"exec {command}", env=environment, cwd=str(BASE_DIR))
    return manager


def _verdict(manager: Manager) -> int:
    """0 when the shop was told to stop, else 1."""
    stopped_by_signal = manager.returncode in (130, 143)
    if not stopped_by_signal:
        _say("A part of the shop stopped by itself, so all of it did: its last lines are above.")
    return 0 if stopped_by_signal else 1


class _Recorder(Printer):  # type: ignore[misc]  # honcho has no types
    """Prints as honcho does, and writes down whom it started, so that a next run can end what a killed one left behind."""

    started: dict[int, float]

    def write(self, message: Message) -> None:
        super().write(message)
        text = message.data if isinstance(message.data, str) else ""
        if message.name == "system" and " started (pid=" in text:
            pid = int(text.rpartition("pid=")[2].rstrip(")\n"))
            self.started = {**getattr(self, "started", {}), pid: psutil.Process(pid).create_time()}
            PROCESSES.write_text(json.dumps(self.started))


def _end_leftovers() -> None:
    """End the processes of a run whose manager was killed. A process is told from a stranger with its number by when it began."""
    try:
        left = {int(pid): float(begin) for pid, begin in json.loads(PROCESSES.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return
    alive = [psutil.Process(pid) for pid, begin in left.items() if _is_same(pid, begin)]
    family = [process for parent in alive for process in (parent, *parent.children(recursive=True))]
    if family:
        _say("Ending what an earlier run left behind ...")
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(family, timeout=5)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    PROCESSES.unlink(missing_ok=True)


def _is_same(pid: int, begin: float) -> bool:
    try:
        return abs(psutil.Process(pid).create_time() - begin) < 1
    except psutil.Error:
        return False


def _announce(port: int, begin: float) -> None:
    """Say where the shop is once it answers."""
    address = f"http://127.0.0.1:{port}"
    while time.monotonic() - begin < READY_SECONDS:
        with suppress(OSError, urllib.error.URLError), urllib.request.urlopen(f"{address}/health/ready", timeout=2):  # noqa: S310 - ours
            _say(_welcome(address, time.monotonic() - begin))
            return
        time.sleep(0.1)


def _welcome(address: str, seconds: float) -> str:
    shopper, staff = LOGINS
    return (
        f"\n  The shop is open after {seconds:.0f} s:  {address}\n"
        f"  Admin: {address}/admin/    API: {address}/api/docs/\n"
        f"  Log in as {shopper} or {staff}, password {DEMO_PASSWORD}\n"
        f"  Ctrl-C closes it.\n"
    )


@contextmanager
def _only_run() -> Iterator[None]:
    LOCAL_DIR.mkdir(exist_ok=True)
    with (LOCAL_DIR / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LaptopProblem("The shop is already running from this checkout: stop it with Ctrl-C there.") from None
        # Children must not hold the lock on after a kill of this process: Python opens files close-on-exec.
        yield


def _chosen_port() -> int:
    given = os.environ.get("PORT", "") or "8000"
    if (os.environ.get("SHOP_ENV") or LAPTOP) != LAPTOP:
        raise LaptopProblem("make run is for a laptop: unset SHOP_ENV, or see docs/operations.md for production.")
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise LaptopProblem(f"PORT is {given!r}: give a number from 1 to 65535.")
    return int(given)


def _refuse_taken_port(port: int) -> None:
    if not _is_free(port):
        raise LaptopProblem(
            f"Port {port} is taken by another program: stop that, or choose another: make run PORT={port + 1}"
        )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _interrupt(_signal: int, _frame: Any) -> NoReturn:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
