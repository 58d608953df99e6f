"""The whole shop beside an Elasticsearch that comes and goes: what changes is found soon, and who buys notices nothing."""

import secrets
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import httpx
import pytest
from pytest_django import Settings

from catalog import operations as catalog
from catalog.models import Product
from core.clock import now
from core.transactions import unit_of_work
from search import copying, services
from search.elastic import indexes
from search.elastic.client import client
from tests.factories import make_product, make_shipping_method
from tests.search.conftest import fill
from tests.servers.elasticsearch import shared_elasticsearch
from tests.servers.embedded import private_valkey
from tests.servers.purchase import buy
from tests.servers.shop import Shop, database_of_tests, running_shop
from tests.servers.toxiproxy import Way, running_toxiproxy
from tests.servers.waiting import wait_for

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.servers,
    pytest.mark.fault,
    pytest.mark.xdist_group("search outage"),
]
SEARCHERS = 6
FRESH_SECONDS = 6.0


@pytest.fixture(scope="module")
def way() -> Iterator[Way]:
    """The only one that the shop has to Elasticsearch."""
    with running_toxiproxy() as toxiproxy:
        yield toxiproxy.before(shared_elasticsearch())


# No longer than the module: its relay works on the tests' own database.
@pytest.fixture(scope="module")
def _running(way: Way, django_db_setup: None) -> Iterator[Shop]:
    name = f"test-{uuid.uuid4().hex[:8]}"
    # Fewer connections than threads: searches that held one while they wait would leave none to who buys.
    extra = {"ELASTICSEARCH_URL": way.url, "SHOP_NAMESPACE": name, "DATABASE_POOL": "4"}
    with (
        private_valkey() as valkey,
        running_shop(
            database_url=database_of_tests(), valkey_url=valkey.url, workers=2, threads=SEARCHERS + 2, extra=extra
        ) as shop,
    ):
        yield shop


@pytest.fixture
def shop(_running: Shop, settings: Settings) -> Iterator[Shop]:
    """The shop with 25 families, and one that can be bought, in an index that shows changes as slowly as production's."""
    settings.ELASTICSEARCH_URL, settings.NAMESPACE = shared_elasticsearch(), _running.environment["SHOP_NAMESPACE"]
    settings.SEARCH_REFRESH = "5s"
    fill(25)
    make_product(stock=100, title="Lamp")
    make_shipping_method()
    services.build_documents(now=now())
    copying.build_index(now=now())
    wait_for(lambda: engine_of(_running) == "elasticsearch", "Elasticsearch was not asked", seconds=30)
    yield _running
    indexes.drop(list(indexes.all_of_ours()))


def search(shop: Shop, **parameters: str) -> httpx.Response:
    """As an app asks."""
    return httpx.get(f"{shop.url}/api/v1/search", params=parameters, timeout=30, trust_env=False)


def engine_of(shop: Shop) -> str:
    """Whoever answers now."""
    return search(shop, q="shoe").headers["X-Search-Engine"]


def test_what_changes_is_found_within_six_seconds(shop: Shop) -> None:
    product = Product.objects.order_by("pk").first()
    assert product is not None
    with unit_of_work():
        Product.objects.filter(pk=product.pk).update(price=Decimal("0.07"))
        catalog.announce(product_ids=[product.pk], now=now())
    begin = time.monotonic()

    found = wait_for(lambda: found_at(shop, "0.07"), "the new price was not found", seconds=30)

    assert (found.json()["results"][0]["id"], found.headers["X-Search-Engine"]) == (product.pk, "elasticsearch")
    assert time.monotonic() - begin < FRESH_SECONDS


def found_at(shop: Shop, price: str) -> httpx.Response | None:
    """What costs that much, once there is something."""
    found = search(shop, price_min=price, price_max=price)
    return found if found.json()["total"] else None


@pytest.mark.parametrize("trouble", ["silent", "refusing"])
def test_while_searches_wait_in_vain_carts_and_checkouts_go_on_as_ever(shop: Shop, way: Way, trouble: str) -> None:
    before = search(shop, q="shoe", sort="price_asc")

    with getattr(way, trouble)(), searching(shop) as answers:
        purchases = [buy(shop.url, as_guest=place % 2 == 0, search="lamp") for place in range(6)]
        during = search(shop, q="shoe", sort="price_asc")
        # What is on sale still changes: whoever searches finds it, in PostgreSQL.
        product = make_product(stock=1, title="Emergency lamp", price="0.09")
        with unit_of_work():
            catalog.announce(product_ids=[product.pk], now=now())
        wait_for(lambda: found_at(shop, "0.09"), "a new product was not found in PostgreSQL", seconds=FRESH_SECONDS)

    assert {purchase.order["status"] for purchase in purchases} <= {"paid", "processing"}
    assert {during.headers["X-Search-Engine"], before.headers["X-Search-Engine"]} == {"postgres", "elasticsearch"}
    assert during.json()["results"] == before.json()["results"]
    assert during.json()["facets"] == before.json()["facets"]
    assert set(answers) == {(200, "postgres")}, answers
    wait_for(lambda: engine_of(shop) == "elasticsearch", "Elasticsearch was not asked again", seconds=30)


@contextmanager
def searching(shop: Shop) -> Iterator[Counter[tuple[int, str]]]:
    """Shoppers who are signed in, and search without a rest; what they got how often, by status and engine or text."""
    answers: Counter[tuple[int, str]] = Counter()
    ended = threading.Event()

    def new_token() -> str:
        account = {"email": f"searcher-{secrets.token_hex(4)}@example.com", "password": secrets.token_urlsafe(16)}
        told = httpx.post(f"{shop.url}/api/v1/auth/register", json=account, timeout=30, trust_env=False)
        return str(told.raise_for_status().json()["token"])

    def shopper(number: int) -> None:
        with httpx.Client(base_url=f"{shop.url}/api/v1", timeout=30, trust_env=False) as api:
            api.headers["Authorization"] = f"Token {tokens[number]}"
            place = 0
            while not ended.is_set():
                place += 1  # never the same twice: no copy is kept of it
                told = api.get("/search", params={"q": "shoe", "price_max": f"{1000 + place * SEARCHERS + number}"})
                answers[told.status_code, told.headers.get("X-Search-Engine") or told.text] += 1

    tokens = [new_token() for _ in range(SEARCHERS)]
    threads = [threading.Thread(target=shopper, args=(number,)) for number in range(SEARCHERS)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert answers


def test_the_index_of_these_tests_is_as_slow_as_productions(shop: Shop) -> None:
    (index,) = indexes.serving()
    told = client().indices.get_settings(index=index)

    assert told[index]["settings"]["index"]["refresh_interval"] == "5s"
