"""`python -m tests.events.processes COMMAND`: relay_events or consume_events, for the tests' own subscriber."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from core.types import Job
from tests.requirements import REPOSITORY
from tests.worker import WORKER

NO_JOBS: tuple[Job, ...] = ()


@dataclass(slots=True)
class Processes:
    """Some relays and consumers on the tests' own database, each started again when it is killed."""

    environment: Mapping[str, str]
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, name: str) -> None:
        """``name`` is a command and a number, such as ``relay_events 1``."""
        command = name.partition(" ")[0]
        self.running[name] = subprocess.Popen(
            [sys.executable, "-m", "tests.events.processes", command],
            cwd=REPOSITORY,
            env={**os.environ, **self.environment},
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def kill(self, name: str) -> None:
        """SIGKILL, and its successor right after it."""
        self.running[name].kill()
        self.running[name].wait()
        self.start(name)

    def stop(self) -> list[int]:
        """SIGTERM to all; their exit codes."""
        for process in self.running.values():
            process.terminate()
        codes = []
        for process in self.running.values():
            try:
                codes.append(process.wait(20))
            except subprocess.TimeoutExpired:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
                codes.append(process.wait())
        self.running.clear()
        return codes


def on_this_database(**more: str) -> Processes:
    """Processes that see what this test commits."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    database = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    return Processes({"DATABASE_URL": database, "SHOP_NAMESPACE": f"test-{WORKER}", **more})


def main() -> None:
    """Django, with the tests' subscriber and no jobs, and consumers that are soon missed."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
    django.setup()
    settings.EVENT_SUBSCRIBERS = "tests.events.conftest.SUBSCRIBERS"
    settings.RELAY_JOBS = "tests.events.processes.NO_JOBS"
    settings.KAFKA_SESSION_TIMEOUT = timedelta(seconds=3)
    call_command(sys.argv[1])


if __name__ == "__main__":
    main()
