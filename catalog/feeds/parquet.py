"""Parquet files, by way of DuckDB, which reads and writes them in pieces within a limit of memory."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb

from catalog.feeds.refusals import FeedProblem

BATCH = 1000
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "512MB",
    "threads": 2,
    "TimeZone": "UTC",
    "autoinstall_known_extensions": False,
}


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Every row, as a dictionary. Raises FeedProblem."""
    with closing(_connect(path)) as database:
        try:
            # A moment with a time zone needs another package to become Python's; as text it is understood as well.
            wanted = ", ".join(
                f'CAST("{name}" AS VARCHAR) AS "{name}"' if "TIME ZONE" in kind else f'"{name}"'
                for name, kind in _describe(database, path)
            )
            rows = database.execute(f"SELECT {wanted} FROM read_parquet(?)", [str(path)])  # noqa: S608 - quoted names
            names = [column[0] for column in rows.description or ()]
            while batch := rows.fetchmany(BATCH):
                for row in batch:
                    yield dict(zip(names, row, strict=True))
        except duckdb.Error as problem:
            raise _unusable(path, problem) from problem


def columns(path: Path) -> tuple[str, ...]:
    """The names of the columns. Raises FeedProblem."""
    with closing(_connect(path)) as database:
        return tuple(name for name, _kind in _describe(database, path))


def count(path: Path) -> int:
    """How many rows there are. Raises FeedProblem."""
    with closing(_connect(path)) as database:
        try:
            found = database.execute("SELECT count(*) FROM read_parquet(?)", [str(path)]).fetchone()
        except duckdb.Error as problem:
            raise _unusable(path, problem) from problem
    return int(found[0]) if found else 0


def write(*, source: Path, target: Path, kinds: Sequence[tuple[str, str]]) -> None:
    """Make ``target`` of the JSON lines in ``source``, with ``kinds`` as columns and their DuckDB types.

    Raises OSError where the disk is full or can not be written.
    """
    wanted = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in kinds) + "}"
    with closing(_connect(target)) as database:
        try:
            database.execute(
                f"COPY (SELECT * FROM read_json(?, format='newline_delimited', columns={wanted}, "  # noqa: S608 - constants
                f"maximum_object_size=67108864)) TO '{str(target).replace(chr(39), chr(39) * 2)}' "
                "(FORMAT parquet, COMPRESSION zstd)",
                [str(source)],
            )
        except duckdb.IOException as problem:
            raise OSError(None, _first_line(problem), str(target)) from problem


def _connect(path: Path) -> duckdb.DuckDBPyConnection:
    if set("*?[") & set(str(path)):
        raise FeedProblem(f"{path} has *, ? or [ in its name, which would stand for several files: rename it.")
    try:
        return duckdb.connect(":memory:", config=_SETTINGS)
    except duckdb.Error as problem:
        raise _unusable(path, problem) from problem


def _describe(database: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str]]:
    try:
        found = database.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
    except duckdb.Error as problem:
        raise _unusable(path, problem) from problem
    return [(str(row[0]).replace('"', '""'), str(row[1])) for row in found]


def _unusable(path: Path, problem: duckdb.Error) -> FeedProblem:
    return FeedProblem(f"{path} is not a readable Parquet file: {_first_line(problem)}")


def _first_line(problem: Exception) -> str:
    return str(problem).splitlines()[0]
