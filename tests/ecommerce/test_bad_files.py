"""Whatever is wrong with a file: a line that says so, and then the rest of it goes on, or nothing is changed, as is wished."""

import gzip
import json
import zlib
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from catalog.models import Brand, ImportRun, Product, ProductFamily
from core.models import OutboxEvent
from tests.factories import make_category

pytestmark = pytest.mark.django_db(transaction=True)
HEADER = "sku,title,brand,category,price,description\n"
GOOD = "A,Chair A,Oakline,chairs,10,x\n"
LAST = "Z,Chair Z,Oakline,chairs,10,x\n"


def csv(*lines: str) -> bytes:
    return "".join([HEADER, GOOD, *lines, LAST]).encode()


def truncated() -> bytes:
    lines = (f"N{number},Chair,Oakline,chairs,10,{zlib.crc32(bytes(number))}\n" for number in range(3000))
    whole = gzip.compress("".join([HEADER, GOOD, *lines]).encode())
    return whole[: len(whole) // 2]


BAD_ROWS: dict[str, tuple[bytes, str]] = {
    "price below zero": (csv("B,Chair,Oakline,chairs,-1,x\n"), "line 3: price -1 is below zero"),
    "price too large": (csv("B,Chair,Oakline,chairs,1e999,x\n"), "line 3: price is too large a number"),
    "price no number": (csv("B,Chair,Oakline,chairs,NaN,x\n"), "line 3: price NaN is not a number"),
    "price of JSON": (
        "\n".join(
            json.dumps({"sku": sku, "title": "x", "brand": "x", "category": "chairs", "price": price})
            for sku, price in (("A", 1), ("B", float("nan")), ("Z", 1))
        ).encode(),
        "line 2: NaN is not a number",
    ),
    "same SKU": (csv("A,Armchair,Oakline,chairs,10,x\n"), "line 3: the SKU A was in line 2 already"),
    "unknown category": (csv("B,Chair,Oakline,sofas,10,x\n"), "line 3: there is no category sofas"),
    "ten megabytes in a field": (
        csv(f"B,Chair,Oakline,chairs,10,{'x' * 10_000_000}\n"),
        "line 3: the line is longer than 4,000,000 bytes",
    ),
    "two megabytes in a field": (
        csv(f"B,Chair,Oakline,chairs,10,{'x' * 2_000_000}\n"),
        "line 3: description is longer than 100,000 characters",
    ),
    "another encoding": (csv("B,Café,Oakline,chairs,10,x\n").decode().encode("latin-1"), "line 3: title is not UTF-8"),
    "a cell too few": (csv("B,Chair,Oakline,chairs\n"), "line 3: the row has 4 cells, the header 6"),
    "broken off": (truncated(), "the file breaks off here"),
}
BAD_FILES: dict[str, tuple[bytes, str]] = {
    "a column missing": (b"title,price\nChair,1\n", "The column sku is missing"),
    "UTF-16": (csv().decode().encode("utf-16"), "is written in UTF-16: save it as UTF-8."),
    "no table at all": (b"\x89PNG\r\n\x1a\n\x00\x00\x00", "is neither CSV nor JSON lines nor Parquet in UTF-8."),
    "broken Parquet": (b"PAR1 and so on", "is not a readable Parquet file"),
    "a column unknown": (b"sku,couleur\nA,red\n", "Nothing is known of the column couleur"),
}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_category(name="Chairs")
    return tmp_path / "products"


def refused(file: Path, *options: str) -> tuple[str, str]:
    """What the command says row by row, and at the end."""
    err = StringIO()
    with pytest.raises(CommandError) as problem:
        call_command("import_products", str(file), *options, stdout=StringIO(), stderr=err)
    assert "\n" not in str(problem.value)
    return err.getvalue(), str(problem.value)


def tables() -> dict[str, list[Any]]:
    models: tuple[Any, ...] = (Product, ProductFamily, Brand, ImportRun, OutboxEvent)
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_the_rest_of_the_file_goes_on(file: Path, case: str) -> None:
    content, reason = BAD_ROWS[case]
    file.write_bytes(content)

    rows, end = refused(file)

    assert reason in rows
    assert rows.count("\n") == 1
    assert end == "1 rows were refused: see products.refused.csv"
    assert Product.objects.filter(sku="A").exists()
    assert not Product.objects.filter(sku="B").exists()
    assert case == "broken off" or Product.objects.filter(sku="Z").exists()


@pytest.mark.parametrize("case", BAD_ROWS)
def test_nothing_is_changed_where_that_is_wished(file: Path, case: str) -> None:
    content, reason = BAD_ROWS[case]
    file.write_bytes(content)
    before = tables()

    rows, end = refused(file, "--on-error", "stop")

    assert rows == ""
    assert reason in end
    assert end.endswith("Nothing was changed.")
    assert tables() == before


@pytest.mark.parametrize("case", BAD_FILES)
@pytest.mark.parametrize("option", ["skip", "stop"])
def test_a_file_of_no_use_changes_nothing(file: Path, case: str, option: str) -> None:
    content, reason = BAD_FILES[case]
    file.write_bytes(content)
    before = tables()

    rows, end = refused(file, "--on-error", option)

    assert rows == ""
    assert reason in end
    assert tables() == before
