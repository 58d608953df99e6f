"""Elasticsearch in every kind of trouble, the real one behind Toxiproxy: shoppers see the same results, in time, each time."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from pytest_django import Settings

from catalog.models import Product
from catalog.types import ListingFilters, SortOrder
from search import answering, breaker, copying, services
from search.breaker import Breaker
from search.elastic import indexes
from search.elastic.client import client
from search.errors import EngineFailed
from search.models import SearchDocument, SearchIndex
from search.selectors import search
from search.types import SearchPage
from tests.factories import make_product
from tests.search.conftest import NOW, fill
from tests.servers.elasticsearch import private_elasticsearch
from tests.servers.elasticsearch_node import ElasticsearchServer
from tests.servers.stand_in import Answer, standing_in
from tests.servers.toxiproxy import Way, running_toxiproxy
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers, pytest.mark.fault]
SHOWN = ListingFilters(query="shoe", sort=SortOrder.PRICE_ASC)
TROUBLES: dict[str, Callable[[Way], AbstractContextManager[None]]] = {
    "refuses": lambda way: way.refusing(),
    "takes requests and never answers": lambda way: way.silent(),
    "takes connections and no request": lambda way: way.deaf(),
    "cuts its answers among the headers": lambda way: way.cutting_after(60),
    "answers half a body": lambda way: way.cutting_after(700),
    "answers too late": lambda way: way.slow(2.0),
    "answers in drops": lambda way: way.trickling(200, 0.3),
}
_BLOCK = "index.blocks.read_only_allow_delete"


@pytest.fixture
def way(elastic: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    """The only one that the shop has to an Elasticsearch with 25 families."""
    monkeypatch.setattr(answering, "breaker", Breaker(f"test-{uuid.uuid4().hex[:8]}"))
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.3)
    cache.clear()
    fill(25)
    services.build_documents(now=NOW)
    straight = settings.ELASTICSEARCH_URL
    with running_toxiproxy() as toxiproxy:
        way = toxiproxy.before(straight)
        settings.ELASTICSEARCH_URL = way.url
        copying.build_index(now=NOW)
        yield way
        settings.ELASTICSEARCH_URL = straight


def told(page: SearchPage) -> tuple[list[int], int, object]:
    """What shoppers see of a page, whoever answered."""
    return [card.product_id for card in page.cards], page.total, page.facets


def from_elasticsearch() -> SearchPage:
    """The page once Elasticsearch answers, which it does not in time while it warms up, or the breaker is open."""

    def asked() -> SearchPage | None:
        page = search(filters=SHOWN)
        return page if page.engine == "elasticsearch" else None

    page = wait_for(asked, "Elasticsearch was not asked", seconds=30)
    assert page is not None
    return page


@contextmanager
def answering_503() -> Iterator[str]:
    """The address of a node that is too busy for anything."""
    body = json.dumps({"error": {"type": "cluster_block_exception", "reason": "busy"}, "status": 503})
    headers = {"Content-Type": "application/json", "X-Elastic-Product": "Elasticsearch"}
    with standing_in(lambda _: Answer(body, 503, headers)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("trouble", TROUBLES)
def test_results_are_the_same_and_in_time_while_it_lasts_and_elasticsearch_answers_when_it_ends(
    way: Way, trouble: str, settings: Settings
) -> None:
    before = from_elasticsearch()

    with TROUBLES[trouble](way):
        during = [search(filters=SHOWN) for _ in range(4)]

    assert [(page.engine, page.fallback, page.stale) for page in during] == [("postgres", True, False)] * 4
    assert [told(page) for page in during] == [told(before)] * 4
    allowed = settings.SEARCH_DEADLINE + settings.SEARCH_FALLBACK_DEADLINE
    assert max(page.latency_ms for page in during) < allowed / timedelta(milliseconds=1)
    assert told(from_elasticsearch()) == told(before)


def test_what_is_too_busy_is_a_failure(way: Way, settings: Settings) -> None:
    before = from_elasticsearch()
    straight = settings.ELASTICSEARCH_URL

    with answering_503() as settings.ELASTICSEARCH_URL:
        during = [search(filters=SHOWN) for _ in range(3)]
        opened = not answering.breaker.lets_pass()
        with pytest.raises(EngineFailed, match="503"):
            client_health()
    settings.ELASTICSEARCH_URL = straight

    assert [(page.engine, told(page)) for page in during] == [("postgres", told(before))] * 3
    assert opened
    assert told(from_elasticsearch()) == told(before)


def client_health() -> None:
    """Any request."""
    indexes.refresh(indexes.alias())


@pytest.mark.usefixtures("way")
def test_while_its_disk_is_full_it_is_searched_and_changes_wait_until_it_takes_them() -> None:
    before = from_elasticsearch()
    (index,) = indexes.serving()
    client().indices.put_settings(index=index, settings={_BLOCK: True})
    product = make_product(price="0.00", title="Cheap shoe")
    services.build_documents(now=NOW)

    sent = copying.follow_documents(now=NOW)
    during = from_elasticsearch()
    waiting = SearchDocument.objects.filter(indexed_version=0).count()
    client().indices.put_settings(index=index, settings={_BLOCK: None})
    sent_then = copying.send_changes(now=NOW)
    indexes.refresh(index)

    assert (sent, waiting, sent_then) == (0, 1, 1)
    assert told(during) == told(before)
    assert product.pk in {card.product_id for card in from_elasticsearch().cards}


@pytest.mark.usefixtures("way")
def test_an_index_that_is_lost_while_shoppers_search_is_built_anew_beside_them() -> None:
    before = from_elasticsearch()
    indexes.drop(list(indexes.all_of_ours()))

    during = [search(filters=SHOWN) for _ in range(3)]
    copying.build_missing_index(now=NOW + timedelta(seconds=1))

    assert [(page.engine, told(page)) for page in during] == [("postgres", told(before))] * 3
    assert told(from_elasticsearch()) == told(before)


def test_killed_while_an_index_is_built_it_goes_on_serving_what_it_had_and_the_build_goes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "BATCH", 5)
    monkeypatch.setattr(copying, "SENDERS", 1)
    monkeypatch.setattr(answering, "breaker", Breaker(f"test-{uuid.uuid4().hex[:8]}"))
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.3)
    fill(20)
    services.build_documents(now=NOW)
    with private_elasticsearch() as server:
        settings.ELASTICSEARCH_URL = server.url
        old = copying.build_index(now=NOW)
        before = from_elasticsearch()

        with pytest.raises(EngineFailed):
            copying.build_index(now=NOW + timedelta(seconds=1), advance=killing(server, after=10))
        during = search(filters=SHOWN)
        built_to = SearchIndex.objects.get(state="building").built_to
        server.start()
        served = indexes.serving()
        after = from_elasticsearch()
        Product.objects.update(price=Decimal(3))
        services.build_documents(now=NOW)
        steps: list[int] = []
        new = copying.build_index(now=NOW + timedelta(seconds=2), advance=steps.append)
        rebuilt = from_elasticsearch()

    assert (during.engine, told(during), told(after)) == ("postgres", told(before), told(before))
    assert built_to
    assert served == {old}
    assert new != old
    assert steps == [10, 5, 5]  # what the node had taken before it was killed was not sent again
    assert {card.price.amount for card in rebuilt.cards} == {Decimal(3)}


def killing(server: ElasticsearchServer, *, after: int) -> Callable[[int], None]:
    """Kills the node when so many documents have been sent."""
    sent = []

    def advance(documents: int) -> None:
        sent.append(documents)
        if sum(sent) == after:
            server.kill()

    return advance
