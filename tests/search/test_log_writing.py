"""The log never slows an answer: rows wait in memory, within bounds, until PostgreSQL takes them."""

import os
import socket
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.test import Client
from prometheus_client import REGISTRY
from pytest_django import DjangoAssertNumQueries

from search import logbook
from search.log_models import SearchClick, SearchLog
from search.logbook import BOOK, Logbook, note_click
from tests.factories import make_product
from tests.search.conftest import NOW
from tests.search.logs import clicks, logged
from tests.servers.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def black_hole(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The log's PostgreSQL takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        lost = {**logbook.connection_parameters(), "host": "127.0.0.1", "port": server.getsockname()[1]}
        monkeypatch.setattr(logbook, "connection_parameters", lambda: lost)
        yield


@pytest.fixture
def own_book(monkeypatch: pytest.MonkeyPatch) -> Iterator[Logbook]:
    """A book of this test alone, whose thread writes ten times a second."""
    book = Logbook()
    monkeypatch.setattr(logbook, "BOOK", book)
    monkeypatch.setattr(logbook, "PAUSE_SECONDS", 0.1)
    yield book
    book.close()


def click(position: int = 1) -> None:
    note_click(search_id=uuid.uuid4(), position=position, product_id=1, session="", now=NOW)


def dropped() -> float:
    return REGISTRY.get_sample_value("search_log_dropped_total") or 0.0


def test_a_note_costs_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        click()

    assert len(BOOK) == 1


def test_the_thread_writes_by_itself_and_again(own_book: Logbook) -> None:
    click()
    wait_for(lambda: SearchClick.objects.count() == 1, "the row")
    click()
    wait_for(lambda: SearchClick.objects.count() == 2, "the second row")

    assert len(own_book) == 0


@pytest.mark.usefixtures("black_hole")
def test_an_answer_does_not_wait_for_a_postgresql_that_says_nothing(client: Client, own_book: Logbook) -> None:
    make_product(title="Lamp")
    begin = time.perf_counter()
    for _ in range(1000):
        click()
    noted = time.perf_counter() - begin
    answers = [client.get("/api/v1/search", {"q": "lamp"}) for _ in range(5)]

    assert noted < 0.5
    assert [answer.status_code for answer in answers] == [200] * 5
    assert max(answer.json()["latency_ms"] for answer in answers) < 1000
    assert len(own_book) == 1005


@pytest.mark.usefixtures("black_hole")
def test_a_process_ends_within_its_time_whatever_postgresql_does(own_book: Logbook) -> None:
    click()

    begin = time.perf_counter()
    own_book.close()

    assert time.perf_counter() - begin < logbook.EXIT_SECONDS + 1


def test_a_process_that_ends_writes_what_waits(own_book: Logbook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "PAUSE_SECONDS", 60)
    click()

    own_book.close()

    assert SearchClick.objects.count() == 1


def test_rows_wait_while_postgresql_is_away_and_are_then_written(
    own_book: Logbook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    right = logbook.connection_parameters()
    parameters = [{**right, "host": "127.0.0.1", "port": 9}]
    monkeypatch.setattr(logbook, "connection_parameters", lambda: parameters[0])
    for position in range(1, 1201):
        click(position)
    wait_for(lambda: "waits for PostgreSQL" in caplog.text, "the first try")
    assert len(own_book) == 1200

    parameters[0] = right

    wait_for(lambda: len(own_book) == 0, "the rows to be written")
    assert sorted(row.position for row in clicks()) == list(range(1, 1201))
    assert caplog.text.count("waits for PostgreSQL") == 1


def test_more_than_fits_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logbook, "MOST_WAITING", 3)
    before = dropped()

    for position in range(1, 6):
        click(position)

    assert [row.position for row in clicks()] == [1, 2, 3]
    assert dropped() - before == 2


def test_rows_that_can_not_be_written_hold_up_no_others(
    own_book: Logbook, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(logbook, "BATCH", 1)
    before = dropped()

    click(2**40)
    click(5)

    wait_for(lambda: len(own_book) == 0, "the book to be empty")
    assert [row.position for row in clicks()] == [5]
    assert dropped() - before == 1
    assert "can not be written" in caplog.text


def test_a_row_written_twice_is_there_once(client: Client) -> None:
    client.get("/api/v1/search")
    click()
    waiting = list(BOOK._rows)

    BOOK.flush()
    for note in waiting:
        BOOK.add(note)
    BOOK.flush()

    assert (SearchLog.objects.count(), SearchClick.objects.count()) == (1, 1)


def test_a_row_of_a_month_without_a_partition_is_kept(client: Client) -> None:
    note_click(search_id=uuid.uuid4(), position=1, product_id=1, session="", now=NOW + timedelta(days=4000))

    assert len(clicks()) == 1


def test_a_process_that_was_forked_begins_anew() -> None:
    click()

    child = os.fork()
    if child == 0:
        os._exit(0 if len(BOOK) == 0 and BOOK._thread is None else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert len(BOOK) == 1


def test_nothing_is_written_until_it_is_asked_for(client: Client) -> None:
    client.get("/api/v1/search")

    assert SearchLog.objects.count() == 0
    assert len(logged()) == 1
