"""A file as batches of rows; a large one is read by a process of its own, while this one writes. Needs no database."""

import gc
import json
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import IO, Any

from django.core.files.storage import default_storage

from catalog.feeds import mapping as mappings
from catalog.feeds.fields import Given
from catalog.feeds.mapping import FeedMapping
from catalog.feeds.merging import FAMILY_FIELDS
from catalog.feeds.reading import RawRow, columns, read_rows
from catalog.feeds.refusals import Code, FeedProblem, RefusedLine, RefusedRow, refuse

BATCH = 1000
LARGE = 2_000_000  # bytes; below, a second process would take longer to start than it saves
LONGEST_ROW = 500


@dataclass(frozen=True, slots=True)
class Line:
    """A row that could be read, and what it says of a product."""

    number: int
    given: Given


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch as it was read: its last line, how many rows it has, the good ones, and the others."""

    last: int
    count: int
    lines: list[Line]
    refused: list[RefusedLine]


Batches = Generator[Rows, None, None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadJob:
    """What to read: rows after line ``skip``, at most ``limit``; ``paths`` has addresses of categories by their ids."""

    file: Path
    mapping: str | None
    paths: Mapping[str, str] = field(default_factory=dict)
    skip: int = 0
    limit: int | None = None


def read_batches(job: ReadJob) -> Batches:
    """The batches of the file, each read while the caller is busy with the one before. Raises FeedProblem and OSError."""
    return _read_apart(job) if job.file.stat().st_size >= LARGE else _read(job)


def _read(job: ReadJob) -> Batches:
    reader = _Reader(mappings.choose(job.mapping, columns(job.file)), job.paths)
    with closing(read_rows(job.file)) as rows:
        wanted = islice(_after(rows, job.skip, reader), job.limit)
        while found := list(islice(wanted, BATCH)):
            yield Rows(found[-1].line, len(found), *reader.read(found))


def _read_apart(job: ReadJob) -> Batches:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-m", "ecommerce.importing.reading"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
    )
    with process:
        try:
            told, answers = _pipes(process)
            with told:
                pickle.dump(job, told)
            with ThreadPoolExecutor(1) as pool:
                # Taken over while the caller waits for PostgreSQL.
                coming = pool.submit(_receive, answers)
                while (got := coming.result()) is not None:
                    coming = pool.submit(_receive, answers)
                    yield got
        finally:
            process.kill()  # it may wait for somebody to take the next batch


def _pipes(process: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None
    assert process.stdout is not None
    return process.stdin, process.stdout


def _receive(answers: IO[bytes]) -> Rows | None:
    try:
        got: Rows | Exception | None = pickle.load(answers)  # noqa: S301 - our own process wrote it
    except (EOFError, pickle.UnpicklingError):
        raise FeedProblem("The process that read the file was ended.") from None
    if isinstance(got, Exception):
        raise got
    return got


def main() -> None:
    """The reading process: waits until each batch is taken, and ends with whoever takes them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # rows make no cycles, and looking for them takes long
    job: ReadJob = pickle.load(sys.stdin.buffer)  # noqa: S301 - as above
    with suppress(BrokenPipeError):
        try:
            for rows in _read(job):
                _answer(rows)
            _answer(None)
        except BrokenPipeError:
            raise
        except (FeedProblem, OSError) as problem:
            _answer(problem)


def _answer(what: Rows | Exception | None) -> None:
    pickle.dump(what, sys.stdout.buffer, pickle.HIGHEST_PROTOCOL)
    sys.stdout.buffer.flush()


def _after(rows: Iterable[RawRow], skip: int, reader: "_Reader") -> Iterator[RawRow]:
    """The rows that an earlier run has not done; of the others only the SKUs are remembered."""
    for row in rows:
        if row.line > skip:
            yield row
        else:
            reader.read([row])


@dataclass(slots=True)
class _Reader:
    """Turns rows as written into rows of ours, and remembers every SKU of the file."""

    mapping: FeedMapping
    paths: Mapping[str, str]
    _lines: dict[str, int] = field(default_factory=dict)
    _families: dict[str, dict[str, Any]] = field(default_factory=dict)

    def read(self, rows: Iterable[RawRow]) -> tuple[list[Line], list[RefusedLine]]:
        """The good rows, and the others with their reasons."""
        good: list[Line] = []
        refused: list[RefusedLine] = []
        for row in rows:
            try:
                good.append(self._line(row))
            except RefusedRow as problem:
                refused.append(RefusedLine(line=row.line, refusal=problem.refusal, row=_written(row.values)))
        return good, refused

    def _line(self, row: RawRow) -> Line:
        if row.refusal:
            raise RefusedRow(row.refusal.code, row.refusal.field, row.refusal.detail)
        given = self.mapping.given(row.values)
        first = self._lines.setdefault(given["sku"], row.line)
        if first != row.line:
            refuse(Code.REPEATED, "sku", f"the SKU {given['sku']} was in line {first} already")
        if given.get("category") in self.paths:
            given["category"] = self.paths[given["category"]]
        self._check_family(given)
        _check_files(given)
        return Line(row.line, given)

    def _check_family(self, given: Given) -> None:
        """Raise RefusedRow where an earlier row says otherwise of the same family: the two would take turns for ever."""
        if "family_code" not in given:
            return
        told = self._families.setdefault(given["family_code"], {})
        for name in FAMILY_FIELDS:
            if name in given and told.setdefault(name, given[name]) != given[name]:
                detail = (
                    f"an earlier row of the family {given['family_code'][:100]} has another {name.replace('_', ' ')}"
                )
                refuse(Code.INVALID, name, detail)


def _check_files(given: Given) -> None:
    """Raise RefusedRow for a picture that is not in the shop's storage; looked for before the transaction begins."""
    for picture in given.get("pictures", ()):
        if picture.file and not default_storage.exists(picture.file):
            refuse(Code.UNKNOWN, "media", f"there is no file {picture.file} in the shop's storage")


def _written(row: Mapping[str, Any]) -> str:
    return json.dumps(row, default=str, ensure_ascii=True)[:LONGEST_ROW] if row else ""


if __name__ == "__main__":
    # By its own name, so that what it sends is what the other side knows.
    import_module("ecommerce.importing.reading").main()
