"""Answers that do not arrive whole, over a real way to a real Elasticsearch that is cut."""

import time
import uuid
from collections.abc import Iterator

import pytest
from django.core.cache import cache
from pytest_django import Settings

from catalog.types import ListingFilters
from search import answering, copying, services
from search.breaker import Breaker
from search.elastic.client import client, failures
from search.errors import EngineFailed
from search.models import SearchDocument
from search.selectors import search
from tests.factories import make_product
from tests.search.conftest import NOW, fill
from tests.servers.toxiproxy import Way, running_toxiproxy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers, pytest.mark.fault]
AMONG_HEADERS = 60


@pytest.fixture
def way(elastic: None, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Way]:
    """The only one that the shop has to Elasticsearch."""
    monkeypatch.setattr(answering, "breaker", Breaker(f"test-{uuid.uuid4().hex[:8]}"))
    cache.clear()
    straight = settings.ELASTICSEARCH_URL
    with running_toxiproxy() as toxiproxy:
        way = toxiproxy.before(straight)
        settings.ELASTICSEARCH_URL = way.url
        yield way
        settings.ELASTICSEARCH_URL = straight


@pytest.mark.parametrize("size", [1, 20, AMONG_HEADERS, 120, 250, 400])
def test_an_answer_that_is_cut_off_anywhere_is_a_failure(way: Way, size: int) -> None:
    def health() -> str:
        with failures():
            return str(client().cluster.health()["cluster_name"])

    with way.cutting_after(size), pytest.raises(EngineFailed):
        health()

    assert health() == "shop-tests"


def test_an_answer_that_trickles_in_is_given_up_when_its_time_is_over(way: Way) -> None:
    with failures():
        client().cluster.health()

    begin = time.monotonic()
    with way.trickling(20, 0.2), pytest.raises(EngineFailed), failures():
        client(seconds=1.0).cluster.health()

    assert time.monotonic() - begin < 2.0  # each piece came in time; all of them would have taken about five seconds


def test_shoppers_get_the_same_answer_and_elasticsearch_what_it_was_not_sent(way: Way) -> None:
    fill(25)
    services.build_documents(now=NOW)
    copying.build_index(now=NOW)
    before = search(filters=ListingFilters())
    make_product()
    services.build_documents(now=NOW)

    with way.cutting_after(AMONG_HEADERS):
        during = search(filters=ListingFilters())
        with pytest.raises(EngineFailed):
            copying.send_changes(now=NOW)

    assert (before.engine, before.total) == ("elasticsearch", 25)
    assert (during.engine, during.fallback, during.total) == ("postgres", True, 26)
    assert copying.send_changes(now=NOW) == 1
    assert not SearchDocument.objects.filter(indexed_version=0).exists()
