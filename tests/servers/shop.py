"""A whole shop in processes of its own: gunicorn, the relay with its jobs, the simulated payment provider, on real servers."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg
from django.db import connection as tests_connection

from core.embedded import free_port
from tests.requirements import REPOSITORY
from tests.servers.waiting import wait_for
from tests.worker import WORKER

PARTS = ("payments", "web", "relay")


@dataclass(frozen=True, slots=True)
class Shop:
    """Where the shop answers, its processes by name, and what they were told."""

    url: str
    processes: dict[str, "subprocess.Popen[bytes]"]
    environment: dict[str, str]
    folder: Path

    def start(self, name: str, command: Sequence[str]) -> None:
        """Start a part; its output goes to a file of its name."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=REPOSITORY, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """End a part and its children as `kill -9` does."""
        process = self.processes.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def log(self, name: str) -> str:
        """What a part wrote."""
        return (self.folder / f"{name}.log").read_text(errors="replace")


def commands(workers: int, threads: int, web: Sequence[str] = ()) -> dict[str, list[str]]:
    """How each part is started; ``web`` takes the place of gunicorn's own entry point."""
    python = sys.executable
    size = ["--workers", str(workers), "--threads", str(threads)]
    entry = list(web) or [python, "-m", "gunicorn"]
    return {
        "payments": [python, "-m", "payments.simulator"],
        "web": [*entry, "--config", "ecommerce/gunicorn_conf.py", *size, "ecommerce.wsgi"],
        # Each of its threads keeps a connection, as in the Procfile.
        "relay": ["env", "DATABASE_POOL=0", python, "manage.py", "relay_events"],
    }


@contextmanager
def running_shop(
    *,
    database_url: str,
    valkey_url: str,
    workers: int = 1,
    threads: int = 8,
    parts: Sequence[str] = PARTS,
    web: Sequence[str] = (),
    extra: Mapping[str, str] | None = None,
) -> Iterator[Shop]:
    """A shop on a migrated database, ready to serve; its processes are ended by id at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="harbour-shop-")))
        port, payments = free_port(), free_port()
        metrics = folder / "metrics"
        metrics.mkdir()
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "VALKEY_URL": valkey_url,
            "SHOP_NAMESPACE": f"{WORKER}-{port}",
            "PORT": str(port),
            "PAYMENT_SIMULATOR_URL": f"http://127.0.0.1:{payments}",
            "PAYMENT_SIMULATOR_DATABASE": str(folder / "payments.sqlite3"),
            "PAYMENT_SIMULATOR_SECRET": "test-secret",
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "DATABASE_POOL": "8",
            "LIMITS": "off",
            **(extra or {}),
        }
        shop = Shop(f"http://127.0.0.1:{port}", {}, environment, folder)
        stack.callback(_end, shop)
        for name in parts:
            shop.start(name, commands(workers, threads, web)[name])
        wait_until_ready(shop)
        yield shop


def wait_until_ready(shop: Shop) -> None:
    """Wait until pages are served; fails with the web process' last words when it ended instead."""

    def answers() -> bool:
        if shop.processes["web"].poll() is not None:
            raise AssertionError(f"The web process ended:\n{shop.log('web')[-3000:]}")
        try:
            return httpx.get(f"{shop.url}/health/ready", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    wait_for(answers, "the shop did not answer", seconds=40)


@contextmanager
def filled_shop(name: str, fill: Sequence[str], *, valkey_url: str = "") -> Iterator[Shop]:
    """A shop on a database of its own, migrated and filled by a management command; on the tests' Valkey unless given one."""
    with database(f"{name}_{WORKER}") as database_url:
        environment = {
            **os.environ,
            "DATABASE_URL": database_url,
            "DATABASE_POOL": "0",
            "DATABASE_STATEMENT_TIMEOUT_MS": "0",
        }
        index = ["build_search_index", "--documents-only"]
        for arguments in (["migrate", "--no-input", "--verbosity", "0"], list(fill), index):
            subprocess.run([sys.executable, "manage.py", *arguments], cwd=REPOSITORY, env=environment, check=True)
        with running_shop(database_url=database_url, valkey_url=valkey_url or os.environ["VALKEY_URL"]) as shop:
            yield shop


def database_of_tests() -> str:
    """The URL of the database that this process' own tests work on."""
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{tests_connection.settings_dict['NAME']}"))


@contextmanager
def database(name: str) -> Iterator[str]:
    """A fresh database on the tests' server, dropped at the end; its URL."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlunsplit(parts._replace(path=f"/{name}"))
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _end(shop: Shop) -> None:
    for process in reversed(shop.processes.values()):
        process.terminate()
    for process in shop.processes.values():
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
