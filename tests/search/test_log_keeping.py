"""The log has a table for each month, made before it is needed and dropped when all of it is old."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from search import log_services
from search.log_models import SearchClick, SearchLog
from tests.search.logs import make_click, make_log, partitions

pytestmark = pytest.mark.django_db(transaction=True)
TABLES = log_services.TABLES


@pytest.fixture(autouse=True)
def only_the_rest() -> Iterator[None]:
    """Tables without any month, and afterwards those that were there."""
    before = {table: partitions(table) for table in TABLES}
    _drop_months()
    yield
    SearchLog.objects.all().delete()
    SearchClick.objects.all().delete()
    _drop_months()
    for months in before.values():
        for name in months:
            if name != "default":
                year, month = map(int, name.split("_"))
                log_services.keep_partitions(now=datetime(year, month, 1, tzinfo=UTC))


def _drop_months() -> None:
    with connection.cursor() as cursor:
        for table in TABLES:
            for name in partitions(table):
                if name != "default":
                    cursor.execute(f'DROP TABLE "{table}_{name}"')


def rows_of(partition: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{partition}"')
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("now", "months"),
    [
        (datetime(2026, 11, 23, tzinfo=UTC), ["2026_11", "2026_12"]),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), ["2026_12", "2027_01"]),
        (datetime(2027, 1, 31, tzinfo=UTC), ["2027_01", "2027_02"]),
        (datetime(2028, 2, 29, tzinfo=UTC), ["2028_02", "2028_03"]),
    ],
)
def test_this_month_and_the_next_have_a_table(now: datetime, months: list[str]) -> None:
    for _ in range(2):
        log_services.keep_partitions(now=now)

    assert [partitions(table) for table in TABLES] == [[*months, "default"]] * 2


def test_rows_go_to_their_month_up_to_its_very_end() -> None:
    december = datetime(2026, 12, 1, tzinfo=UTC)
    log_services.keep_partitions(now=datetime(2026, 11, 23, tzinfo=UTC))

    make_log(at=december - timedelta(microseconds=1))
    make_log(at=december)

    assert (rows_of("search_searchlog_2026_11"), rows_of("search_searchlog_2026_12")) == (1, 1)


def test_rows_that_came_before_their_table_are_moved_into_it() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    early, late = make_log(at=now, query="early"), make_log(at=datetime(2027, 5, 1, tzinfo=UTC))
    make_click(early, position=3)

    log_services.keep_partitions(now=now)

    assert (rows_of("search_searchlog_2026_11"), rows_of("search_searchlog_default")) == (1, 1)
    assert (rows_of("search_searchclick_2026_11"), rows_of("search_searchclick_default")) == (1, 0)
    assert SearchLog.objects.get(pk=early.pk).query == "early"
    assert SearchLog.objects.get(pk=late.pk).at.year == 2027


def test_tables_made_by_the_job_are_as_those_of_the_migration() -> None:
    log_services.keep_partitions(now=datetime(2026, 11, 23, tzinfo=UTC))

    with connection.cursor() as cursor:
        for table in TABLES:
            described = []
            for name in ("default", "2026_11"):
                cursor.execute(
                    "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'p'",
                    [f"{table}_{name}"],
                )
                described.append(cursor.fetchall())
            assert described[0] == described[1]
            assert len(described[0]) == 1


def test_after_ninety_days_rows_go_and_whole_months_with_their_table() -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    edge = now - log_services.KEPT_FOR  # 25 August
    for month in (7, 8, 9):
        log_services.keep_partitions(now=datetime(2026, month, 1, tzinfo=UTC))
    for at in (datetime(2026, 7, 1, tzinfo=UTC), edge - timedelta(seconds=1), edge, now):
        make_click(make_log(at=at), position=1)
    forgotten = make_log(at=datetime(2020, 1, 1, tzinfo=UTC))

    log_services.keep_partitions(now=now)

    assert sorted(SearchLog.objects.values_list("at", flat=True)) == [edge, now]
    assert sorted(SearchClick.objects.values_list("at", flat=True)) == [edge, now]
    assert not SearchLog.objects.filter(pk=forgotten.pk).exists()
    months = ["2026_08", "2026_09", "2026_10", "2026_11", "2026_12", "default"]
    assert [partitions(table) for table in TABLES] == [months, months]


def test_a_table_goes_when_the_last_moment_of_its_month_is_old_and_not_before() -> None:
    log_services.keep_partitions(now=datetime(2026, 8, 1, tzinfo=UTC))
    end = datetime(2026, 9, 1, tzinfo=UTC) + log_services.KEPT_FOR

    log_services.keep_partitions(now=end - timedelta(microseconds=1))
    before = partitions("search_searchlog")
    log_services.keep_partitions(now=end)

    assert "2026_08" in before
    assert "2026_08" not in partitions("search_searchlog")


def test_old_rows_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_services, "BATCH", 2)
    now = datetime(2026, 11, 23, tzinfo=UTC)
    for number in range(5):
        make_log(at=now - timedelta(days=100, seconds=number))

    with CaptureQueriesContext(
        connection,
    ) as captured:
        log_services.keep_partitions(now=now)

    deletes = [
        query["sql"] for query in captured if '"search_searchlog" t' in query["sql"] and "DELETE" in query["sql"]
    ]
    assert len(deletes) == 3
    assert SearchLog.objects.count() == 0


def test_a_table_in_use_is_left_to_the_next_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log_services, "PATIENCE", "50ms")
    log_services.keep_partitions(now=datetime(2026, 7, 1, tzinfo=UTC))
    now = datetime(2026, 11, 23, tzinfo=UTC)
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT count(*) FROM search_searchlog")
            log_services.keep_partitions(now=now)
            blocked = partitions("search_searchlog")
            cursor.execute("ROLLBACK")
    finally:
        other.close()

    log_services.keep_partitions(now=now)

    assert blocked == ["2026_07", "2026_08", "default"]
    assert "in use" in caplog.text
    assert partitions("search_searchlog") == ["2026_08", "2026_11", "2026_12", "default"]
