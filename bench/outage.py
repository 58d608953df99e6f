"""What checkouts take while Elasticsearch answers searches and while it is away; and how soon it finds what has changed."""

import asyncio
import os
import resource
import subprocess
import sys
import tempfile
import threading
from contextlib import AbstractContextManager, nullcontext

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from bench.asking import Asked, ask_at_a_rate
from bench.checkout import PRODUCTS, cuts, filled
from bench.machine import QUIET, start_provider
from bench.shoppers import Bought, Stage, body_of, buy_at_a_rate
from tests.requirements import REPOSITORY
from tests.servers.elasticsearch import private_elasticsearch
from tests.servers.shop import Shop, commands, database, running_shop
from tests.servers.toxiproxy import Way, running_toxiproxy
from tests.servers.waiting import wait_for

ORDERS_PER_SECOND, SEARCHES_PER_SECOND = 8.0, 8.0
SECONDS = int(os.environ.get("BENCH_OUTAGE_SECONDS", "30"))
CHANGES = int(os.environ.get("BENCH_CHANGES", "20"))
_BUSY = """
    SELECT FROM core_outboxevent WHERE published_at IS NULL UNION ALL SELECT FROM search_searchwork
    UNION ALL SELECT FROM search_searchdocument WHERE version > indexed_version LIMIT 1
"""
WORDS = ("lamp", "chair", "red", "steel", "table", "kettle", "wool", "desk")


def main() -> None:
    """Measure and print the tables."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    with (
        database("bench_outage") as url,
        tempfile.TemporaryDirectory(prefix="bench-outage-") as books,
        private_elasticsearch() as elasticsearch,
        running_toxiproxy() as toxiproxy,
    ):
        stage, way = filled(url), toxiproxy.before(elasticsearch.url)
        extra = {"ELASTICSEARCH_URL": way.url, "PAYMENT_SIMULATOR_DATABASE": f"{books}/payments.sqlite3"}
        valkey = os.environ["VALKEY_URL"]
        with running_shop(
            database_url=url, valkey_url=valkey, workers=2, threads=8, parts=("web",), extra=extra
        ) as shop:
            start_provider(shop, *QUIET)
            _manage(shop, "build_search_index")
            Console(width=110).print(_checkouts(stage, shop, way), _freshness(shop, elasticsearch.url))


def _checkouts(stage: Stage, shop: Shop, way: Way) -> Table:
    table = Table(
        *("searches", "orders", "p50 ms", "p95 ms", "p99 ms", "found", "p50 ms", "p95 ms", "p99 ms", "not 2xx"),
        title=f"{ORDERS_PER_SECOND:.0f} checkouts and {SEARCHES_PER_SECOND:.0f} searches a second, {SECONDS} s each; "
        f"{PRODUCTS:,} products",
    )
    states: dict[str, AbstractContextManager[None]] = {
        "none (the limit)": nullcontext(),
        "Elasticsearch answers": nullcontext(),
        "it never answers": way.silent(),
        "it refuses": way.refusing(),
    }
    _measured(stage, shop, seconds=5)
    for name, state in states.items():
        with state:
            bought, searched = _measured(stage, shop, seconds=SECONDS, searching=name in list(states)[1:])
        found = " ".join(f"{engine} {count}" for engine, count in searched.engines.items())
        failed = sum(bought.others.values()) + searched.others
        table.add_row(
            name, str(len(bought.seconds)), *cuts(bought.seconds), found, *cuts(searched.seconds), str(failed)
        )
    return table


def _measured(stage: Stage, shop: Shop, *, seconds: int, searching: bool = True) -> tuple[Bought, Asked]:
    orders = int(ORDERS_PER_SECOND * seconds)
    carts = stage.fill_carts(orders + 1)
    body = body_of(shop.url, carts[-1])
    # No two alike, so that none is answered from a copy.
    paths = [
        f"/api/v1/search?q={WORDS[place % len(WORDS)]}&price_max={1000 + place}"
        for place in range(int(SEARCHES_PER_SECOND * seconds))
    ]
    told: list[Asked] = []

    def search() -> None:
        rate = ask_at_a_rate(shop.url, paths, rate=SEARCHES_PER_SECOND, seconds=seconds if searching else 0)
        told.append(asyncio.run(rate))

    asking = threading.Thread(target=search)
    asking.start()
    bought = buy_at_a_rate(shop.url, body, iter(carts), rate=ORDERS_PER_SECOND, orders=orders)
    asking.join()
    return bought, told[0]


def _freshness(shop: Shop, elasticsearch: str) -> Table:
    """With the relay beside it, and with what production has the index refresh itself by."""
    refresh = {"index": {"refresh_interval": "5s"}}
    index = f"{elasticsearch}/{shop.environment['SHOP_NAMESPACE']}-families"
    httpx.put(f"{index}/_settings", json=refresh, trust_env=False).raise_for_status()
    shop.start("relay", commands(1, 1)["relay"])
    with psycopg.connect(shop.environment["DATABASE_URL"], autocommit=True) as connection:
        wait_for(lambda: connection.execute(_BUSY).fetchone() is None, "what was bought is not handled", seconds=300)
    command = [sys.executable, "-W", "ignore", "-m", "bench.changing", shop.url, str(CHANGES)]
    told = subprocess.run(command, cwd=REPOSITORY, env=shop.environment, check=True, stdout=subprocess.PIPE, text=True)
    seconds = sorted(float(line) for line in told.stdout.split())
    table = Table(
        "changes", "soonest s", "median s", "latest s", "allowed s", title="From commit to found, refresh 5 s"
    )
    middle = seconds[len(seconds) // 2]
    table.add_row(str(len(seconds)), *(f"{value:.1f}" for value in (seconds[0], middle, seconds[-1])), "6.0")
    return table


def _manage(shop: Shop, *arguments: str) -> None:
    environment = {**shop.environment, "DATABASE_POOL": "0", "DATABASE_STATEMENT_TIMEOUT_MS": "0"}
    command = [sys.executable, "-W", "ignore", "manage.py", *arguments]
    subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, stdout=subprocess.DEVNULL)
