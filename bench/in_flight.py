"""How many checkouts wait at a slow provider at once, and what those take of memory and of database connections."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

import httpx
import psycopg
from rich.table import Table

from bench.machine import QUIET, memory_of, start_provider
from bench.shoppers import Bought, Stage, body_of, buy_at_a_rate, buy_in_turn
from tests.servers.shop import Shop

WORKERS, THREADS, POOL = 2, 500, 4  # web processes, and what each of them has
PATIENT = (sys.executable, "-m", "bench.patient_web")
SLOW_SECONDS = 2
# All of the second row wait at once. Some threads are left: nobody deals requests evenly between the processes.
ALL = int(os.environ.get("BENCH_IN_FLIGHT", "900"))
STEADY_SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
WARM_UP_SECONDS = 1
LOOK_SECONDS = 0.1
_NOW = """
    SELECT (SELECT count(*) FROM orders_order WHERE status = 'pending_payment'), count(*),
        count(*) FILTER (WHERE state <> 'idle')
    FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the shop: orders at the provider, the shop's connections and those in use, threads, megabytes."""

    waiting: int
    connections: int
    busy: int
    threads: int
    megabytes: float


@dataclass(frozen=True, slots=True)
class Looks:
    """Looks taken one after the other, and the seconds that another shopper's request took at each."""

    taken: list[Look] = field(default_factory=list)
    other: list[float] = field(default_factory=list)

    @property
    def fullest(self) -> Look:
        """The one with the most orders at the provider."""
        return max(self.taken, key=lambda look: look.waiting)


def measured(stage: Stage, shop: Shop, *, rate: float) -> list[Table]:
    """Orders that begin at ``rate`` a second while the provider takes its time; a quick one runs on afterwards."""
    tables = [
        _table(stage, shop, rate, provider=SLOW_SECONDS, orders=int(rate * (SLOW_SECONDS + STEADY_SECONDS))),
        # So slow that the first is answered when the last has been waiting for a moment.
        _table(stage, shop, rate, provider=ALL / rate + SLOW_SECONDS, orders=ALL),
    ]
    start_provider(shop, *QUIET)
    return tables


def _table(stage: Stage, shop: Shop, rate: float, *, provider: float, orders: int) -> Table:
    start_provider(shop, *QUIET, "--slow", str(provider))
    carts = iter(stage.fill_carts(orders + int(rate * WARM_UP_SECONDS * 4) + 100))
    body = body_of(shop.url, next(carts))
    buy_in_turn(shop.url, body, carts, clients=4, seconds=WARM_UP_SECONDS)
    threads, megabytes = memory_of(shop)
    slow = body_of(shop.url, next(carts), method="pm_card_slow")
    with _looking(stage, shop) as looks:
        bought = buy_at_a_rate(shop.url, slow, carts, rate=rate, orders=orders)
    shop.kill("payments")
    most = looks.fullest
    each = (most.megabytes - megabytes) / max(most.threads - threads, 1) * 1000
    in_use = sum(look.busy for look in looks.taken) / len(looks.taken)
    table = Table("", "", title=f"{rate:.0f} orders begin a second, the provider takes {provider:.0f} s")
    table.add_row("orders that were at the provider at once", str(most.waiting))
    table.add_row(f"database connections, {WORKERS} x {POOL} at most", str(max(it.connections for it in looks.taken)))
    table.add_row("... of which in use, on average; at the fullest moment", f"{in_use:.1f}; {most.busy}")
    table.add_row(f"threads of {WORKERS} processes, {WORKERS} x {THREADS} at most", str(most.threads))
    table.add_row("memory of the processes, before and then", f"{megabytes:.0f} MB; {most.megabytes:.0f} MB")
    table.add_row("... for each thread more", f"{each:.0f} kB")
    table.add_row("orders; other answers", f"{len(bought.seconds)}; {_others(bought)}")
    if bought.seconds:
        own = median(bought.seconds) - provider
        table.add_row("what an order takes beside the provider, p50", f"{own * 1000:.0f} ms")
    table.add_row("an availability request meanwhile, p50", f"{median(looks.other) * 1000:.0f} ms")
    return table


def _others(bought: Bought) -> str:
    return ", ".join(f"{number} times {status}" for status, number in sorted(bought.others.items())) or "none"


@contextmanager
def _looking(stage: Stage, shop: Shop) -> Iterator[Looks]:
    looks, end = Looks(), threading.Event()
    thread = threading.Thread(target=_look, args=(stage, shop, looks, end))
    thread.start()
    try:
        yield looks
    finally:
        end.set()
        thread.join()


def _look(stage: Stage, shop: Shop, looks: Looks, end: threading.Event) -> None:
    other = f"{shop.url}/api/v1/products/{stage.first}/availability"
    with psycopg.connect(stage.url, autocommit=True) as connection:
        while not end.wait(LOOK_SECONDS):
            row = connection.execute(_NOW).fetchone()
            assert row is not None
            waiting, connections, busy = row
            threads, megabytes = memory_of(shop)
            looks.taken.append(
                Look(waiting=waiting, connections=connections, busy=busy, threads=threads, megabytes=megabytes)
            )
            begin = time.perf_counter()
            httpx.get(other, timeout=30, trust_env=False)
            looks.other.append(time.perf_counter() - begin)
