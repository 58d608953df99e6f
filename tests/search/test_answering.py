"""Searches while Elasticsearch is there, goes, is wrong, and comes back: shoppers get the same answer each time."""

import socket
import threading
import uuid
from collections.abc import Iterator
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries, Settings

from catalog.models import ProductFamily
from catalog.types import ListingFilters, SortOrder
from core.errors import InvalidInput
from search import answering, breaker, copying, services
from search.breaker import Breaker
from search.elastic import indexes
from search.errors import PageTooDeep, SearchUnavailable
from search.selectors import search
from search.types import Found, SearchPage, SearchRequest
from tests.factories import make_category, make_family, make_product
from tests.search.conftest import NOW, fill
from tests.servers.elasticsearch import private_elasticsearch
from tests.servers.waiting import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers]
CHEAPEST = ListingFilters(sort=SortOrder.PRICE_ASC)


@pytest.fixture(autouse=True)
def fresh_breaker(monkeypatch: pytest.MonkeyPatch) -> Breaker:
    """One that no other test has opened."""
    fresh = Breaker(f"test-{uuid.uuid4().hex[:8]}")
    monkeypatch.setattr(answering, "breaker", fresh)
    cache.clear()
    return fresh


@pytest.fixture
def black_hole() -> Iterator[str]:
    """The address of something that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def told(page: SearchPage) -> tuple[list[int], int, object]:
    """What shoppers see of a page, whoever answered."""
    return [card.product_id for card in page.cards], page.total, page.facets


@pytest.fixture
def filled(elastic: None) -> None:
    """Families in both engines."""
    fill(45)
    services.build_documents(now=NOW)
    copying.build_index(now=NOW)


@pytest.mark.usefixtures("filled")
def test_while_it_is_there_elasticsearch_answers(settings: Settings) -> None:
    settings.SEARCH_DEADLINE *= 20  # it may be cold

    page = search(filters=CHEAPEST)

    assert (page.engine, page.fallback, page.stale, page.total, page.pages) == ("elasticsearch", False, False, 45, 3)
    settings.ELASTICSEARCH_URL = ""
    alone = search(filters=CHEAPEST)
    assert (alone.engine, alone.fallback) == ("postgres", False)
    assert told(alone) == told(page)


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("engine", ["_elasticsearch", "_postgres"])
def test_who_waits_for_a_search_holds_no_connection_that_others_need(
    engine: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ELASTICSEARCH_URL = settings.ELASTICSEARCH_URL if engine == "_elasticsearch" else ""
    held: list[bool] = []
    asked = getattr(answering, engine)

    class Watched:
        name = asked.name

        def search(self, request: SearchRequest, *, seconds: float) -> Found:
            held.append(connection.connection is not None)
            found: Found = asked.search(request, seconds=max(seconds, 10.0))
            return found

    monkeypatch.setattr(answering, engine, Watched())
    assert ProductFamily.objects.exists()  # as whoever is signed in has been looked up

    search(filters=CHEAPEST)

    assert held == [False]


@pytest.mark.django_db(transaction=True, databases=["default", "search"])
@pytest.mark.usefixtures("filled")
def test_the_fallback_has_connections_of_its_own_and_gives_them_back(settings: Settings) -> None:
    settings.ELASTICSEARCH_URL, settings.SEARCH_DATABASE = "", "search"

    with CaptureQueriesContext(connection) as others, CaptureQueriesContext(connections["search"]) as own:
        page = search(filters=CHEAPEST)

    assert (page.engine, page.total) == ("postgres", 45)
    assert [query["sql"] for query in own if "search_searchvariant" in query["sql"]]
    assert not [query["sql"] for query in others if "search_searchvariant" in query["sql"]]
    assert connections["search"].connection is None


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("trouble", ["refuses", "never answers", "has lost the index"])
def test_in_trouble_postgresql_gives_the_same_answer_and_after_three_it_is_not_asked(
    trouble: str, settings: Settings, black_hole: str
) -> None:
    before = search(filters=CHEAPEST)
    if trouble == "has lost the index":
        indexes.drop(list(indexes.all_of_ours()))
    else:
        settings.ELASTICSEARCH_URL = black_hole if trouble == "never answers" else "http://127.0.0.1:9"

    during = [search(filters=CHEAPEST) for _ in range(3)]

    assert [(page.engine, page.fallback, page.stale) for page in during] == [("postgres", True, False)] * 3
    assert [told(page) for page in during] == [told(before)] * 3
    assert not answering.breaker.lets_pass()
    assert told(search(filters=CHEAPEST)) == told(before)


@pytest.mark.usefixtures("filled")
def test_a_request_that_elasticsearch_finds_wrong_is_answered_and_opens_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = search(filters=CHEAPEST)
    monkeypatch.setattr("search.elastic.engine.sorting", lambda _: [{"no_such_field": "sideways"}])

    during = [search(filters=CHEAPEST) for _ in range(5)]

    assert [(page.engine, page.fallback) for page in during] == [("postgres", True)] * 5
    assert told(during[-1]) == told(before)
    assert answering.breaker.lets_pass()


def test_killed_and_started_again_it_is_found_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.2)
    fill(25)
    services.build_documents(now=NOW)
    with private_elasticsearch() as server:
        settings.ELASTICSEARCH_URL = server.url
        copying.build_index(now=NOW)
        before = search(filters=CHEAPEST)

        server.kill()
        during = [search(filters=CHEAPEST) for _ in range(4)]
        server.start()
        after = wait_for(_from_elasticsearch, "Elasticsearch was not asked again", seconds=30)

    assert before.engine == "elasticsearch"
    assert [(page.engine, told(page)) for page in during] == [("postgres", told(before))] * 4
    assert told(after) == told(before)


def _from_elasticsearch() -> SearchPage | None:
    page = search(filters=CHEAPEST)
    return page if page.engine == "elasticsearch" else None


def test_where_postgresql_is_full_the_last_good_copy_is_shown_and_else_a_refusal(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(25)
    services.build_documents(now=NOW)
    before = search(filters=CHEAPEST)
    full = threading.BoundedSemaphore(1)
    monkeypatch.setattr(answering, "_room", full)
    settings.SEARCH_FALLBACK_DEADLINE = settings.SEARCH_FALLBACK_DEADLINE / 20

    with full:
        copy = search(filters=CHEAPEST)
        with pytest.raises(SearchUnavailable) as refusal:
            search(filters=ListingFilters(sort=SortOrder.RATING))

    assert (copy.stale, copy.engine) == (True, "postgres")
    assert told(copy) == told(before)
    assert refusal.value.retry_after == 5


def test_a_walk_by_cursor_comes_to_the_end_also_behind_the_last_numbered_page() -> None:
    fill(45)
    services.build_documents(now=NOW)

    first = search(filters=CHEAPEST)
    second = search(filters=CHEAPEST, cursor=first.cursor)
    third = search(filters=CHEAPEST, cursor=second.cursor)

    walked = [card.family_id for page in (first, second, third) for card in page.cards]
    assert (len(walked), len(set(walked)), third.cursor) == (45, 45, None)
    with pytest.raises(PageTooDeep):
        search(filters=CHEAPEST, page=501)


@pytest.mark.parametrize("cursor", ["x", "x" * 10_000, "bm90OmE6Y3Vyc29y", "\x00"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        search(filters=CHEAPEST, cursor=cursor)

    assert [error.pointer for error in refusal.value.errors] == ["/cursor"]


def test_the_cursor_of_another_search_is_refused() -> None:
    fill(25)
    services.build_documents(now=NOW)
    page = search(filters=CHEAPEST)

    with pytest.raises(InvalidInput):
        search(filters=ListingFilters(sort=SortOrder.PRICE_DESC), cursor=page.cursor)


def test_prices_are_those_of_now_and_what_went_off_sale_is_left_out() -> None:
    kept, gone = (make_product(family=make_family(title="Lamp"), price="10.00") for _ in range(2))
    services.build_documents(now=NOW)
    kept.price = Decimal("7.00")
    kept.save()
    ProductFamily.objects.filter(pk=gone.family_id).update(is_active=False)

    page = search(filters=ListingFilters(query="lamp"))

    assert [(card.product_id, str(card.price)) for card in page.cards] == [(kept.pk, "7.00 USD")]


def test_facets_name_what_they_count_and_the_tree_opens_on_the_way_to_the_category() -> None:
    kitchen = make_category(name="Kitchen")
    knives = make_category(kitchen, name="Knives")
    kitchen.refresh_from_db()
    pans = make_category(kitchen, name="Pans")
    garden = make_category(name="Garden")
    for category in (knives, knives, pans, garden):
        make_product(family=make_family(category=category))
    services.build_documents(now=NOW)

    closed = search(filters=ListingFilters())
    opened = search(filters=ListingFilters(category="kitchen/knives"))

    assert [(link.name, link.count) for link in closed.facets.categories] == [("Garden", 1), ("Kitchen", 3)]
    assert [(link.path, link.count) for link in opened.facets.categories] == [
        ("garden", 1),
        ("kitchen", 3),
        ("kitchen/knives", 2),
        ("kitchen/pans", 1),
    ]
    assert opened.total == 2


def test_a_search_takes_as_many_statements_for_one_family_as_for_many(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    fill(40)
    services.build_documents(now=NOW)
    search(filters=CHEAPEST)

    for filters in (CHEAPEST, ListingFilters(query="shoe", in_stock=True)):
        known = (
            2 if filters.query else 1
        )  # what staff said of the words and what is known of them, or how much there is
        with django_assert_num_queries(known + 2 + 2):  # hits, counts; cards, names
            search(filters=filters)
