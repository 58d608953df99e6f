"""Checkouts a second over HTTP, beside pgbench with the same statements on the same tables; and how many can wait at once."""

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit, urlunsplit

import psycopg
from rich.console import Console
from rich.table import Table

from bench import in_flight
from bench.machine import QUIET, seconds_of_cpu, start_provider
from bench.pgbench import Timed, timed
from bench.shoppers import LINES, Bought, Stage, body_of, buy_in_turn
from tests.requirements import REPOSITORY
from tests.servers.shop import Shop, commands, database, running_shop
from tests.servers.waiting import wait_for

PRODUCTS = int(os.environ.get("BENCH_PRODUCTS", "10000"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
PGBENCH = int(os.environ.get("BENCH_PGBENCH", "1600"))
CAPTURE_SECONDS = int(os.environ.get("BENCH_CAPTURE_SECONDS", "60"))
CLIENTS = (1, 4, 16, 64)
MEASURED = 16  # clients of what is measured once
MOST_A_SECOND = 400  # orders that carts are made for; who is quicker ends sooner
WORKERS, THREADS = in_flight.WORKERS, 8
SCRIPT = Path(__file__).with_name("checkout.sql")
_EQUAL = "UPDATE catalog_product SET price = 10, compare_at_price = NULL, max_per_order = 1000"
_STOCK = """
    WITH more AS (UPDATE inventory_inventory SET quantity = quantity + 1000000 RETURNING id)
    INSERT INTO inventory_stockmovement (inventory_id, kind, quantity, reason, reference, at)
    SELECT id, 'received', 1000000, 'benchmark', '', now() FROM more
"""
_SHIPPING = """
    INSERT INTO pricing_shippingmethod
        (code, name, countries, flat_amount, amount_per_kg, currency, tax_class, min_days, max_days, position, is_active)
    VALUES ('standard', 'Standard', '{}', 5, 0, 'USD', 'standard', 1, 5, 0, true)
"""
_UNCAPTURED = "SELECT count(*) FROM orders_order WHERE status IN ('pending_payment', 'paid')"


def main() -> None:
    """Measure and print the tables."""
    console = Console(width=110)
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (files, files)
    )  # each waiting shopper is an open file, here and in the shop
    with database("bench_checkout") as url, tempfile.TemporaryDirectory(prefix="bench-checkout-") as books:
        stage = filled(url)
        with _copy(url) as copy:
            peers = {protocol: _pgbench(replace(stage, url=copy), protocol) for protocol in ("prepared", "extended")}
        extra = {"PAYMENT_SIMULATOR_DATABASE": f"{books}/payments.sqlite3"}
        with _shop(stage, threads=THREADS, extra=extra) as shop:
            whole = _beside_everything(stage, shop)
            statements = _statements(stage, shop)
            bought, costs = _alone(stage, shop)
        console.print(_speed(peers, bought, whole), _spent(costs), statements)
        rate = bought[MEASURED].per_second
        threads = {**extra, "DATABASE_POOL": str(in_flight.POOL)}
        with _shop(stage, threads=in_flight.THREADS, extra=threads, web=in_flight.PATIENT) as shop:
            console.print(*in_flight.measured(stage, shop, rate=rate * 0.7))
            _close_the_books(console, shop)


def filled(url: str) -> Stage:
    """Migrate the database and fill it with PRODUCTS products of one price, each with stock without end."""
    environment = {**os.environ, "DATABASE_URL": url, "DATABASE_POOL": "0", "DATABASE_STATEMENT_TIMEOUT_MS": "0"}
    for command in (
        ["migrate", "-v0"],
        ["generate_catalogue", "--products", str(PRODUCTS), "--orders", "0", "--seed", "1"],
    ):
        subprocess.run(_manage(*command), cwd=REPOSITORY, env=environment, check=True, stdout=subprocess.DEVNULL)
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in (_EQUAL, _STOCK, _SHIPPING, "VACUUM ANALYZE"):
            connection.execute(statement)
        found = connection.execute("SELECT min(id), max(id) - min(id) + 1 FROM catalog_product").fetchone()
        assert found is not None
    return Stage(url, int(found[0]), int(found[1]))


@contextmanager
def _copy(url: str) -> Iterator[str]:
    """A copy of the database for pgbench, whose orders no provider knows."""
    parts = urlsplit(url)
    name = parts.path[1:]
    with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}_copy" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}_copy" TEMPLATE "{name}"')
        try:
            yield urlunsplit(parts._replace(path=f"/{name}_copy"))
        finally:
            connection.execute(f'DROP DATABASE "{name}_copy" WITH (FORCE)')


def _pgbench(stage: Stage, protocol: str) -> dict[int, Timed]:
    """The script, by clients."""
    measured = {}
    for clients in CLIENTS:
        # One alone is slow. And each connection plans for itself, which only few would not make up for.
        share = max(PGBENCH // max(clients, 4), 30)
        carts = stage.fill_carts(share * clients)
        given = {"clients": clients, "each": share, "first": carts.start, "share": share, "n": -1}
        measured[clients] = timed(stage.url, SCRIPT.read_text(), protocol=protocol, **given)
    return measured


@contextmanager
def _shop(stage: Stage, *, threads: int, extra: dict[str, str], web: Sequence[str] = ()) -> Iterator[Shop]:
    """The web processes; what else there is, whoever measures starts."""
    with running_shop(
        database_url=stage.url,
        valkey_url=os.environ["VALKEY_URL"],
        workers=WORKERS,
        threads=threads,
        parts=("web",),
        web=web,
        extra=extra,
    ) as shop:
        yield shop


def _beside_everything(stage: Stage, shop: Shop) -> Bought:
    """Orders while the provider sends its webhooks, and the relay captures payments and hands events out, on the same machine."""
    start_provider(shop)
    shop.start("relay", commands(WORKERS, THREADS)["relay"])
    _bought(stage, shop, clients=4, seconds=1)
    bought = _bought(stage, shop, clients=MEASURED)
    for part in ("relay", "payments"):
        shop.kill(part)
    start_provider(shop, *QUIET)
    return bought


def _alone(stage: Stage, shop: Shop) -> tuple[dict[int, Bought], dict[str, float]]:
    """Orders by clients, with nothing else running; and the milliseconds of CPU that one of them costs, by part."""
    bought: dict[int, Bought] = {}
    costs: dict[str, float] = {}
    for clients in CLIENTS:
        before = seconds_of_cpu(shop, stage.url)
        bought[clients] = _bought(stage, shop, clients=clients)
        if clients == MEASURED:
            orders = max(len(bought[clients].seconds), 1)
            after = seconds_of_cpu(shop, stage.url)
            costs = {part: (after[part] - before[part]) / orders * 1000 for part in after}
    return bought, costs


def _bought(stage: Stage, shop: Shop, *, clients: int, seconds: float = SECONDS) -> Bought:
    carts = stage.fill_carts(int(MOST_A_SECOND * seconds) + clients)
    return buy_in_turn(shop.url, body_of(shop.url, carts[-1]), iter(carts), clients=clients, seconds=seconds)


def _statements(stage: Stage, shop: Shop) -> Table:
    """SQL statements that a checkout takes, as Django counts them, and as the script for pgbench has them."""
    table = Table("lines", "SQL statements", title="A checkout's statements, BEGIN and COMMIT aside")
    for lines in (1, 3, 12):
        cart = stage.fill_carts(1, lines=lines).start
        counted = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "bench.counting", str(cart)],
            cwd=REPOSITORY,
            env=shop.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        table.add_row(str(lines), counted.stdout.strip())
    text = re.sub(r"^--.*$", "", SCRIPT.read_text(), flags=re.MULTILINE)
    ends = re.findall(r";$|\\gset$", text, re.MULTILINE)
    table.add_row("3, pgbench's script", str(len(ends) - len(re.findall(r"^(?:BEGIN|COMMIT);$", text, re.MULTILINE))))
    return table


def _speed(peers: dict[str, dict[int, Timed]], bought: dict[int, Bought], whole: Bought) -> Table:
    table = Table(
        *("what", "clients", "orders/s", "p50 ms", "p95 ms", "p99 ms", "of pgbench"),
        title=f"Checkouts of {LINES} lines; the provider answers at once",
    )
    for clients in CLIENTS:
        best = peers["prepared"][clients].per_second
        rows: dict[str, Timed | Bought] = {
            "pgbench, planned once": peers["prepared"][clients],
            "pgbench, planned each time": peers["extended"][clients],
            "POST /api/v1/orders": bought[clients],
        }
        if clients == MEASURED:
            rows["beside webhooks, captures, events"] = whole
        for name, row in rows.items():
            rate = row.per_second
            table.add_row(name, str(clients), f"{rate:,.0f}", *cuts(row.seconds), f"{rate / best:.2f}")
        table.add_section()
    others = sum(sum(each.others.values()) for each in (*bought.values(), whole))
    table.caption = f"{others} requests of all got another answer than 201"
    return table


def cuts(seconds: Sequence[float]) -> list[str]:
    """p50, p95 and p99 in milliseconds, for a table."""
    if len(seconds) < 2:
        return ["", "", ""]
    found = quantiles(seconds, n=100)
    return [f"{found[at - 1] * 1000:.1f}" for at in (50, 95, 99)]


def _spent(costs: dict[str, float]) -> Table:
    table = Table("part", "ms of CPU an order", title=f"What an order costs at {MEASURED} clients")
    for part, milliseconds in costs.items():
        table.add_row(part, f"{milliseconds:.1f}")
    table.add_section()
    table.add_row("together", f"{sum(costs.values()):.1f}")
    return table


def _close_the_books(console: Console, shop: Shop) -> None:
    """Capture what is open, and let the shop prove that all of it was right; what is not captured in time is still moving."""
    with psycopg.connect(shop.environment["DATABASE_URL"], autocommit=True) as connection:

        def left() -> int:
            row = connection.execute(_UNCAPTURED).fetchone()
            return int(row[0]) if row else 0

        open_orders, begin = left(), time.perf_counter()
        shop.start("relay", commands(WORKERS, THREADS)["relay"])
        with suppress(AssertionError):
            wait_for(lambda: not left(), "not all captured", seconds=CAPTURE_SECONDS)
        console.print(
            f"captured: {open_orders - left()} of {open_orders} orders in {time.perf_counter() - begin:.0f} s"
        )
    for command in ("check_inventory", "reconcile_payments"):
        environment = {**shop.environment, "DATABASE_STATEMENT_TIMEOUT_MS": "0"}
        told = subprocess.run(
            _manage(command), cwd=REPOSITORY, env=environment, check=False, capture_output=True, text=True
        )
        console.print(f"{command}: {((told.stdout + told.stderr).strip().splitlines() or ['nothing'])[-1]}")


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "manage.py", *arguments]
