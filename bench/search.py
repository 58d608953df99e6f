"""Searches, suggestions and category pages over HTTP as the catalogue grows, on both engines; and how soon it is built."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx
import psycopg
from rich.console import Console
from rich.table import Table

from bench.asking import Asked, ask_at_a_rate, ask_each, ask_in_turn
from bench.checkout import cuts
from tests.requirements import REPOSITORY
from tests.servers.elasticsearch import private_elasticsearch
from tests.servers.elasticsearch_node import LARGE
from tests.servers.shop import database, running_shop

SIZES = tuple(int(size) for size in os.environ.get("BENCH_SEARCH_SIZES", "20000,200000,1000000").split(","))
SECONDS = float(os.environ.get("BENCH_SEARCH_SECONDS", "10"))
CLIENTS, RATE = (1, 4, 16), 50.0
WARM_UP_SECONDS = 5
WORKERS, THREADS = 2, 8
NAMESPACE = "bench-search"
LIMIT = "/health/live, the least any answer costs"
# Words as they are written, of nearly so many of a thousand families.
_WORDS = """
    SELECT word FROM search_searchword, (SELECT count(*) AS all_of_them FROM search_searchdocument WHERE is_live) d
    ORDER BY abs(families - all_of_them * %s / 1000.0), word LIMIT 10
"""
_CATEGORIES = "SELECT slug_path FROM catalog_category ORDER BY depth, slug_path LIMIT 20"
_TABLES = ("search_searchdocument", "search_searchvariant", "search_searchword", "search_searchstem")
_SIZE = """
    SELECT (SELECT count(*) FROM search_searchdocument WHERE is_live), (SELECT count(*) FROM search_searchvariant),
        (SELECT sum(pg_total_relation_size(name::regclass)) / 1e6 FROM unnest(%s::text[]) name)
"""


@dataclass(frozen=True, slots=True)
class Built:
    """A filled shop: rows by what they are, and products a second of its documents and of its index."""

    families: int
    variants: int
    megabytes: float
    documents_per_second: float
    index_per_second: float
    index_megabytes: float


def main() -> None:
    """Measure and print the tables."""
    console = Console(width=130)
    growth = Table(
        *("products", "families", "variants", "documents/s", "index/s", "PostgreSQL MB", "Elasticsearch MB"),
        title="Building, in products a second (goal 3,000), and what it takes of the disk",
    )
    for size in SIZES:
        with _filled(size) as (built, environment):
            rates = (f"{rate:,.0f}" for rate in (built.documents_per_second, built.index_per_second))
            room = (f"{room:,.0f}" for room in (built.megabytes, built.index_megabytes))
            growth.add_row(f"{size:,}", f"{built.families:,}", f"{built.variants:,}", *rates, *room)
            paths = _paths(environment["DATABASE_URL"])
            for engine in ("elasticsearch", "postgres"):
                console.print(_measured(engine, environment, paths, f"{built.families:,} families, {size:,} products"))
    console.print(growth)


@contextmanager
def _filled(size: int) -> Iterator[tuple[Built, dict[str, str]]]:
    """So many products, their documents and their index, and the environment of a shop that has them."""
    with database("bench_search") as url, private_elasticsearch(java=LARGE) as elasticsearch:
        environment = {
            "DATABASE_URL": url,
            "ELASTICSEARCH_URL": elasticsearch.url,
            "SHOP_NAMESPACE": NAMESPACE,
            "DATABASE_STATEMENT_TIMEOUT_MS": "0",
        }
        _manage(environment, "migrate", "-v0")
        _manage(environment, "generate_catalogue", "--products", str(size))
        documents = _manage(environment, "build_search_index", "--documents-only")
        index = _manage(environment, "build_search_index", "--index-only")
        with psycopg.connect(url, autocommit=True) as connection:
            # What autovacuum does in its own time.
            connection.execute(f"VACUUM ANALYZE {', '.join(_TABLES)}")
            found = connection.execute(_SIZE, [list(_TABLES)]).fetchone()
        assert found is not None
        stored = httpx.get(f"{elasticsearch.url}/{NAMESPACE}-families/_stats/store", trust_env=False).json()
        room = stored["_all"]["primaries"]["store"]["size_in_bytes"] / 1e6
        built = Built(found[0], found[1], float(found[2]), size / documents, size / index, room)
        yield built, environment


def _manage(environment: Mapping[str, str], *arguments: str) -> float:
    """How many seconds a command took."""
    command = [sys.executable, "-W", "ignore", "manage.py", *arguments]
    begin = time.perf_counter()
    told = {**os.environ, **environment, "DATABASE_POOL": "0"}
    subprocess.run(command, cwd=REPOSITORY, env=told, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def _paths(url: str) -> dict[str, list[str]]:
    """Addresses by what they ask for: words of a tenth and of a two-hundredth of the families in turn, each also narrowed."""
    with psycopg.connect(url) as connection:
        frequent, seldom = ([word for (word,) in connection.execute(_WORDS, [share]).fetchall()] for share in (100, 5))
        categories = [path for (path,) in connection.execute(_CATEGORIES).fetchall()]
    words = [word for pair in zip(frequent, seldom, strict=True) for word in pair]
    narrowed = ("", "&in_stock=true", "", "&price_max=100")
    begun = [word[:length] for word in words for length in range(2, min(len(word), 5) + 1)]
    return {
        LIMIT: ["/health/live"],
        "faceted search": [
            f"/api/v1/search?q={quote(word)}{narrowed[place // 2 % len(narrowed)]}" for place, word in enumerate(words)
        ],
        "autocomplete": [f"/api/v1/search/suggest?q={quote(letters)}" for letters in begun],
        "category page": [f"/c/{path}/" for path in categories],
    }


def _measured(engine: str, environment: Mapping[str, str], paths: Mapping[str, Sequence[str]], whose: str) -> Table:
    table = Table(
        *("request", "load", "answers/s", "p50 ms", "p95 ms", "p99 ms", "not 200", "by another engine"),
        title=f"{engine}: {whose}; {SECONDS:.0f} s each, {WORKERS} processes of {THREADS} threads",
    )
    extra = {
        "SHOP_NAMESPACE": NAMESPACE,
        "ELASTICSEARCH_URL": environment["ELASTICSEARCH_URL"] if engine == "elasticsearch" else "",
    }
    with running_shop(
        database_url=environment["DATABASE_URL"],
        valkey_url=os.environ["VALKEY_URL"],
        workers=WORKERS,
        threads=THREADS,
        parts=("web",),
        extra=extra,
    ) as shop:
        for name, asked in paths.items():
            # What is kept of facets for a while is not there yet.
            begin = time.perf_counter()
            told = ask_each(shop.url, asked)
            table.add_row(name, "each for the first time", *_told(told, engine, time.perf_counter() - begin))
            ask_in_turn(shop.url, asked, clients=4, seconds=WARM_UP_SECONDS)
            for clients in CLIENTS:
                told = ask_in_turn(shop.url, asked, clients=clients, seconds=SECONDS)
                table.add_row(name, f"{clients} client{'s' * (clients > 1)}", *_told(told, engine, SECONDS))
            told = asyncio.run(ask_at_a_rate(shop.url, asked, rate=RATE, seconds=SECONDS))
            table.add_row(name, f"{RATE:.0f} requests/s", *_told(told, engine, SECONDS), end_section=True)
    return table


def _told(asked: Asked, engine: str, seconds: float) -> list[str]:
    others = sum(count for name, count in asked.engines.items() if name not in ("", engine))
    return [f"{len(asked.seconds) / seconds:.1f}", *cuts(asked.seconds), str(asked.others), str(others)]
