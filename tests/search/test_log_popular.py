"""What many search for may be suggested; what few typed never is."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from search.log_models import PopularQuery
from search.log_services import count_popular
from search.popular import popular_queries
from tests.search.logs import make_log, make_logs

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
YESTERDAY, LONG_AGO = NOW - timedelta(days=1), NOW - timedelta(days=31)


def popular() -> list[str]:
    count_popular(now=NOW)
    return list(PopularQuery.objects.order_by("query").values_list("query", flat=True))


def test_five_shoppers_on_two_days_make_a_query_popular() -> None:
    make_logs("abc", at=YESTERDAY, query="lamp", total=9)
    make_logs("dea", at=NOW, query="lamp", total=7)

    assert count_popular(now=NOW) == 1

    row = PopularQuery.objects.get()
    assert (row.query, row.searches, row.sessions, row.total, row.updated_at) == ("lamp", 6, 6, 7, NOW)


@pytest.mark.parametrize(
    ("yesterday", "today"),
    [
        ("ab", "cd"),  # four
        ("", "abcdefgh"),  # on one day
        ("aaaaa", "bbbbb"),  # two who repeat themselves
        (["", "", "", "", "a"], ["", "b", "c"]),  # nobody knows who
    ],
)
def test_fewer_do_not(yesterday: list[str], today: list[str]) -> None:
    make_logs(yesterday, at=YESTERDAY)
    make_logs(today, at=NOW)

    assert popular() == []


def test_one_shopper_who_comes_back_every_day_is_no_crowd() -> None:
    for day in range(20):
        make_logs([f"hash of day {day}"], at=NOW - timedelta(days=day), query="my own name")
        make_logs([f"phone {day}", f"laptop {day}"], at=NOW - timedelta(days=day), query="our own name")

    assert popular() == []


def crowd(query: str, **fields: object) -> None:
    make_logs("abc", at=YESTERDAY, query=query, **fields)
    make_logs("def", at=YESTERDAY - timedelta(days=1), query=query, **fields)


def test_what_finds_nothing_any_more_is_not_suggested() -> None:
    for query in ("gone", "back", "narrowed"):
        crowd(query, total=5)
    make_log(at=NOW, query="gone", total=0)
    make_log(at=NOW - timedelta(hours=1), query="back", total=0)
    make_log(at=NOW, query="back", total=1)
    make_log(at=NOW, query="narrowed", total=0, filters={"brands": ["acme"]})

    assert popular() == ["back", "narrowed"]


def test_a_slip_of_the_finger_is_not_suggested() -> None:
    crowd("kettel", total=5, mended=True)
    crowd("lamp", total=5)

    assert popular() == ["lamp"]


def test_what_is_popular_is_suggested_to_everybody(client: Client) -> None:
    crowd("red lamp")
    make_logs("ab", at=YESTERDAY, query="red and private")
    count_popular(now=NOW)

    assert client.get("/api/v1/search/suggest", {"q": "Red"}).json()["queries"] == ["red lamp"]
    assert "red lamp" in client.get("/search/suggestions/", {"q": "re"}).content.decode()
    assert client.get("/api/v1/search/suggest", {"q": "r"}).json()["queries"] == []


def test_old_searches_further_pages_and_categories_do_not_count() -> None:
    for moment in (LONG_AGO, LONG_AGO - timedelta(days=1)):
        make_logs("abcde", at=moment, query="old")
    crowd("further", page=2)
    crowd("")

    assert popular() == []


def test_what_is_popular_no_longer_goes() -> None:
    PopularQuery.objects.create(query="former", searches=9, sessions=9, total=1, updated_at=LONG_AGO)
    PopularQuery.objects.create(query="lamp", searches=99, sessions=99, total=99, updated_at=LONG_AGO)
    crowd("lamp")

    assert popular() == ["lamp"]
    assert PopularQuery.objects.get().searches == 6


def test_it_is_counted_in_one_statement(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    crowd("lamp")

    with django_assert_num_queries(4):  # BEGIN, a longer time for it, the statement, COMMIT
        count_popular(now=NOW)


def test_suggestions_begin_with_what_was_typed_most_wanted_first(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    for query, sessions in {"red lamp": 5, "red lamps": 9, "red sofa": 7, "blue lamp": 6, "100 wool": 5}.items():
        PopularQuery.objects.create(query=query, searches=10, sessions=sessions, total=1, updated_at=NOW)

    with django_assert_num_queries(1):
        found = popular_queries(prefix="  RÉD L", limit=5)
    assert found == ("red lamps", "red lamp")
    assert popular_queries(prefix="red", limit=2) == ("red lamps", "red sofa")
    assert popular_queries(prefix="", limit=1) == ("red lamps",)
    assert popular_queries(prefix="100%", limit=5) == ("100 wool",)
    assert popular_queries(prefix="lamp", limit=5) == ()
