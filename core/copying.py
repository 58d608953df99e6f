"""Many rows at once, by PostgreSQL's COPY."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

from core.transactions import require_transaction


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add ``rows``, each with a value for each of ``columns``, to ``table`` inside the transaction that is open.

    Rows may come from a generator of any length: they are streamed. Raises django's IntegrityError and
    DataError as an INSERT would.
    """
    require_transaction("core.copying.copy_rows")
    with _copy_into(table, columns) as copy:
        for row in rows:
            copy.write_row(row)


def copy_text(table: str, columns: Sequence[str], lines: bytes) -> None:
    """Add ``lines`` to ``table``: rows as COPY reads them, with tabs between the columns and a newline after each.

    For whoever makes the text of many rows at once: several times as fast as `copy_rows`. Raises what that does.
    """
    require_transaction("core.copying.copy_text")
    with _copy_into(table, columns) as copy:
        copy.write(lines)


@contextmanager
def _copy_into(table: str, columns: Sequence[str]) -> Iterator["psycopg.Copy"]:
    quote = connection.ops.quote_name
    names = ", ".join(quote(column) for column in columns)
    connection.ensure_connection()
    with (
        connection.wrap_database_errors,
        connection.connection.cursor() as cursor,
        cursor.copy(f"COPY {quote(table)} ({names}) FROM STDIN") as copy,
    ):
        yield copy


def reserve_ids(table: str, count: int) -> list[int]:
    """``count`` ids of ``table`` that nobody else will get, so that rows of several tables can name each other before a COPY."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count])
        return [row[0] for row in cursor.fetchall()]


def reserve_span(table: str, count: int) -> int:
    """The first of ``count`` ids in a row that nobody else will get. Nobody else may write to ``table`` meanwhile: lock it first.

    Where the transaction is rolled back, the ids are not given again.
    """
    require_transaction("core.copying.reserve_span")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(s, nextval(s) + %s) - %s FROM pg_get_serial_sequence(%s, 'id') s", [count, count, table]
        )
        (first,) = cursor.fetchone() or (0,)
        return int(first)
