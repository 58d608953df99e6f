"""How well results fit, by human ratings of real products: NDCG@10 of both engines, beside the seed's query."""

import csv
import math
import os
import random
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import product
from statistics import mean

import django
from rich.console import Console
from rich.table import Table

from bench import typos
from tests.requirements import REPOSITORY, data_dir, icecat_products
from tests.servers.elasticsearch import private_elasticsearch
from tests.servers.shop import database

AT, SPLITS, WORST = 10, 5, 6
# What is tuned on one half of the queries and measured on the other: modules, their constant, and its values.
GRID: Mapping[str, tuple[tuple[str, ...], tuple[float, ...]]] = {
    "KIND_BOOST": (("search.understanding",), (1.0, 0.5, 1.5)),
    "PHRASE_BOOST": (("search.elastic.relevance", "search.ranking"), (0.3, 0.0, 0.6)),
    "OTHER_TEXTS": (("search.elastic.relevance", "search.ranking"), (0.2, 0.1, 0.4)),
}
Ratings = Mapping[str, Mapping[str, int]]
Ranking = Callable[[str], list[str]]


def main() -> None:
    """Measure and print the tables."""
    with database("bench_relevance") as url, private_elasticsearch() as elasticsearch:
        os.environ.update(
            DATABASE_URL=url,
            DATABASE_POOL="0",
            DATABASE_STATEMENT_TIMEOUT_MS="0",
            ELASTICSEARCH_URL=elasticsearch.url,
            SHOP_NAMESPACE="bench-relevance",
            DJANGO_SETTINGS_MODULE="ecommerce.settings",
        )
        for arguments in (
            ["migrate", "-v0"],
            ["import_products", str(icecat_products()), "--install-defaults"],
            ["build_search_index"],
        ):
            command = [sys.executable, "-W", "ignore", "manage.py", *arguments]
            subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
        django.setup()
        console = Console(width=120)
        _measure(console)
        typos.measure(console)


def _measure(console: Console) -> None:
    ratings = _ratings()
    console.print(
        f"{len(ratings)} queries with a product that is rated above 0, {sum(map(len, ratings.values()))} ratings"
    )
    rankings: dict[str, Ranking] = {
        "the seed's query, on Elasticsearch": _seeds_query,
        "elasticsearch": lambda query: first("elasticsearch", query),
        "postgres": lambda query: first("postgres", query),
    }
    table = Table(
        "ranking", "NDCG@10", "tuned on half", "on the other half", "least", "most", title="19,406 products of Icecat"
    )
    gains: dict[str, dict[str, float]] = {}
    for name, ranking in rankings.items():
        gains[name] = {query: _ndcg(ranking(query), ratings[query]) for query in ratings}
        halves = _halves(ranking, ratings) if name in ("elasticsearch", "postgres") else ["", "", "", ""]
        table.add_row(name, f"{mean(gains[name].values()):.3f}", *halves)
    console.print(table)
    for name in ("elasticsearch", "postgres"):
        console.print(_worst(name, gains[name], ratings))


def _ratings() -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    with (data_dir() / "icecat" / "ratings.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            found[row["query"]][row["docid"]] = int(row["rating"])
    return {query: rated for query, rated in found.items() if any(rated.values())}


def first(engine: str, query: str) -> list[str]:
    """The SKUs that the shop shows first, which are Icecat's ids."""
    from django.conf import settings  # noqa: PLC0415 - needs Django

    from catalog.types import ListingFilters  # noqa: PLC0415 - as above
    from search.selectors import search  # noqa: PLC0415 - as above

    url = settings.ELASTICSEARCH_URL
    settings.SEARCH_DEADLINE = timedelta(seconds=10)  # whoever else uses the machine
    try:
        settings.ELASTICSEARCH_URL = url if engine == "elasticsearch" else ""
        page = search(filters=ListingFilters(query=query))
        assert page.engine == engine, f"{page.engine} answered {query}"
    finally:
        settings.ELASTICSEARCH_URL = url
    return [card.sku for card in page.cards[:AT]]


def _seeds_query(query: str) -> list[str]:
    from search.elastic.client import client  # noqa: PLC0415 - needs Django
    from search.elastic.indexes import alias  # noqa: PLC0415 - as above

    asked = {"multi_match": {"query": query, "fields": ["title^3", "description"]}}
    hits = client().search(index=alias(), query=asked, size=AT, source={"includes": ["sku"]})["hits"]["hits"]
    return [hit["_source"]["sku"] for hit in hits]


def _ndcg(shown: Sequence[str], rated: Mapping[str, int]) -> float:
    """Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", 2002; gain 2^rating - 1, unrated 0."""
    best = sorted(rated.values(), reverse=True)
    return _cumulated(rated.get(sku, 0) for sku in shown) / _cumulated(best[:AT])


def _cumulated(ratings: Iterator[int] | Sequence[int]) -> float:
    return math.fsum((2**rating - 1) / math.log2(place + 2) for place, rating in enumerate(ratings))


def _halves(ranking: Ranking, ratings: Ratings) -> list[str]:
    """Of each way to set the constants, every query's figure; then the best on one half is what counts on the other."""
    ways = []
    for values in product(*(values for _, values in GRID.values())):
        with _set(dict(zip(GRID, values, strict=True))):
            ways.append({query: _ndcg(ranking(query), ratings[query]) for query in ratings})
    chance = random.Random(1)  # noqa: S311 - the same halves each time
    tuned, measured = [], []
    for _ in range(SPLITS):
        queries = sorted(ratings)
        chance.shuffle(queries)
        middle = len(queries) // 2
        for half, other in ((queries[:middle], queries[middle:]), (queries[middle:], queries[:middle])):
            best = max(ways, key=partial(_mean_of, half))
            tuned.append(mean(best[query] for query in half))
            measured.append(mean(best[query] for query in other))
    return [f"{figure:.3f}" for figure in (mean(tuned), mean(measured), min(measured), max(measured))]


def _mean_of(queries: Sequence[str], way: Mapping[str, float]) -> float:
    return mean(way[query] for query in queries)


@contextmanager
def _set(constants: Mapping[str, float]) -> Iterator[None]:
    before = {name: getattr(sys.modules[GRID[name][0][0]], name) for name in constants}
    for values in (constants, before):
        for name, value in values.items():
            for module in GRID[name][0]:
                setattr(sys.modules[module], name, value)
        if values is constants:
            yield


def _worst(engine: str, gains: Mapping[str, float], ratings: Ratings) -> Table:
    from catalog.models import Product  # noqa: PLC0415 - needs Django

    table = Table("query", "NDCG", "rated", "title", title=f"What does worst on {engine}", show_lines=False)
    for query in sorted(gains, key=lambda query: gains[query])[:WORST]:
        shown = first(engine, query)
        titles = dict(Product.objects.filter(sku__in=shown).values_list("sku", "title"))
        for place, sku in enumerate(shown or [""]):
            told = (query, f"{gains[query]:.2f}") if not place else ("", "")
            table.add_row(*told, str(ratings[query].get(sku, "-")), titles.get(sku, "")[:80])
        table.add_section()
    return table
