"""PostgreSQL and Valkey for a laptop, from Python wheels: no container, nothing installed by hand, no administrator.

Data lies below a folder (`.local/`), ports are free ones of 127.0.0.1, passwords are made on the spot; `run.json` there says
where the servers answer. `DATABASE_URL` or `VALKEY_URL` in the environment take a server's place, and nothing is started for it.
On the command line: `python -m core.embedded start | stop | status | remove`.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.embedded import postgres, valkey
from core.embedded.machine import ServerProblem, free_port
from core.embedded.postgres import outside as outside_home

__all__ = [
    "LOCAL_DIR",
    "ServerProblem",
    "Servers",
    "free_port",
    "outside_home",
    "read_record",
    "remove",
    "running",
    "start",
    "stop",
    "write_record",
]

LOCAL_DIR = Path(os.environ.get("SHOP_LOCAL_DIR") or Path(__file__).resolve().parent.parent.parent / ".local")


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the two servers answer."""

    database_url: str
    valkey_url: str


def start(base: Path = LOCAL_DIR, *, environ: Mapping[str, str] = os.environ, valkey_databases: int = 16) -> Servers:
    """Start what does not run yet below ``base``, and say where it answers. Safe to call twice. Raises ServerProblem."""
    with _alone(base):
        last = read_record(base)
        if not environ.get("DATABASE_URL"):
            url = postgres.start(postgres.home_below(base.resolve()), port=_port(last.get("database_url", "")))
            write_record(base, database_url=url)
        if not environ.get("VALKEY_URL"):
            port = _port(last.get("valkey_url", ""))
            write_record(base, valkey_url=valkey.start(_valkey_home(base), port=port, databases=valkey_databases))
        found = read_record(base)
    return Servers(
        database_url=environ.get("DATABASE_URL") or found["database_url"],
        valkey_url=environ.get("VALKEY_URL") or found["valkey_url"],
    )


def stop(base: Path = LOCAL_DIR) -> None:
    """Stop the servers below ``base``, if they run; their data and ports stay for the next start. Raises ServerProblem."""
    if base.is_dir():
        with _alone(base):
            valkey.stop(_valkey_home(base))
            postgres.stop(postgres.home_below(base.resolve()))


def remove(base: Path = LOCAL_DIR) -> None:
    """Stop the servers and remove the whole of ``base``, and what stands in for it elsewhere. Raises ServerProblem."""
    stop(base)
    for folder in (outside_home(base), base):
        shutil.rmtree(folder, ignore_errors=True)


def running(base: Path = LOCAL_DIR) -> dict[str, bool]:
    """Which of the servers below ``base`` answer. Raises ServerProblem."""
    if not base.is_dir():
        return {"postgresql": False, "valkey": False}
    return {
        "postgresql": bool(postgres.answers(postgres.home_below(base.resolve()))),
        "valkey": bool(valkey.answers(_valkey_home(base))),
    }


def read_record(base: Path = LOCAL_DIR) -> dict[str, str]:
    """What `run.json` says; empty when there is none, or a broken one."""
    try:
        found = json.loads((base / "run.json").read_text())
    except (OSError, ValueError):
        return {}
    return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else {}


def write_record(base: Path = LOCAL_DIR, **values: str) -> None:
    """Put ``values`` into `run.json`. Readable by this user alone, since it holds passwords, and never seen half-written."""
    draft = base / f"run.json.{os.getpid()}"
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(read_record(base) | values, indent=2) + "\n")
    draft.replace(base / "run.json")


@contextmanager
def _alone(base: Path) -> Iterator[None]:
    """One start or stop at a time; another one waits here."""
    try:
        base.mkdir(parents=True, exist_ok=True)
        lock = (base / "servers.lock").open("w")
    except OSError as problem:
        raise ServerProblem(f"{base} cannot be written ({problem.strerror}): was it made by another user?") from problem
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _valkey_home(base: Path) -> Path:
    return base.resolve() / "valkey"


def _port(url: str) -> int:
    try:
        return urlsplit(url).port or 0
    except ValueError:
        return 0
