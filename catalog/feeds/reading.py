"""Rows of a file, as they are written there: CSV and JSON lines, plain or gzip, and Parquet. None stops those after it."""

import codecs
import csv
import gzip
import json
import zlib
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from catalog.feeds import parquet
from catalog.feeds.refusals import Code, FeedProblem, Refusal, RefusedRow, refuse

LONGEST_LINE = 4_000_000  # bytes; nothing that a product may have comes near it
_BROKEN_FILE = (EOFError, zlib.error, gzip.BadGzipFile)
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITERS = (",", ";", "\t")


class Format(StrEnum):
    """How a file is written."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class RawRow:
    """A row as written: its line (in Parquet its number, from 1), and its values, or why they can not be read."""

    line: int
    values: dict[str, Any] = field(default_factory=dict)
    refusal: Refusal | None = None


def format_of(path: Path) -> Format:
    """How the file at ``path`` is written, told by its first bytes. Raises OSError, and FeedProblem for UTF-16."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise FeedProblem(f"{path} is no file that can be read more than once: save it as one first.")
    try:
        with path.open("rb") as plain:
            magic = plain.read(4)
        if magic == b"PAR1":
            return Format.PARQUET
        with open_bytes(path) as file:
            start = file.read(4096)
    except _BROKEN_FILE as problem:
        raise FeedProblem(f"{path} is not a readable gzip file: {problem}") from problem
    if start.startswith(_UTF_16):
        raise FeedProblem(f"{path} is written in UTF-16: save it as UTF-8.")
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if text.startswith(b"["):
        raise FeedProblem(f"{path} is one JSON array: write one object a line.")
    return Format.JSON_LINES if text.startswith(b"{") else Format.CSV


def read_rows(path: Path) -> Generator[RawRow, None, None]:
    """Every row of the file; one that breaks off ends with a refused row.

    Raises OSError where there is no such file, and FeedProblem where it is no table of any kind we know.
    """
    kind = format_of(path)
    if kind == Format.PARQUET:
        for number, values in enumerate(parquet.read(path), start=1):
            yield RawRow(number, values)
        return
    with open_bytes(path) as file:
        lines = _Lines(file)
        rows = _csv(lines, path) if kind == Format.CSV else _json(lines)
        with closing(rows):
            try:
                yield from rows
            except _BROKEN_FILE as problem:
                detail = f"the file breaks off here: {problem}"
                yield RawRow(lines.number + 1, refusal=Refusal(Code.UNREADABLE, "", detail))


def columns(path: Path) -> tuple[str, ...]:
    """The columns of the file, for JSON lines those of its first row; none for an empty file. Raises as `read_rows`."""
    if format_of(path) == Format.PARQUET:
        return parquet.columns(path)
    if format_of(path) == Format.CSV:
        with open_bytes(path) as file, suppress(*_BROKEN_FILE):
            return tuple(_header(_Lines(file), path)[0])
        return ()
    first = next((row for row in read_rows(path) if row.values), None)
    return tuple(first.values) if first else ()


def count_rows(path: Path) -> int | None:
    """About how many rows there are, for a progress bar; None where that can not be told."""
    if format_of(path) == Format.PARQUET:
        return parquet.count(path)
    with suppress(OSError, *_BROKEN_FILE), open_bytes(path) as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    return None


def open_bytes(path: Path) -> IO[bytes]:
    """The file's bytes, unpacked where it is gzip. Raises OSError."""
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if zipped else path.open("rb")


class _Lines:
    """The lines of a file, counted; one that is too long is read past and refused, and the next call goes on after it.

    Bytes that are not UTF-8 become surrogates, which `fields` refuses where they stand.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.number = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._file.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        self.number += 1
        if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            while (rest := self._file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
                pass
            refuse(Code.TOO_LONG, "", f"the line is longer than {LONGEST_LINE:,} bytes")
        if self.number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        return line.decode("utf-8", "surrogateescape")


def _csv(lines: _Lines, path: Path) -> Generator[RawRow, None, None]:
    header, rows = _header(lines, path)
    while True:
        line = lines.number + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except RefusedRow as refused:
            yield RawRow(line, refusal=refused.refusal)
        except csv.Error as problem:
            yield RawRow(line, refusal=Refusal(Code.UNREADABLE, "", _not_csv(problem, lines.number - line)))
        else:
            if len(cells) == len(header):
                yield RawRow(line, dict(zip(header, cells, strict=True)))
            elif any(cell.strip() for cell in cells):
                detail = f"the row has {len(cells)} cells, the header {len(header)}"
                yield RawRow(line, refusal=Refusal(Code.UNREADABLE, "", detail))


def _not_csv(problem: csv.Error, lost: int) -> str:
    if lost > 0:
        return f"a quote that is opened here is not closed, and the {lost:,} lines after it are lost ({problem})"
    return f"the line is not CSV: {problem}"


def _header(lines: _Lines, path: Path) -> "tuple[list[str], Iterator[list[str]]]":
    """The names of the columns, and a reader of what follows."""
    csv.field_size_limit(LONGEST_LINE)
    try:
        first = next(lines, "")
        delimiter = max(_DELIMITERS, key=first.count)
        header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter, strict=True), [])]
    except (csv.Error, RefusedRow) as problem:
        raise FeedProblem(
            f"{path} is no table: its first line can not be read as a CSV header ({problem})"
        ) from problem
    if "\x00" in first or (not first.isprintable() and any("\udc80" <= letter <= "\udcff" for letter in first)):
        raise FeedProblem(f"{path} is neither CSV nor JSON lines nor Parquet in UTF-8.")
    twice = sorted(name for name, count in Counter(header).items() if count > 1)
    if twice:
        raise FeedProblem(f"{path} names the column {twice[0][:100]!r} twice.")
    return header, csv.reader(lines, delimiter=delimiter, strict=True)


def _json(lines: _Lines) -> Generator[RawRow, None, None]:
    while True:
        try:
            text = next(lines)
            if text.strip():
                yield RawRow(lines.number, parse_object(text))
        except StopIteration:
            return
        except RefusedRow as refused:
            yield RawRow(lines.number, refusal=refused.refusal)


def parse_object(text: str) -> dict[str, Any]:
    """The JSON object ``text`` is, with exact numbers. Raises RefusedRow."""
    try:
        found = json.loads(text, parse_float=Decimal, parse_constant=_no_number)
    except RefusedRow:
        raise
    except (ValueError, InvalidOperation, RecursionError):
        refuse(Code.UNREADABLE, "", "the line is not JSON")
    if not isinstance(found, dict):
        refuse(Code.UNREADABLE, "", "the line is not a JSON object")
    return found


def _no_number(word: str) -> NoReturn:
    refuse(Code.INVALID, "", f"{word} is not a number")
