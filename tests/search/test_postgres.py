"""The PostgreSQL engine alone: what it costs, how it fails, and what it does with very much."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper
from pytest_django import DjangoAssertNumQueries, Settings

from catalog.models import Brand
from catalog.types import ListingFilters, SortOrder
from search import services, sql, sql_counts
from search.conditions import Statement
from search.errors import EngineFailed
from search.models import SearchDocument
from search.postgres import PostgresEngine
from search.types import EXACT_TO, Counts, Found, SearchRequest
from tests.factories import make_category, make_family, make_product
from tests.search.conftest import NOW, crowd, fill

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers]
ENGINE = PostgresEngine()
SECONDS = 10.0
EVERYTHING = ListingFilters()


def a_search(filters: ListingFilters = EVERYTHING, *, seconds: float = SECONDS, with_facets: bool = True) -> Found:
    """What the engine answers."""
    return ENGINE.search(SearchRequest(filters=filters, with_facets=with_facets), seconds=seconds)


@pytest.fixture
def other_database(settings: Settings) -> Iterator[Callable[..., DatabaseWrapper]]:
    """Makes a connection of its own the one that is searched: to the same database, but for what is given."""
    name = "searched elsewhere"
    made: list[DatabaseWrapper] = []

    def make_other(**changed: Any) -> DatabaseWrapper:
        other = connections["default"].copy(alias=name)
        assert isinstance(other, DatabaseWrapper)
        other.settings_dict |= changed
        connections[name] = other
        settings.SEARCH_DATABASE = name
        made.append(other)
        return other

    yield make_other
    for other in made:
        other.close()
        other.close_pool()
        del connections[name]


@pytest.mark.parametrize("families", [1, 30])
def test_it_takes_two_messages_whatever_is_asked(
    families: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    fill(families)
    services.build_documents(now=NOW)

    chosen = ListingFilters(sort=SortOrder.PRICE_ASC, attributes=(("colour", ("Red",)),), in_stock=True)
    for filters in (EVERYTHING, chosen):
        with django_assert_num_queries(2):
            a_search(filters)


def test_without_facets_none_are_counted() -> None:
    fill(5)
    services.build_documents(now=NOW)

    found = a_search(ListingFilters(in_stock=True), with_facets=False)

    assert found.total == len(found.hits) > 0
    assert found.counts == Counts()


def test_what_is_set_for_a_search_ends_with_it() -> None:
    names = ("statement_timeout", "jit", "work_mem", "random_page_cost")
    before = [_setting(name) for name in names]

    a_search()

    assert [_setting(name) for name in names] == before


def test_a_search_ends_at_its_deadline_and_the_next_one_is_answered() -> None:
    fill(3)
    services.build_documents(now=NOW)
    locked, over = threading.Event(), threading.Event()

    def lock() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("BEGIN; LOCK TABLE search_searchdocument IN ACCESS EXCLUSIVE MODE")
            locked.set()
            over.wait(SECONDS)
            cursor.execute("ROLLBACK")
        connections.close_all()

    thread = threading.Thread(target=lock)
    thread.start()
    assert locked.wait(SECONDS)
    begin = time.monotonic()
    try:
        with pytest.raises(EngineFailed, match="statement timeout"):
            a_search(seconds=0.2)
    finally:
        over.set()
        thread.join()

    assert time.monotonic() - begin < 2
    assert a_search().total == 3


def test_a_database_that_is_away_is_a_failure(other_database: Callable[..., DatabaseWrapper]) -> None:
    other_database(HOST="127.0.0.1", PORT="9")

    with pytest.raises(EngineFailed):
        a_search()


def test_a_pool_without_a_free_connection_is_a_failure(other_database: Callable[..., DatabaseWrapper]) -> None:
    options = connections["default"].settings_dict["OPTIONS"]
    pool = {"min_size": 1, "max_size": 1, "timeout": 0.2}
    other = other_database(CONN_MAX_AGE=0, OPTIONS={**options, "pool": pool})

    assert a_search().total == 0
    other.close()  # gives its connection back

    taken = other.pool.getconn()
    with pytest.raises(EngineFailed):
        a_search()
    other.pool.putconn(taken)

    assert a_search().total == 0


def test_facets_of_a_few_are_exact_in_a_shop_of_very_many() -> None:
    """They were once counted among the families that the whole shop shows first."""
    crowded, quiet = make_category(name="Crowded"), make_category(name="Quiet")
    rare = Brand.objects.create(name="Rare", slug="rare")
    like = make_product(
        family=make_family(title="Clip", category=crowded), price="5.00", stock=5, rating=5, review_count=1000
    )
    for price in ("1.00", "30.00", "60.00"):
        make_product(family=make_family(title="Vase", category=quiet, brand=rare), price=price)
    services.build_documents(now=NOW)
    crowd(like.family_id, 2 * EXACT_TO)

    found = a_search(ListingFilters(category="quiet"))

    assert (found.total, found.total_is_exact, len(found.hits)) == (3, True, 3)
    assert found.counts.brands == {"rare": 3}
    assert found.counts.price_ranges == (1, 1, 1, 0, 0)
    assert found.counts.in_stock == 0
    assert found.counts.approximate  # the categories one could choose instead
    assert not a_search(ListingFilters(brands=("rare",)), with_facets=False).counts.approximate


def test_of_very_many_those_shown_first_are_counted() -> None:
    like = make_product(family=make_family(title="Clip"), price="5.00", stock=5)
    services.build_documents(now=NOW)
    crowd(like.family_id, EXACT_TO)

    found = a_search()

    assert (found.total, found.total_is_exact) == (EXACT_TO, False)
    assert found.counts.approximate
    assert sum(found.counts.brands.values()) == found.counts.price_ranges[0] == found.counts.in_stock == EXACT_TO + 1


@pytest.mark.parametrize(
    ("sort", "index"),
    [
        (SortOrder.RELEVANCE, "search_document_shown"),
        (SortOrder.PRICE_ASC, "search_variant_price"),
        (SortOrder.PRICE_DESC, "search_variant_price"),
        (SortOrder.RATING, "search_document_rated"),
        (SortOrder.NEWEST, "search_document_newest"),
        (SortOrder.BEST_SELLING, "search_document_sold"),
    ],
)
def test_a_page_of_very_many_is_read_along_an_index_also_behind_a_cursor(sort: str, index: str) -> None:
    like = make_product(family=make_family(title="Clip"), price="5.00")
    services.build_documents(now=NOW)
    crowd(like.family_id, EXACT_TO)
    _spread()
    first = ENGINE.search(SearchRequest(filters=ListingFilters(sort=sort)), seconds=SECONDS)

    begun = _plan(sql.hits(SearchRequest(filters=ListingFilters(sort=sort))))
    led_on = _plan(sql.hits(SearchRequest(filters=ListingFilters(sort=sort), after=first.after)))

    for plan in (begun, led_on):
        assert index in plan, plan
        assert "Seq Scan" not in plan, plan
    assert "Index Cond" in led_on[led_on.index(index) :].split("->")[0], led_on


def test_what_facets_of_a_department_are_counted_from_lies_in_the_index() -> None:
    like = make_product(family=make_family(title="Clip", category=make_category(name="Clips")), stock=5)
    services.build_documents(now=NOW)
    crowd(like.family_id, EXACT_TO)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE search_searchdocument")

    plan = _plan(sql_counts.counts(SearchRequest(filters=ListingFilters(category="clips"))))

    assert "Index Only Scan using search_document_shown" in plan, plan


def test_the_longest_addresses_fit_into_the_index() -> None:
    fill(1)
    services.build_documents(now=NOW)
    parts = [f"{place}{'abcdefghij' * 4}"[:38] for place in range(12)]
    paths = ["/".join(parts[: depth + 1]) for depth in range(12)]

    assert len(paths[-1]) <= 500
    SearchDocument.objects.update(categories=paths, brand="b" * 200)

    assert a_search(ListingFilters(category=paths[-1])).total == 1


def _setting(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])


def _spread() -> None:
    """Different prices, ratings and so on: an index of one value orders nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE search_searchdocument SET rating = (family_id %% 500) / 100.0, review_count = family_id %% 97,
                units_sold = family_id %% 1009, popularity = (family_id %% 991) / 991.0,
                released_at = '2026-01-01'::timestamptz + make_interval(mins => (family_id %% 9973)::int)
        """,
            {},
        )
        cursor.execute("UPDATE search_searchvariant SET price = product_id %% 499", {})
        cursor.execute("VACUUM ANALYZE search_searchdocument, search_searchvariant")


def _plan(statement: Statement) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement.text}", statement.parameters)
        return "\n".join(row[0] for row in cursor.fetchall())
