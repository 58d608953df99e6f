"""Searches and clicks are logged as they were, of nobody who can be named."""

import json
import re
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from catalog.models import Attribute, ProductAttribute
from core.shopper import COOKIE, HEADER
from search import services
from search.log_models import SearchClick, SearchLog
from search.logbook import BOOK
from search.models import QueryRule
from tests.factories import make_category, make_family, make_product, make_user
from tests.search.conftest import NOW
from tests.search.logs import CLICKS, GOOD_CLICK, clicks, logged

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "t" * 43
ADDRESS = "198.51.100.77"


@pytest.fixture
def lamps() -> None:
    """Two lamps in a category, one red."""
    lighting = make_category(name="Lighting")
    colour = Attribute.objects.create(code="colour", name="Colour", is_filter=True)
    for value in ("Red", "Blue"):
        product = make_product(family=make_family(title=f"{value} lamp", category=lighting), price=Decimal(30))
        ProductAttribute.objects.create(product=product, attribute=colour, value=value)
    services.build_documents(now=NOW)


@pytest.mark.usefixtures("lamps")
def test_a_search_through_the_api_is_logged_as_it_was(client: Client) -> None:
    asked = "q=L%C3%81MP!+&attr.colour=Red&price_min=10&sort=price_asc&unknown=1"

    answer = client.get(f"/api/v1/search?{asked}", headers={HEADER: TOKEN}, REMOTE_ADDR=ADDRESS).json()

    (row,) = logged()
    assert str(row.id) == answer["search_id"]
    assert (row.query, row.page, row.total, row.engine, row.fallback) == ("lamp", 1, 1, "postgres", False)
    assert row.filters == {"attributes": {"colour": ["Red"]}, "price_min": "10", "sort": "price_asc"}
    assert row.latency_ms == answer["latency_ms"]
    assert re.fullmatch("[0-9a-f]{32}", row.session)


@pytest.mark.usefixtures("lamps")
def test_pages_are_logged_with_the_number_they_carry(client: Client) -> None:
    found = client.get("/search/", {"q": "lamps"}).content.decode()
    listed = client.get("/c/lighting/").content.decode()

    searched, browsed = logged()
    assert f'data-search="{searched.id}"' in found
    assert f'data-search="{browsed.id}"' in listed
    assert (searched.query, searched.filters, searched.total) == ("lamps", {}, 2)
    assert (browsed.query, browsed.filters, browsed.total) == ("", {"category": "lighting"}, 2)


def test_further_pages_are_logged_with_their_place(client: Client) -> None:
    for _ in range(25):
        make_product(title="Lamp")
    services.build_documents(now=NOW)

    first = client.get("/api/v1/search", {"q": "lamp"}).json()
    client.get("/api/v1/search", {"q": "lamp", "cursor": str(first["cursor"])})
    page = client.get("/search/", {"q": "lamp", "page": "2"}).content.decode()

    assert [(row.page, row.total) for row in logged()] == [(1, 25), (2, 25), (2, 25)]
    assert re.findall(r'data-position="(\d+)"', page) == [str(place) for place in range(21, 26)]


def test_a_category_that_has_moved_is_logged_once(client: Client) -> None:
    category = make_category(name="Lamps")
    make_product(family=make_family(category=category))
    category.slug = "lights"
    category.save()
    services.build_documents(now=NOW)

    found = client.get("/api/v1/search", {"category": "lamps"}).json()

    (row,) = logged()
    assert (row.total, str(row.id)) == (found["total"], found["search_id"])


@pytest.mark.usefixtures("lamps")
def test_words_that_were_mended_are_logged_as_they_were_typed(client: Client) -> None:
    client.get("/api/v1/search", {"q": "lamp"})
    answer = client.get("/api/v1/search", {"q": "lamp zzyzx"}).json()

    found, mended = logged()
    assert answer["total"] == mended.total == 2
    assert (found.mended, mended.mended, mended.query) == (False, True, "lamp zzyzx")


def test_what_is_refused_is_not_logged(client: Client) -> None:
    client.get("/api/v1/search", {"page": "0"})
    client.get("/search/", {"rating": "9"})
    client.get("/c/nowhere/")

    assert logged() == []


@pytest.mark.parametrize("query", ["x" * 5000, "ﷺ" * 300, "a " * 300, "\U0001f600", "!?"])
def test_a_query_of_any_length_has_room(client: Client, query: str) -> None:
    asked = {"q": query, "brand": ["b" * 300] * 60, f"attr.{'n' * 500}": "v" * 500}

    client.get(f"/api/v1/search?{urlencode(asked, doseq=True)}")

    (row,) = logged()
    assert len(row.query) <= 200
    assert row.query == row.query.strip()
    assert len(json.dumps(row.filters)) < 2000


@pytest.mark.usefixtures("lamps")
def test_a_click_is_logged_without_a_query_a_login_or_a_token(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    search_id = str(uuid.uuid4())
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_user())

    with django_assert_num_queries(0):
        answer = strict.post(
            CLICKS, {"search_id": search_id, "position": 20, "product_id": 7}, content_type="application/json"
        )

    (row,) = clicks()
    assert (answer.status_code, answer.content) == (202, b"")
    assert (str(row.search_id), row.position, row.product_id) == (search_id, 20, 7)
    assert re.fullmatch("[0-9a-f]{32}", row.session)


def test_a_click_may_be_told_twice(client: Client) -> None:
    told = {"search_id": str(uuid.uuid4()), "position": 1, "product_id": 7}

    answers = [client.post(CLICKS, told, content_type="application/json").status_code for _ in range(2)]

    assert answers == [202, 202]
    assert {(str(row.search_id), row.position) for row in clicks()} == {(told["search_id"], 1)}


@pytest.mark.usefixtures("lamps")
def test_a_shopper_is_the_same_for_a_day_and_another_one_the_next() -> None:
    monday = datetime(2026, 3, 2, 9, tzinfo=UTC)
    ann, bob, looker, known = Client(), Client(), Client(), Client()
    ann.cookies[COOKIE] = TOKEN
    looker.get(reverse("product", args=[make_product().slug]))  # which is all that it takes to be counted
    session = bob.session
    session["seen"] = True
    session.save()
    known.force_login(make_user())
    sessions: dict[str, list[str]] = {}
    for day in range(2):
        for hour in range(2):
            with time_machine.travel(monday + timedelta(days=day, hours=hour), tick=False):
                for name, who in {
                    "ann": ann,
                    "bob": bob,
                    "looker": looker,
                    "known": known,
                    "stranger": Client(),  # without a cookie each time
                }.items():
                    who.get("/search/", {"q": "lamp"})
                    BOOK.flush()
                    sessions.setdefault(name, []).append(str(SearchLog.objects.get().session))
                    SearchLog.objects.all().delete()

    assert sessions.pop("stranger") == [""] * 4
    for first, again, *next_day in sessions.values():
        assert first == again
        assert next_day == [next_day[0]] * 2
    assert len({session for seen in sessions.values() for session in seen}) == 8


@pytest.mark.usefixtures("lamps")
def test_a_search_that_leads_to_a_page_of_staffs_is_logged_too(client: Client) -> None:
    QueryRule.objects.create(query="lamp", redirect_to="/c/lamps/")

    answer = client.get("/search/", {"q": "lamp"})

    assert (answer.status_code, [row.query for row in logged()]) == (302, ["lamp"])


@pytest.mark.usefixtures("lamps")
def test_nothing_that_names_a_shopper_is_kept() -> None:
    user = make_user()
    client = Client(REMOTE_ADDR=ADDRESS, headers={"User-Agent": "Secret browser", HEADER: TOKEN})
    client.force_login(user)
    key = client.cookies[settings.SESSION_COOKIE_NAME].value

    client.get("/search/", {"q": "lamp"})
    client.post(CLICKS, GOOD_CLICK, content_type="application/json")

    BOOK.flush()
    with connection.cursor() as cursor:
        cursor.execute("SELECT l::text FROM search_searchlog l UNION ALL SELECT c::text FROM search_searchclick c")
        kept = " ".join(row for (row,) in cursor.fetchall())
    assert SearchLog.objects.count() == SearchClick.objects.count() == 1
    for private in (ADDRESS, "Secret browser", TOKEN, key, user.email):
        assert private not in kept


@pytest.mark.usefixtures("lamps")
def test_a_shopper_with_a_session_costs_no_query_more(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "s" * 32

    with django_assert_num_queries(0):
        client.post(CLICKS, GOOD_CLICK, content_type="application/json")

    assert [row.session != "" for row in clicks()] == [True]
