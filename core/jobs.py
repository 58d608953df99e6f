"""Jobs that must go on when Celery's broker is away: the relay's process runs them too, beside it, never two of one at once."""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from django.db import DatabaseError, InterfaceError, connection
from django.utils.module_loading import import_string
from psycopg_pool import PoolTimeout

from core.clock import now
from core.locks import advisory
from core.types import Job

logger = logging.getLogger(__name__)
TICK_SECONDS = 0.2
DATABASE_TROUBLE = (DatabaseError, InterfaceError, PoolTimeout, psycopg.Error)


@contextmanager
def jobs_running(jobs: Sequence[Job], stop: threading.Event) -> Iterator[None]:
    """Run all jobs beside the block, each lane in a thread of its own; ``stop`` is set at the end, and the jobs awaited."""
    lanes: dict[str, list[Job]] = {}
    for job in jobs:
        lanes.setdefault(job.lane, []).append(job)
    threads = [threading.Thread(target=JobLoop(own, stop).run, name=f"jobs {lane}") for lane, own in lanes.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@dataclass(slots=True)
class JobLoop:
    """Runs each job when it is due, one after another, until ``stop`` is set."""

    jobs: Sequence[Job]
    stop: threading.Event
    _due: dict[str, float] = field(default_factory=dict)

    def run(self) -> None:
        """Loop. A job that fails is logged and tried again when it is next due."""
        try:
            while not self.stop.wait(TICK_SECONDS):
                for job in self.jobs:
                    if time.monotonic() >= self._due.get(job.name, 0) and not self.stop.is_set():
                        self._due[job.name] = time.monotonic() + job.seconds
                        run_job(job.name, job.path)
        finally:
            connection.close()


def run_job(name: str, path: str) -> bool:
    """Call what ``path`` names with ``now``, unless another process is at it; whether it ran to its end. Never raises."""
    try:
        with advisory(name) as mine:
            if mine:
                import_string(path)(now=now())
            return mine
    except DATABASE_TROUBLE as trouble:
        logger.warning("Job %s waits for PostgreSQL: %s", name, trouble)
    except Exception:
        logger.exception("Job %s failed", name)
    connection.close()
    return False
