"""Rows of Icecat's file: what they become, and what is refused."""

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from catalog.icecat.categories import category_of, icecat_categories
from catalog.icecat.rows import LONGEST_LINE, RefusedRowError, count_rows, product_of, read_rows
from core.money import Money

GOOD: dict[str, Any] = {
    "id": "3920564",
    "title": "Xerox 006R90321 toner cartridge Original Black 6 pc(s)",
    "supplier": "Xerox",
    "ean": ["0095205603217"],
    "short_description": "Toner (6 Per Box)",
    "price": 4995,
    "date_released": "2009-12-10T00:00:00Z",
    "img_high": "http://images.example/1.jpg",
    "attr_t_printing_colours": "Black",
    "attr_n_black_toner_page_yield": 23000.0,
    "attr_n_package_weight": 812.6,
    "attr_b_manual": True,
    "attr_n_thermal_design_power__tdp_": 25.5,
}


def line(**changes: Any) -> bytes:
    row = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    return json.dumps(row, allow_nan=True).encode()


def test_a_row_becomes_a_product() -> None:
    product = product_of(line())

    assert (product.sku, product.brand, product.eans) == ("3920564", "Xerox", ("0095205603217",))
    assert product.price == Money(Decimal("49.95"), "USD")
    assert product.category == "printing/toner"
    assert product.weight_grams == 813
    assert [(row.code, row.name, row.value, row.number) for row in product.attributes] == [
        ("printing-colours", "Printing colours", "Black", None),
        ("black-toner-page-yield", "Black toner page yield", "23000", Decimal("23000.000000")),
        ("package-weight", "Package weight", "812.6", Decimal("812.600000")),
        ("manual", "Manual", "Yes", None),
        ("thermal-design-power-tdp", "Thermal design power (tdp)", "25.5", Decimal("25.500000")),
    ]
    assert [picture.source_url for picture in product.pictures] == ["http://images.example/1.jpg"]


def test_what_may_be_missing_may_be_missing() -> None:
    product = product_of(line(short_description=..., date_released=..., img_high=..., ean=...))

    assert (product.description, product.released_at, product.pictures, product.eans) == ("", None, (), ())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": ...}, "id is missing"),
        ({"id": 7}, "id is not a text"),
        ({"id": " "}, "id is empty"),
        ({"id": "x" * 65}, "id is longer than 64 characters"),
        ({"title": None}, "title is missing"),
        ({"title": "a\x00b"}, "title has a character that can not be stored"),
        ({"title": "\ud800"}, "title has a character that can not be stored"),
        ({"supplier": ""}, "supplier is empty"),
        ({"price": ...}, "price is missing"),
        ({"price": -1}, "price -1 is not between 0 and 1000000000 cents"),
        ({"price": 10**30}, "price 1" + "0" * 29 + " is not between 0 and 1000000000 cents"),
        ({"price": 19.95}, "price 19.95 is not a whole number of cents"),
        ({"price": float("nan")}, "NaN is not a number"),
        ({"price": float("inf")}, "Infinity is not a number"),
        ({"price": True}, "price True is not a whole number of cents"),
        ({"price": "4995"}, "price 4995 is not a whole number of cents"),
        ({"ean": "0095205603217"}, "ean is not a list of 8 to 14 digits"),
        ({"ean": ["12a"]}, "ean is not a list of 8 to 14 digits"),
        ({"date_released": "soon"}, "date_released soon is not a date"),
        ({"date_released": 3}, "date_released 3 is not a date"),
        ({"img_high": "javascript:alert(1)"}, "img_high is not an address"),
        ({"attr_n_width": 1e30}, "Width is too large a number"),
        ({"attr_n_width": "wide"}, "Width is not a number"),
        ({"attr_b_manual": "yes"}, "Manual is not true or false"),
        ({"attr_t_type": 5}, "Type is not a text"),
        ({"attr_t_type": "x" * 10_001}, "Type is longer than 10000 characters"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedRowError) as refusal:
        product_of(line(**changes))

    assert str(refusal.value) == reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b'{"id": "1"', "the line is not JSON"),
        (b"[]", "the line is not a JSON object"),
        (b'{"title": "\xe9t\xe9"}', "the line is not UTF-8"),
        (b"", "the line is not JSON"),
        (b'{"price": 1' + b"0" * 5000 + b"}", "the line is not JSON"),
        (b"[" * 100_000, "the line is not JSON"),
        (line().replace(b"4995", b"1e999"), "price 1E+999 is not a whole number of cents"),
        (line().replace(b"25.5", b"1e999999999999"), "Thermal design power (tdp) is too large a number"),
    ],
)
def test_a_broken_line_is_refused_with_its_reason(raw: bytes, reason: str) -> None:
    with pytest.raises(RefusedRowError) as refusal:
        product_of(raw)

    assert str(refusal.value) == reason


def test_good_rows_around_bad_ones_are_read(tmp_path: Path) -> None:
    file = tmp_path / "products.jsonl"
    long = b'{"id": "' + b"x" * (3 * LONGEST_LINE) + b'"}'
    file.write_bytes(b"\n".join([line(), b"nonsense", long, line(), line(id="2")]))

    rows = list(read_rows(file))

    assert [(row.line, row.reason) for row in rows] == [
        (1, ""),
        (2, "the line is not JSON"),
        (3, "the line is longer than 1000000 bytes"),
        (4, "the id 3920564 was in line 1 already"),
        (5, ""),
    ]


def test_a_truncated_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "products.jsonl.gz"
    whole = gzip.compress(b"".join(line(id=str(number)) + b"\n" for number in range(2000)))
    file.write_bytes(whole[: len(whole) // 2])

    rows = list(read_rows(file))

    assert len(rows) > 1
    assert all(row.product for row in rows[:-1])
    assert rows[-1].reason.startswith("the file breaks off here")
    assert count_rows(file) is None


def test_a_damaged_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    file = tmp_path / "products.jsonl.gz"
    whole = bytearray(gzip.compress(b"".join(line(id=str(number)) + b"\n" for number in range(2000))))
    whole[len(whole) // 2 :] = b"\xff" * 100
    file.write_bytes(bytes(whole))

    assert list(read_rows(file))[-1].reason.startswith("the file breaks off here")


@pytest.mark.parametrize(
    ("title", "category"),
    [
        ("HP Pavilion dv7-1211ea Notebook Silver 43.2 cm 4 GB DDR2-SDRAM 250 GB HDD", "computers/laptops"),
        ("StarTech.com DB9 RS232 Serial Null Modem Adapter - M/F", "cables/serial-parallel-cables"),
        ("C2G 14ft Cat5E 350MHz Snagless Patch Cable Black", "cables/network-cables"),
        ("Intel Xeon X5482 processor 3.2 GHz 12 MB L2", "components/processors"),
        ("Philips Sonicare toothbrush heads", "home-personal-care/shaving-beauty"),
        ("Epson Singlepack Black T026", "printing/ink-cartridges"),
        ("Zxqv 7", "accessories/other"),
    ],
)
def test_the_title_decides_the_category(title: str, category: str) -> None:
    assert category_of(title) == category


def test_ink_of_a_laser_printer_is_toner() -> None:
    assert category_of("HP 314A Original Cyan 1 pc(s)") == "printing/ink-cartridges"
    assert category_of("HP 314A Original Cyan 1 pc(s)", print_technology="Laser printing") == "printing/toner"


def test_every_category_stands_after_its_department() -> None:
    paths = [record.path for record in icecat_categories()]

    assert len(paths) == len(set(paths))
    assert all(path.rpartition("/")[0] in {"", *paths[:place]} for place, path in enumerate(paths))
