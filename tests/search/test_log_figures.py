"""What staff are told of the log: the last week beside the week before, and no words of few."""

import re
import time
from collections.abc import Sequence
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.roles import create_roles
from core.clock import now
from search.figures import Figure, QueryFigures, search_figures
from search.log_models import SearchLog
from tests.factories import make_user
from tests.search.conftest import NOW
from tests.search.logs import make_click, make_log, make_logs

pytestmark = pytest.mark.django_db
RECENT, BEFORE = NOW - timedelta(days=2), NOW - timedelta(days=9)
PAGE = "admin:search_searchlog_changelist"


def named(rows: Sequence[QueryFigures]) -> list[str]:
    return [row.query for row in rows]


def test_nothing_is_told_of_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(6):  # a savepoint, more time, the three, the savepoint's end
        found = search_figures(now=NOW)

    assert (found.searches, found.empty, found.position) == (Figure(0, 0), Figure(None, None), Figure(None, None))
    assert (found.engines, found.frequent, found.fruitless, found.ignored) == ((), (), (), ())


def test_the_week_is_set_beside_the_one_before() -> None:
    lamps = make_logs("abcd", at=RECENT, query="lamp", total=10)
    make_logs("abcd", at=RECENT, query="sofa", total=0)
    make_click(lamps[0], position=1)
    make_click(lamps[1], position=4)
    before = make_logs("abcde", at=BEFORE, query="lamp", total=10)
    make_click(before[0], position=10)
    make_log(at=NOW - timedelta(days=15), query="lamp")
    make_log(at=RECENT, query="")

    found = search_figures(now=NOW)

    assert found.searches == Figure(8, 5)
    assert found.searches.trend == 60
    assert found.empty == Figure(50.0, 0.0)
    assert found.empty.trend is None
    assert found.clicked == Figure(25.0, 20.0)
    assert found.clicked.trend == 25
    assert found.position == Figure(2.5, 10.0)
    assert found.position.trend == -75


def test_the_edges_of_the_weeks() -> None:
    week = timedelta(days=7)
    for at in (NOW, NOW - week, NOW - week - timedelta(microseconds=1), NOW - 2 * week):
        make_log(at=at)
    make_log(at=NOW - 2 * week - timedelta(microseconds=1))

    assert search_figures(now=NOW).searches == Figure(1, 2)


def test_further_pages_are_no_searches_but_their_clicks_have_a_place() -> None:
    first = make_logs("abc", at=RECENT)
    second = make_log(at=RECENT, page=2, session="a")
    make_click(first[0], position=2)
    make_click(second, position=30)

    found = search_figures(now=NOW)

    assert found.searches.value == 3
    assert found.clicked.value == pytest.approx(100 / 3)
    assert found.position.value == 16
    assert found.frequent[0].position == 16


def test_a_click_told_again_and_a_second_one_change_nothing() -> None:
    (search, *_) = make_logs("abc", at=RECENT)
    make_click(search, position=5)
    for seconds in (1, 2):
        make_click(search, position=5, at=RECENT + timedelta(seconds=seconds))
    make_click(search, position=1, product_id=2, at=RECENT + timedelta(seconds=3))

    found = search_figures(now=NOW)

    assert found.clicked.value == pytest.approx(100 / 3)
    assert found.position.value == 5


def test_latency_by_engine_of_all_lists() -> None:
    for number in range(1, 101):
        make_log(at=RECENT, latency_ms=number, query="")
        make_log(at=BEFORE, latency_ms=number * 2)
    make_log(at=RECENT, latency_ms=7, engine="elasticsearch")

    elastic, postgres = search_figures(now=NOW).engines

    assert (elastic.engine, elastic.median, elastic.slowest.value) == ("elasticsearch", Figure(7, None), 7)
    assert (postgres.engine, postgres.median, postgres.median.trend) == ("postgres", Figure(50.5, 101), -50)
    assert postgres.slowest.value == pytest.approx(95.05)


def test_frequent_queries_with_what_came_of_them() -> None:
    lamps = make_logs("abcd", at=RECENT, query="lamp", total=10)
    make_log(at=RECENT, query="lamp", total=20)
    make_click(lamps[0], position=3)
    make_logs("abc", at=RECENT, query="sofa")
    make_logs("abcde" * 2, at=BEFORE, query="lamp")

    lamp, sofa = search_figures(now=NOW).frequent

    assert (lamp.query, lamp.searches, lamp.searches.trend) == ("lamp", Figure(5, 10), -50)
    assert (lamp.total, lamp.clicked, lamp.position) == (12, 20, 3)
    assert (sofa.query, sofa.searches.trend, sofa.clicked, sofa.position) == ("sofa", None, 0, None)


def test_queries_without_results_are_those_that_find_nothing_unfiltered() -> None:
    make_logs("abcd", at=RECENT, query="unicorn", total=0)
    make_logs("abc", at=BEFORE, query="unicorn", total=0)
    make_logs("abc", at=RECENT, query="narrowed", total=0, filters={"brands": ["acme"]})
    make_logs("abcde", at=RECENT, query="sorted", total=0, filters={"sort": "newest"})
    make_logs("abc", at=RECENT, query="found")

    found = search_figures(now=NOW).fruitless

    assert [(row.query, row.empty) for row in found] == [("sorted", Figure(5, 0)), ("unicorn", Figure(4, 3))]
    assert found[1].empty.trend == 33


def test_words_that_had_to_be_mended_found_nothing() -> None:
    make_logs("abcd", at=RECENT, query="kettel", total=5, mended=True)

    found = search_figures(now=NOW)

    assert found.empty.value == 100
    assert named(found.fruitless) == ["kettel"]


def test_seldom_clicked_queries_were_searched_for_often() -> None:
    for query, searches, clicked in (("often", 25, 1), ("never", 20, 0), ("liked", 30, 20), ("rare", 19, 0)):
        made = make_logs([str(number) for number in range(searches)], at=RECENT, query=query)
        for search in made[:clicked]:
            make_click(search, position=1)

    assert named(search_figures(now=NOW).ignored) == ["never", "often", "liked"]


@pytest.mark.parametrize("sessions", [["a", "b"], ["a"] * 30, [""] * 30, ["a", "b", *[""] * 30]])
def test_words_of_few_are_counted_and_never_shown(sessions: list[str]) -> None:
    make_logs(sessions, at=RECENT, query="private words", total=0)

    found = search_figures(now=NOW)

    assert found.searches.value == len(sessions)
    assert named([*found.frequent, *found.fruitless, *found.ignored]) == []


def test_who_comes_back_with_the_same_words_every_day_is_one_shopper() -> None:
    for day in range(1, 7):
        make_log(at=NOW - timedelta(days=day), query="private words", session=f"hash of day {day}")

    assert search_figures(now=NOW).frequent == ()


def test_twenty_of_each_are_listed() -> None:
    for number in range(25):
        for query, total in ((f"found {number}", 1), (f"lost {number}", 0)):
            make_logs("abc" * (7 + number % 3), at=RECENT, query=query, total=total)

    found = search_figures(now=NOW)

    assert [len(rows) for rows in (found.frequent, found.fruitless, found.ignored)] == [20, 20, 20]


@pytest.fixture
def catalogue_staff() -> Client:
    create_roles()
    user = make_user(is_staff=True)
    user.groups.add(Group.objects.get(name="catalogue"))
    client = Client()
    client.force_login(user)
    return client


def test_staff_of_the_catalogue_see_the_page(catalogue_staff: Client) -> None:
    for row in make_logs("abcd", at=now() - timedelta(hours=1), query="lamp <b>", total=1234):
        make_click(row, position=3)
    make_logs("ab", at=now() - timedelta(hours=1), query="private words")

    page = catalogue_staff.get(reverse(PAGE)).content.decode()

    assert "lamp &lt;b&gt;" in page
    assert "1,234" in page
    assert "private words" not in page
    assert re.search(r"<strong>6</strong>\s*<span class=\"trend\">new</span>", page)
    assert reverse(PAGE) in catalogue_staff.get(reverse("admin:index")).content.decode()


def test_the_page_needs_as_many_statements_however_much_there_is(catalogue_staff: Client) -> None:
    catalogue_staff.get(reverse(PAGE))
    with CaptureQueriesContext(connection) as of_nothing:
        catalogue_staff.get(reverse(PAGE))
    for number in range(30):
        make_logs("abc", at=now() - timedelta(hours=1), query=f"lamp {number}", total=number % 2)
    with CaptureQueriesContext(connection) as of_much:
        catalogue_staff.get(reverse(PAGE))

    assert len(of_much) == len(of_nothing)
    assert len([query for query in of_much if "search_searchlog" in query["sql"]]) == 3
    assert len(of_much) <= 11


@pytest.mark.parametrize("role", [None, "warehouse", "support"])
def test_others_do_not(role: str | None) -> None:
    create_roles()
    user = make_user(is_staff=role is not None)
    if role:
        user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)

    answer = client.get(reverse(PAGE))

    assert answer.status_code == (403 if role else 302)


def test_a_row_of_the_log_has_no_page_of_its_own(catalogue_staff: Client) -> None:
    row = make_log(at=now(), query="private words")

    for address in (f"{row.pk}/change/", f"{row.pk}/", "add/", f"{row.pk}/history/"):
        answer = catalogue_staff.get(reverse(PAGE) + address)

        assert answer.status_code == 404
    assert SearchLog.objects.count() == 1


def test_a_week_of_a_busy_shop_is_counted_in_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO search_searchlog (at, id, query, filters, page, total, engine, fallback, latency_ms, session)
            SELECT %(now)s::timestamptz - n * interval '12 seconds', gen_random_uuid(), 'words ' || n %% 5000, '{}', 1, n %% 7,
                'postgres', false, n %% 100, md5((n %% 900)::text)
            FROM generate_series(1, 100000) n
            """,
            {"now": NOW},
        )

    begin = time.perf_counter()
    found = search_figures(now=NOW)

    assert time.perf_counter() - begin < 5
    assert found.searches.value == 50400
