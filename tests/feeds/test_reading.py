"""Files as rows: every format, whatever is wrong with it; no row stops those after it."""

import gzip
import json
import os
import zlib
from pathlib import Path
from typing import Any

import duckdb
import pytest

from catalog.feeds.reading import LONGEST_LINE, Format, columns, count_rows, format_of, read_rows
from catalog.feeds.refusals import Code, FeedProblem


def made(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def told(path: Path) -> list[tuple[int, Any]]:
    """Line, and values or the reason why there are none."""
    return [(row.line, row.refusal.detail if row.refusal else row.values) for row in read_rows(path)]


def test_a_csv_is_read_with_quotes_commas_and_line_breaks_in_cells(tmp_path: Path) -> None:
    file = made(tmp_path / "a.csv", '\ufeffsku,title\r\nA,"One, ""two""\nthree"\r\n\r\nB,🦊\r\n')

    assert told(file) == [
        (2, {"sku": "A", "title": 'One, "two"\nthree'}),
        (5, {"sku": "B", "title": "🦊"}),
    ]
    assert columns(file) == ("sku", "title")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_separators_are_told_by_the_header(tmp_path: Path, delimiter: str) -> None:
    file = made(tmp_path / "a.csv", delimiter.join(["sku", "title"]) + "\n" + delimiter.join(["A", "x, y"]) + "\n")

    assert told(file) == [(2, {"sku": "A", "title": "x, y"})]


def test_rows_of_another_length_than_the_header_are_refused(tmp_path: Path) -> None:
    file = made(tmp_path / "a.csv", "sku,title\nA\nB,x,y\nC,z\n")

    assert told(file) == [
        (2, "the row has 1 cells, the header 2"),
        (3, "the row has 3 cells, the header 2"),
        (4, {"sku": "C", "title": "z"}),
    ]


def test_a_quote_that_is_never_closed_does_not_swallow_the_file(tmp_path: Path) -> None:
    rows = "".join(f"{number},x{'y' * 90}\n" for number in range(50_000))
    file = made(tmp_path / "a.csv", f'sku,title\nA,"open\n{rows}')

    found = list(read_rows(file))

    assert found[0].line == 2
    assert found[0].refusal
    assert "a quote that is opened here is not closed, and the" in found[0].refusal.detail
    assert found[-1].values["sku"] == "49999"


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_line_that_is_too_long_is_read_past(tmp_path: Path, kind: str) -> None:
    long = "x" * (3 * LONGEST_LINE)
    lines = {"csv": f"sku\n{long}\nB\n", "jsonl": f'{{"sku": "A"}}\n{{"sku": "{long}"}}\n{{"sku": "B"}}\n'}
    file = made(tmp_path / "a", lines[kind])

    *_, bad, good = told(file)

    assert bad[1] == "the line is longer than 4,000,000 bytes"
    assert good == (3, {"sku": "B"})


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"sku": "1"', "the line is not JSON"),
        (b"[]", "the line is not a JSON object"),
        (b'{"price": NaN}', "NaN is not a number"),
        (b'{"price": -Infinity}', "-Infinity is not a number"),
        (b'{"price": 1' + b"0" * 5000 + b"}", "the line is not JSON"),
        (b"[" * 100_000, "the line is not JSON"),
    ],
)
def test_a_broken_line_of_json_is_refused(tmp_path: Path, line: bytes, reason: str) -> None:
    file = made(tmp_path / "a.jsonl", b'{"sku": "A"}\n' + line + b'\n\n{"sku": "B"}')

    assert told(file) == [(1, {"sku": "A"}), (2, reason), (4, {"sku": "B"})]


def test_gzip_is_told_by_what_is_in_the_file(tmp_path: Path) -> None:
    file = made(tmp_path / "a.csv", gzip.compress(b"sku\nA\n"))

    assert told(file) == [(2, {"sku": "A"})]
    assert count_rows(file) == 2


@pytest.mark.parametrize("damage", ["truncated", "overwritten"])
@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_damaged_gzip_is_read_as_far_as_it_goes(tmp_path: Path, kind: str, damage: str) -> None:
    row = {"csv": "{0},{1}\n", "jsonl": '{{"sku": "{0}", "title": "{1}"}}\n'}[kind]
    text = "sku,title\n" * (kind == "csv") + "".join(
        row.format(number, zlib.crc32(str(number).encode())) for number in range(20_000)
    )
    whole = gzip.compress(text.encode())
    half = len(whole) // 2
    file = made(tmp_path / "a.gz", whole[:half] if damage == "truncated" else whole[:half] + b"\xff" * 100)

    found = list(read_rows(file))

    assert len(found) > 1000
    assert found[-1].refusal
    assert found[-1].refusal.code == Code.UNREADABLE
    assert found[-1].refusal.detail.startswith("the file breaks off here")
    # Of the line that the end cut in two, the beginning was read; what was overwritten may unpack to lines of nonsense.
    assert damage == "overwritten" or sum(1 for row in found if row.refusal) <= 2
    assert count_rows(file) is None


def test_parquet_is_read_with_its_types(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    duckdb.sql(
        f"""COPY (SELECT 'A' AS sku, 1.50::DECIMAL(9,2) AS price, ['12345678'] AS eans, NULL AS title,
            [{{'code': 'colour', 'value': 'Red'}}] AS attributes, TIMESTAMPTZ '2026-01-31 12:00:00+01' AS released_at,
            MAP {{'east': 3}} AS stock) TO '{file}' (FORMAT parquet)"""
    )

    ((line, values),) = told(file)

    assert format_of(file) == Format.PARQUET
    assert (line, values["sku"], str(values["price"]), values["eans"]) == (1, "A", "1.50", ["12345678"])
    assert values["attributes"] == [{"code": "colour", "value": "Red"}]
    assert values["stock"] == {"east": 3}
    assert values["released_at"] == "2026-01-31 11:00:00+00"
    assert count_rows(file) == 1


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("sku,title\nA,x\n".encode("utf-16"), "UTF-16"),
        (b"PAR1 and nothing more", "not a readable Parquet file"),
        (b"\x1f\x8b\x00broken", "not a readable gzip file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "is neither CSV nor JSON lines nor Parquet"),
        (b"sku,title,sku\n", "names the column 'sku' twice"),
        (b'[{"sku": "A"}, {"sku": "B"}]', "is one JSON array: write one object a line"),
        (b'sku,"title\n', "can not be read as a CSV header"),
    ],
)
def test_a_file_that_is_no_table_is_told_in_one_line(tmp_path: Path, content: bytes, reason: str) -> None:
    file = made(tmp_path / "a", content)

    with pytest.raises(FeedProblem, match=reason) as problem:
        list(read_rows(file))

    assert "\n" not in str(problem.value)


def test_an_empty_file_has_no_rows(tmp_path: Path) -> None:
    file = made(tmp_path / "a", b"")

    assert told(file) == []
    assert columns(file) == ()


def test_numbers_of_json_are_exact(tmp_path: Path) -> None:
    file = made(
        tmp_path / "a.jsonl", json.dumps({"sku": "A"})[:-1] + ', "price": 0.1000000000000000055511151231257827}'
    )

    ((_line, values),) = told(file)

    assert str(values["price"]) == "0.1000000000000000055511151231257827"


def test_what_can_be_read_only_once_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(FeedProblem, match="is no file that can be read more than once"):
        columns(tmp_path / "pipe")


def test_a_name_that_stands_for_several_files_is_refused(tmp_path: Path) -> None:
    file = made(tmp_path / "a*.parquet", b"PAR1")

    with pytest.raises(FeedProblem, match="rename it"):
        columns(file)
