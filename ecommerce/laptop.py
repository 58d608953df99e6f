"""`make run`: the whole shop on a laptop, under one process manager, until Ctrl-C; `SEARCH=elasticsearch` adds that."""

import fcntl
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

import psutil
import psycopg
from honcho.environ import parse_procfile
from honcho.manager import Manager
from honcho.printer import Message, Printer

from core import embedded
from ecommerce.environment import BASE_DIR, LAPTOP, LOCAL_DIR

MARK = (
    "SHOP_RUN"  # in the environment of every process of a run: names the checkout, so that none is ever lost sight of
)
POSTGRES, ELASTICSEARCH = "postgres", "elasticsearch"  # who may answer searches
DEMO_UNFINISHED = LOCAL_DIR / "demo-unfinished"
READY_SECONDS, END_SECONDS = 60, 5
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
DEMO_LOGINS = ("shopper@example.com", "staff@example.com")
DEMO_PASSWORD = "demo-shop-2026"  # noqa: S105 - of the demo's own people; load_demo refuses to make them in production


class LaptopProblem(Exception):
    """The shop can not start here; the message is the line to show."""


def main(arguments: list[str]) -> int:
    """Run the shop until it is told to stop: 0 after Ctrl-C or SIGTERM, 1 after one clear line saying what is wrong.

    With the argument ``clean``: end what an earlier run left behind, and remove the embedded servers with their data.
    """
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    try:
        port = _chosen_port()
        engine = _chosen_engine()
        with _only_run():
            _end_all_of_this_checkout("Ending what an earlier run left behind ...")
            if arguments == ["clean"]:
                embedded.remove()
                return 0
            if embedded.free_port(port) != port:
                raise LaptopProblem(f"Port {port} is taken by another program. Another one: make run PORT={port + 1}")
            return _run(port, engine)
    except (LaptopProblem, embedded.ServerProblem) as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    except KeyboardInterrupt:
        return 0


def _run(port: int, engine: str) -> int:
    begin = time.monotonic()
    try:
        _say("Starting PostgreSQL and Valkey ...")
        environment = _environment(port, embedded.start())
        _prepare_database(environment)
        if engine == ELASTICSEARCH:
            _prepare_elasticsearch(environment)
        return _serve(environment, port, begin)
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of it running
        _end_all_of_this_checkout()
        _say("Stopping PostgreSQL and Valkey ...")
        embedded.stop()
        embedded.write_record(elasticsearch_url="")
        _say("The shop is closed; its data is kept.")


def _environment(port: int, servers: embedded.Servers) -> dict[str, str]:
    """What every process of the shop is told."""
    last = urlsplit(embedded.read_record().get("payment_simulator_url", ""))
    simulator = f"http://127.0.0.1:{embedded.free_port(last.port or 0)}"
    embedded.write_record(payment_simulator_url=simulator)
    metrics = LOCAL_DIR / "metrics"
    shutil.rmtree(metrics, ignore_errors=True)  # the figures of processes that are gone
    metrics.mkdir()
    no_proxy = ",".join(filter(None, [os.environ.get("no_proxy") or os.environ.get("NO_PROXY"), "127.0.0.1,localhost"]))
    return {
        **os.environ,
        MARK: str(LOCAL_DIR),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "PYTHONUNBUFFERED": "1",
        # Celery warns of root, as whom a laptop's shop may well run: nothing it unpickles comes from anybody else.
        "PYTHONWARNINGS": "ignore:You're running the worker:RuntimeWarning",
        "PORT": str(port),
        "PUBLIC_URL": os.environ.get("PUBLIC_URL") or f"http://127.0.0.1:{port}",
        "DATABASE_URL": servers.database_url,
        "VALKEY_URL": servers.valkey_url,
        "PAYMENT_SIMULATOR_URL": simulator,
        "PROMETHEUS_MULTIPROC_DIR": str(metrics),
        "no_proxy": no_proxy,
        "NO_PROXY": no_proxy,
    }


def _prepare_database(environment: dict[str, str]) -> None:
    """Bring the schema up to date, and fill an empty shop. Raises LaptopProblem."""
    try:
        with psycopg.connect(environment["DATABASE_URL"], connect_timeout=5) as connection:
            _say("Bringing the database up to date ...")
            _manage(environment, "migrate", "--no-input", "--verbosity", "0")
            empty = connection.execute("SELECT NOT EXISTS (SELECT FROM catalog_product)").fetchone() == (True,)
    except psycopg.Error as problem:
        raise LaptopProblem(f"PostgreSQL does not serve at DATABASE_URL: {str(problem).splitlines()[0]}") from None
    if environment.get("KAFKA_BOOTSTRAP_SERVERS"):
        _manage(environment, "create_topics")
    if empty or DEMO_UNFINISHED.exists():
        _say("Filling the shop with demo products (only the first time) ...")
        DEMO_UNFINISHED.touch()
        _manage(environment, "load_demo")
        DEMO_UNFINISHED.unlink()


def _prepare_elasticsearch(environment: dict[str, str]) -> None:
    """Start an Elasticsearch, unless ELASTICSEARCH_URL names one, and have it know the products. Raises LaptopProblem."""
    if not environment.get("ELASTICSEARCH_URL"):
        _say("Starting Elasticsearch (the first time fetches 40 MB) ...")
        # It carries the run's mark, and so ends with everything else of it.
        command = [sys.executable, "-m", "tests.servers.elasticsearch_node", "start", str(LOCAL_DIR / "elasticsearch")]
        started = subprocess.run(
            command, env=environment, cwd=BASE_DIR, start_new_session=True, capture_output=True, text=True, check=False
        )
        if started.returncode != 0:
            raise LaptopProblem(f"SEARCH=elasticsearch: {started.stderr.strip()}")
        environment["ELASTICSEARCH_URL"] = started.stdout.strip()
        embedded.write_record(elasticsearch_url=environment["ELASTICSEARCH_URL"])
    _manage(environment, "build_search_index", "--if-missing")


def _manage(environment: dict[str, str], *arguments: str) -> None:
    """Run a management command. It has no time limit on statements: building an index may take its time."""
    command = [sys.executable, str(BASE_DIR / "manage.py"), *arguments]
    environment = {**environment, "DATABASE_POOL": "0", "DATABASE_STATEMENT_TIMEOUT_MS": "0"}
    # In a session of its own, Ctrl-C reaches this process alone, which then ends the command without a traceback.
    exit_code = subprocess.Popen(command, env=environment, cwd=BASE_DIR, start_new_session=True).wait()
    if exit_code != 0:
        raise LaptopProblem(f"manage.py {arguments[0]} failed; its last lines are above.")


def _serve(environment: dict[str, str], port: int, begin: float) -> int:
    console = _Console(sys.stdout)
    manager = Manager(printer=console)
    for name, command in parse_procfile((BASE_DIR / "Procfile").read_text()).processes.items():
        manager.add_process(name, f"exec {command}", env=environment, cwd=str(BASE_DIR))
    if environment.get("KAFKA_BOOTSTRAP_SERVERS"):
        consumer = f"exec env DATABASE_POOL=0 {sys.executable} manage.py consume_events"
        manager.add_process("consumer", consumer, env=environment, cwd=str(BASE_DIR))
    threading.Thread(target=_announce, args=(port, begin), daemon=True).start()
    manager.loop()
    if manager.returncode in (130, 143):  # honcho was told to stop, by Ctrl-C or SIGTERM
        return 0
    raise LaptopProblem(
        f"{console.first_stopped} stopped by itself, so everything was stopped; its last lines are above."
    )


class _Console(Printer):  # type: ignore[misc]  # honcho has no types
    """Prints as honcho does, and remembers which part stopped first."""

    first_stopped = ""

    def write(self, message: Message) -> None:
        super().write(message)
        stopped = re.match(r"(\w+) stopped \(rc=", str(message.data)) if message.name == "system" else None
        if stopped and not self.first_stopped:
            self.first_stopped = stopped[1]


def _announce(port: int, begin: float) -> None:
    """Say where the shop is once it answers."""
    late = time.monotonic() + READY_SECONDS
    while not _is_ready(port):
        if time.monotonic() > late:
            _say(f"The shop does not answer on port {port} yet; the lines above may say why.")
            late += READY_SECONDS
        time.sleep(0.1)
    address = f"http://127.0.0.1:{port}"
    _say(
        f"\n  The shop is open after {time.monotonic() - begin:.0f} s:  {address}\n"
        f"  Admin: {address}/admin/    API: {address}/api/docs/\n"
        f"  Log in as {' or '.join(DEMO_LOGINS)}, password {DEMO_PASSWORD}\n"
        f"  Ctrl-C closes it.\n"
    )


def _is_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _end_all_of_this_checkout(announcement: str = "") -> None:
    """End every process of a run in this checkout, also those whose manager was killed, and their children."""
    family = [process for process in psutil.process_iter() if _belongs_here(process)]
    if family and announcement:
        _say(announcement)
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    for process in psutil.wait_procs(family, timeout=END_SECONDS)[1]:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=END_SECONDS)


def _belongs_here(process: psutil.Process) -> bool:
    try:
        return process.pid != os.getpid() and process.environ().get(MARK) == str(LOCAL_DIR)
    except (psutil.Error, OSError):  # somebody else's, or just gone
        return False


@contextmanager
def _only_run() -> Iterator[None]:
    try:
        LOCAL_DIR.mkdir(exist_ok=True)
        lock = (LOCAL_DIR / "lock").open("a")
    except OSError as problem:
        raise LaptopProblem(
            f"{LOCAL_DIR} cannot be written ({problem.strerror}): was it made by another user?"
        ) from None
    with lock:
        try:
            # Of POSIX's kind, which ends with this very process: honcho's forks would hold on to one of flock's.
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise LaptopProblem("The shop is already running from this checkout: stop it with Ctrl-C there.") from None
        yield


def _chosen_port() -> int:
    given = os.environ.get("PORT", "") or "8000"
    if (os.environ.get("SHOP_ENV") or LAPTOP) != LAPTOP:
        raise LaptopProblem("make run is for a laptop: unset SHOP_ENV, or see docs/operations.md for production.")
    if not given.isdecimal() or not 0 < int(given[:9]) < 65536:
        raise LaptopProblem(f"PORT is {given!r}: give a number from 1 to 65535.")
    return int(given)


def _chosen_engine() -> str:
    given = os.environ.get("SEARCH", "") or POSTGRES
    if given not in (POSTGRES, ELASTICSEARCH):
        raise LaptopProblem(f"SEARCH is {given!r}: use {POSTGRES!r} or {ELASTICSEARCH!r}.")
    return given


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _say(line: str) -> None:
    with suppress(OSError):  # a terminal that was closed must not keep the shop from stopping in order
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
