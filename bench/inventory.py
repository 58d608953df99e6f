"""Holds a second, beside pgbench with the same reads and writes as plain SQL on the same server; availability; the expiry."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import quantiles

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from bench.holding import HOLDERS
from bench.pgbench import transactions_per_second
from tests.requirements import REPOSITORY
from tests.servers.shop import Shop, database, running_shop

PRODUCTS = int(os.environ.get("BENCH_PRODUCTS", "100000"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "5"))
EXPIRED = int(os.environ.get("BENCH_HOLDS", "100000"))
RATE, RATE_SECONDS, CLIENTS = 100, int(os.environ.get("BENCH_RATE_SECONDS", "10")), 8
_FOUR = f"""
\\set product random(:first, :last)
\\set line random(1, 999999999)
BEGIN;
SELECT min(id) AS row FROM (
    SELECT id FROM inventory_inventory WHERE product_id = :product ORDER BY product_id, warehouse_id FOR NO KEY UPDATE
) locked \\gset
SELECT count(*) FROM inventory_reservation WHERE cart_line_id = {HOLDERS} + :line;
UPDATE inventory_inventory SET reserved = reserved + 1 WHERE id = :row;
INSERT INTO inventory_reservation (inventory_id, cart_line_id, quantity, expires_at, created_at)
    VALUES (:row, {HOLDERS} + :line, 1, now() + interval '30 minutes', now()) ON CONFLICT DO NOTHING;
COMMIT;
"""  # noqa: S608 - made of constants
_ONE = f"""
\\set product random(:first, :last)
\\set line random(1, 999999999)
WITH held AS (
    UPDATE inventory_inventory SET reserved = reserved + 1
    WHERE id = (
        SELECT id FROM inventory_inventory WHERE product_id = :product AND quantity > reserved ORDER BY warehouse_id LIMIT 1
    ) AND quantity > reserved RETURNING id
)
INSERT INTO inventory_reservation (inventory_id, cart_line_id, quantity, expires_at, created_at)
SELECT id, {HOLDERS} + :line, 1, now() + interval '30 minutes', now() FROM held ON CONFLICT DO NOTHING;
"""  # noqa: S608 - made of constants
_STOCK = """
    WITH more AS (UPDATE inventory_inventory SET quantity = quantity + 1000000 RETURNING id)
    INSERT INTO inventory_stockmovement (inventory_id, kind, quantity, reason, reference, at)
    SELECT id, 'received', 1000000, 'benchmark', '', now() FROM more
"""
# What pgbench took for nobody's line may differ from its counter where its line was there before.
_GIVE_BACK = f"""
    DELETE FROM inventory_reservation WHERE cart_line_id >= {HOLDERS};
    UPDATE inventory_inventory i SET reserved = held.units
    FROM (
        SELECT s.id, coalesce(sum(r.quantity), 0) AS units FROM inventory_inventory s
        LEFT JOIN inventory_reservation r ON r.inventory_id = s.id GROUP BY s.id
    ) held
    WHERE held.id = i.id AND held.units <> i.reserved
"""  # noqa: S608 - made of constants
_EXPIRED = """
    WITH carts AS (
        INSERT INTO cart_cart (token, version, created_at, updated_at)
        SELECT 'benchmark-' || lpad(n::text, 33, '0'), 0, now(), now() FROM generate_series(1, %(carts)s::int) n RETURNING id
    ), lines AS (
        INSERT INTO cart_cartitem (cart_id, product_id, quantity, seen_price, currency, added_at)
        SELECT id, %(first)s::bigint + (id * 7919 + n * 104729) %% %(products)s::bigint, 1, 10, 'USD', now()
        FROM carts, generate_series(1, 5) n RETURNING id, product_id
    )
    INSERT INTO inventory_reservation (inventory_id, cart_line_id, quantity, expires_at, created_at)
    SELECT (SELECT min(i.id) FROM inventory_inventory i WHERE i.product_id = l.product_id), l.id, 1,
        now() - interval '1 minute', now() FROM lines l
"""
_COUNT = """
    UPDATE inventory_inventory i SET reserved = reserved + held.units
    FROM (SELECT inventory_id, count(*) AS units FROM inventory_reservation WHERE expires_at < now() GROUP BY 1) held
    WHERE held.inventory_id = i.id;
    ANALYZE inventory_reservation, inventory_inventory, cart_cartitem
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """The database that is measured, its products' ids, and the shop on it."""

    url: str
    first: int
    last: int
    environment: dict[str, str]


def main() -> None:
    """Measure and print the tables."""
    console = Console(width=110)
    with database("bench_inventory") as url:
        stage = _filled(url)
        with running_shop(
            database_url=url, valkey_url=os.environ["VALKEY_URL"], workers=2, threads=8, parts=("web",)
        ) as shop:
            for name, last in (("uniform over all products", stage.last), ("all on one hot product", stage.first)):
                console.print(_holds(stage, shop, name, last))
            console.print(_availability(stage, shop))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_GIVE_BACK)
        console.print(_release(stage))
        subprocess.run(_manage("check_inventory"), cwd=REPOSITORY, env=stage.environment, check=True)


def _filled(url: str) -> Stage:
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "DATABASE_POOL": "0",
        "DATABASE_STATEMENT_TIMEOUT_MS": "0",
        "LIMITS": "off",
    }
    for command in (
        ["migrate", "-v0"],
        ["generate_catalogue", "--products", str(PRODUCTS), "--orders", "0", "--seed", "1"],
    ):
        subprocess.run(_manage(*command), cwd=REPOSITORY, env=environment, check=True, stdout=subprocess.DEVNULL)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE catalog_product SET max_per_order = 1000000")
        connection.execute(_STOCK)
        connection.execute("VACUUM ANALYZE inventory_inventory")
        found = connection.execute("SELECT min(id), max(id) FROM catalog_product").fetchone()
        assert found is not None
    return Stage(url, int(found[0]), int(found[1]), environment)


def _holds(stage: Stage, shop: Shop, name: str, last: int) -> Table:
    table = Table("what", "clients", "holds/s", "of pgbench's four statements", title=f"Holds, {name}")
    for clients in (1, CLIENTS, 32):
        told = {"clients": clients, "seconds": SECONDS, "first": stage.first, "last": last}
        four = transactions_per_second(stage.url, _FOUR, **told)
        one = transactions_per_second(stage.url, _ONE, **told)
        table.add_row("pgbench, one statement", str(clients), f"{one:,.0f}", f"{one / four:.2f}")
        table.add_row("pgbench, four statements", str(clients), f"{four:,.0f}", "1.00")
        for kind, label in (("operation", "inventory.operations.hold"), ("service", "cart.services.add_item")):
            rate = _processes(stage, kind, last, clients=clients, environment=stage.environment)
            table.add_row(label, str(clients), f"{rate:,.0f}", f"{rate / four:.2f}")
        over_http = {**stage.environment, "SHOP_URL": shop.url}
        rate = _processes(stage, "http", last, clients=clients, environment=over_http)
        table.add_row("POST /api/v1/cart/items", str(clients), f"{rate:,.0f}", f"{rate / four:.2f}", end_section=True)
    return table


def _processes(stage: Stage, kind: str, last: int, *, clients: int, environment: dict[str, str]) -> float:
    """Holds a second of ``clients`` threads, up to four to a process."""
    processes = -(-clients // 4)
    given = [kind, str(SECONDS), str(stage.first), str(last), str(min(clients, 4))]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.holding", *given],
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(processes)
    ]
    for process in running:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    return sum(int(process.communicate()[0]) for process in running) / SECONDS


def _availability(stage: Stage, shop: Shop) -> Table:
    table = Table("load", "p50 ms", "p95 ms", "p99 ms", title="GET /api/v1/products/{id}/availability")
    with httpx.Client(base_url=shop.url, timeout=30, trust_env=False) as client:

        def ask(number: int) -> None:
            product = stage.first + number * 7919 % (stage.last - stage.first)
            client.get(f"/api/v1/products/{product}/availability").raise_for_status()

        for number in range(200):
            ask(number)
        table.add_row(f"{RATE} requests a second, whatever the answers take", *_cuts(_at_a_rate(ask)))
        table.add_row(f"{CLIENTS} clients, each as fast as it is answered", *_cuts(_all_the_time(ask)))
    return table


def _at_a_rate(ask: Callable[[int], None]) -> Sequence[float]:
    """Seconds from when each request was due, so that one that waits behind a slow one counts as slow too."""
    begin = time.perf_counter() + 0.1

    def one(number: int) -> float:
        due = begin + number / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        ask(number)
        return time.perf_counter() - due

    with ThreadPoolExecutor(32) as pool:
        return list(pool.map(one, range(RATE * RATE_SECONDS)))


def _all_the_time(ask: Callable[[int], None]) -> Sequence[float]:
    end = time.perf_counter() + RATE_SECONDS

    def client(place: int) -> list[float]:
        spent = []
        number = place
        while (begin := time.perf_counter()) < end:
            ask(number)
            spent.append(time.perf_counter() - begin)
            number += CLIENTS
        return spent

    with ThreadPoolExecutor(CLIENTS) as pool:
        return [seconds for spent in pool.map(client, range(CLIENTS)) for seconds in spent]


def _cuts(seconds: Sequence[float]) -> list[str]:
    cuts = quantiles(seconds, n=100)
    return [f"{cuts[at - 1] * 1000:.1f}" for at in (50, 95, 99)]


def _release(stage: Stage) -> Table:
    with psycopg.connect(stage.url, autocommit=True) as connection:
        given = {"carts": EXPIRED // 5, "first": stage.first, "products": stage.last - stage.first}
        connection.execute(_EXPIRED, given)
        for statement in _COUNT.split(";"):
            connection.execute(statement)
    script = (
        "import time; from core.clock import now; from inventory.services import release_expired; b = time.perf_counter(); "
        "r = release_expired(now=now()); print(r.holds, time.perf_counter() - b)"
    )
    told = subprocess.run(
        _manage("shell", "-v0", "-c", script), cwd=REPOSITORY, env=stage.environment, check=True, capture_output=True
    )
    holds, seconds = told.stdout.split()
    table = Table("expired holds", "seconds", "holds/s", title="inventory.services.release_expired")
    table.add_row(f"{int(holds):,}", f"{float(seconds):.1f}", f"{int(holds) / float(seconds):,.0f}")
    return table


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "ignore", "manage.py", *arguments]
