"""What the parts of a shop take of the machine, and its payment provider started as a measurement needs it."""

import time
from contextlib import suppress

import httpx
import psutil
import psycopg

from tests.servers.shop import Shop, commands
from tests.servers.waiting import wait_for

MEGABYTE = 1_000_000
QUIET = ("--webhook-url", "")


def start_provider(shop: Shop, *options: str) -> None:
    """Start the simulated provider, and wait until it answers."""
    shop.start("payments", [*commands(1, 1)["payments"], *options])

    def answers() -> bool:
        with suppress(httpx.HTTPError):
            url = f"{shop.environment['PAYMENT_SIMULATOR_URL']}/health"
            return httpx.get(url, timeout=1, trust_env=False).is_success
        return False

    wait_for(answers, "the payment simulator did not answer")


def workers_of(shop: Shop) -> list[psutil.Process]:
    """The web processes that serve requests."""
    return psutil.Process(shop.processes["web"].pid).children()


def memory_of(shop: Shop) -> tuple[int, float]:
    """How many threads serve requests, and how many megabytes their processes keep in memory."""
    workers = workers_of(shop)
    return sum(worker.num_threads() for worker in workers), sum(
        worker.memory_info().rss / MEGABYTE for worker in workers
    )


def seconds_of_cpu(shop: Shop, url: str) -> dict[str, float]:
    """What each part has used since it began; without PostgreSQL where that runs on another machine."""
    used = {
        "web": _spent(psutil.Process(shop.processes["web"].pid)),
        "provider": _spent(psutil.Process(shop.processes["payments"].pid)),
        "the shoppers here": time.process_time(),
    }
    with suppress(psutil.NoSuchProcess), psycopg.connect(url) as connection:
        server = psutil.Process(connection.info.backend_pid).parent()
        if server is not None and "postgres" in server.name():
            used["PostgreSQL"] = _spent(server)
    return used


def _spent(process: psutil.Process) -> float:
    """With its children, those that have ended too."""
    own = process.cpu_times()
    ended = own.children_user + own.children_system
    running = sum(_alone(child) for child in process.children(recursive=True))
    return _alone(process) + ended + running


def _alone(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        times = process.cpu_times()
        return float(times.user + times.system)
    return 0.0
