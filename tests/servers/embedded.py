"""PostgreSQL and Valkey in a folder that goes away with them."""

import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from core import embedded
from core.embedded import Servers, postgres, valkey

GONE_SECONDS = 10
VALKEY_DATABASES = 64  # one for each xdist worker
PREFIX = "harbour-test-"  # of a folder's name; the number of the process that made it follows
_NOT_STARTED = "none"  # what stands for a server in the environment is not started


@contextmanager
def private_servers() -> Iterator[tuple[Servers, Path]]:
    """A PostgreSQL and a Valkey that nobody else uses, and their folder; stopped and removed at the end."""
    with _folder() as base:
        yield embedded.start(base, environ={}, valkey_databases=VALKEY_DATABASES), base


@dataclass(frozen=True, slots=True)
class PrivatePostgres:
    """A PostgreSQL that one test owns, and may kill, stall and start again. Its address survives all of it."""

    base: Path
    url: str

    @property
    def process(self) -> int:
        """The postmaster's process number; 0 when it is gone."""
        return postgres.process(postgres.home_below(self.base))

    def kill(self) -> None:
        """SIGKILL to the postmaster: a crash."""
        _kill(self.process)

    def stop(self) -> None:
        """Stop it in order."""
        postgres.stop(postgres.home_below(self.base))

    def start(self) -> None:
        """Start it again, on the same data and port. Raises ServerProblem."""
        again = embedded.start(self.base, environ={"VALKEY_URL": _NOT_STARTED})
        assert again.database_url == self.url, "its port was taken by somebody else meanwhile"


@dataclass(frozen=True, slots=True)
class PrivateValkey:
    """A Valkey that one test owns, and may kill, stall and start again. Its address survives all of it."""

    base: Path
    url: str

    @property
    def process(self) -> int:
        """The server's process number; 0 when it is gone."""
        return valkey.process(self.base / "valkey")

    def kill(self) -> None:
        """SIGKILL: a crash."""
        _kill(self.process)

    def stop(self) -> None:
        """Stop it in order."""
        valkey.stop(self.base / "valkey")

    def start(self) -> None:
        """Start it again, on the same data and port. Raises ServerProblem."""
        again = embedded.start(self.base, environ={"DATABASE_URL": _NOT_STARTED}, valkey_databases=VALKEY_DATABASES)
        assert again.valkey_url == self.url, "its port was taken by somebody else meanwhile"


@contextmanager
def private_postgres() -> Iterator[PrivatePostgres]:
    """A PostgreSQL of one test's own, with an empty database; stopped and removed at the end."""
    with _folder() as base:
        yield PrivatePostgres(base, embedded.start(base, environ={"VALKEY_URL": _NOT_STARTED}).database_url)


@contextmanager
def private_valkey() -> Iterator[PrivateValkey]:
    """A Valkey of one test's own; stopped and removed at the end."""
    with _folder() as base:
        servers = embedded.start(base, environ={"DATABASE_URL": _NOT_STARTED}, valkey_databases=VALKEY_DATABASES)
        yield PrivateValkey(base, servers.valkey_url)


def remove_left_behind() -> None:
    """Stop and remove the servers of test runs that were killed before they could."""
    for base in Path(tempfile.gettempdir()).glob(f"{PREFIX}*-*"):
        owner = base.name.removeprefix(PREFIX).partition("-")[0]
        if owner.isdecimal() and not psutil.pid_exists(int(owner)):
            with suppress(OSError):  # another user's
                _wake(base)
                embedded.remove(base)


def _kill(process: int) -> None:
    """Kill, and wait until it is gone: until then it keeps its port."""
    with suppress(psutil.NoSuchProcess):
        victim = psutil.Process(process)
        victim.kill()
        victim.wait(GONE_SECONDS)


@contextmanager
def _folder() -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")).resolve()
    base.chmod(0o711)  # as root, PostgreSQL runs as nobody, who must get through
    try:
        yield base
    finally:
        _wake(base)
        embedded.remove(base)


def _wake(base: Path) -> None:
    """A server that a test stalled with SIGSTOP could not be stopped."""
    for process in (postgres.process(postgres.home_below(base)), valkey.process(base / "valkey")):
        if process:
            os.kill(process, signal.SIGCONT)
