"""Rows as products: what they become by our own names or by a mapping, and what is refused."""

import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from catalog.feeds import mapping as mappings
from catalog.feeds.mapping import OWN, FeedMapping
from catalog.feeds.refusals import FeedProblem, RefusedRow
from catalog.records import AttributeRecord, PictureRecord

ICECAT = mappings.load(mappings.shipped(), "icecat")
XEROX: dict[str, Any] = {
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


def test_a_row_of_our_own_is_read_from_texts() -> None:
    given = OWN.given(
        {
            "sku": " A-1 ",
            "title": "Chair, “oak”",
            "price": "1299.50",
            "compare_at_price": "",
            "currency": "USD",
            "axes": "colour|size",
            "eans": "12345678|12345678|1234567890123",
            "active": "no",
            "released_at": "2026-01-31",
            "attr.colour": "Oak",
            "attr.width-cm": "",
            "media": "https://pictures.example/1.jpg|https://pictures.example/2.jpg",
            "stock.east": "3",
            "stock.west": "",
        }
    )

    assert given == {
        "sku": "A-1",
        "title": "Chair, “oak”",
        "price": Decimal("1299.50"),
        "compare_at_price": None,
        "variation_axes": ("colour", "size"),
        "eans": ("12345678", "1234567890123"),
        "is_active": False,
        "released_at": datetime(2026, 1, 31, tzinfo=UTC),
        "attributes": (AttributeRecord(code="colour", name="Colour", value="Oak"),),
        "pictures": (
            PictureRecord(source_url="https://pictures.example/1.jpg"),
            PictureRecord(source_url="https://pictures.example/2.jpg"),
        ),
        "stock": {"east": 3},
    }


def test_what_a_row_does_not_say_is_left_open() -> None:
    assert OWN.given({"sku": "A", "price": 3}) == {"sku": "A", "price": Decimal(3)}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sku": ""}, "sku is empty"),
        ({"sku": None}, "sku is missing"),
        ({"sku": 7}, "sku is not a text"),
        ({"sku": "x" * 65}, "sku is longer than 64 characters"),
        ({"title": " "}, "title is empty"),
        ({"title": "x" * 10_000_000}, "title is longer than 500 characters"),
        ({"title": "a\x00b"}, "title has a character that can not be stored"),
        ({"title": "\ud800"}, "title has a character that can not be stored"),
        ({"title": "caf\udce9"}, "title is not UTF-8"),
        ({"price": "-1"}, "price -1 is below zero"),
        ({"price": "1e999"}, "price is too large a number"),
        ({"price": Decimal("1e999")}, "price is too large a number"),
        ({"price": "NaN"}, "price NaN is not a number (write 1234.50)"),
        ({"price": float("nan")}, "price NaN is not a number"),
        ({"price": Decimal("-Infinity")}, "price -Infinity is not a number"),
        ({"price": "1,299.50"}, "price 1,299.50 is not a number (write 1234.50)"),
        ({"price": "१"}, "price १ is not a number (write 1234.50)"),
        ({"price": True}, "price is not a number"),
        ({"price": "0.001"}, "price 0.001 is finer than the smallest coin"),
        ({"price": "100000000000"}, "price 100000000000 is more than 99999999999.999"),
        ({"currency": "EUR"}, "the price is in EUR, but this shop sells in USD"),
        ({"eans": "12a"}, "eans is not a list of 8 to 14 digits"),
        ({"eans": [12345678]}, "eans is not a list of 8 to 14 digits"),
        ({"axes": "colour|no good"}, "axes is not a list of attribute codes"),
        ({"tax_class": "none"}, "tax_class none is none of standard, reduced, zero"),
        ({"rating": "5.1"}, "rating 5.1 is not between 0 and 5"),
        ({"review_count": "1.5"}, "review_count 1.5 is not a whole number"),
        ({"max_per_order": 0}, "max_per_order 0 is not between 1 and 2000000000"),
        ({"active": "perhaps"}, "active perhaps is neither true nor false"),
        ({"released_at": "soon"}, "released_at soon is not a date (write 2026-01-31)"),
        (
            {"released_at": "0001-01-01T00:00:00+23:00"},
            "released_at 0001-01-01T00:00:00+23:00 is not a date (write 2026-01-31)",
        ),
        ({"slug": "a b"}, "slug has other characters than letters, digits, - and _"),
        ({"media": "javascript:alert(1)"}, "javascript:alert(1) is not an address of the web"),
        ({"media": [{"file": "../secret"}]}, "../secret is not the name of a picture in the shop's storage"),
        ({"media": [{"file": "/etc/passwd"}]}, "/etc/passwd is not the name of a picture in the shop's storage"),
        (
            {"media": [{"file": "products/chair.svg"}]},
            "products/chair.svg is not the name of a picture in the shop's storage",
        ),
        ({"price": "\ud800"}, "price \ufffd is not a number (write 1234.50)"),
        ({"attr.colour": ["Red"]}, "attr.colour is not a single value"),
        ({"stock": {"e\ud800": -1}}, "stock.e\ufffd -1 is not between 0 and 1000000000"),
        ({"media": [{"alt": "x"}]}, "a picture of media has neither url nor file"),
        ({"media": "[{]"}, "media is not JSON"),
        ({"attributes": "[1]"}, "attributes is not a list of objects"),
        ({"attributes": '[{"code": "a", "number": NaN}]'}, "attributes has NaN, which is not a number"),
        (
            {"attributes": [{"code": "no good", "value": "x"}]},
            "an attribute's code is not made of letters, digits, - and _",
        ),
        ({"attributes": [{"code": "a", "value": ""}]}, "a has no value"),
        ({"attributes": [{"code": "a", "value": "wide", "kind": "number"}]}, "a wide is not a number (write 1234.50)"),
        ({"attributes": [{"code": "a", "value": "x", "kind": "odd"}]}, "the kind of a is none of text, number, flag"),
        ({"stock.east": "-1"}, "stock.east -1 is not between 0 and 1000000000"),
        ({"stock": "3"}, "stock is not an object of warehouses and units"),
        ({"colour": "red"}, "nothing is known of colour"),
    ],
)
def test_a_bad_value_is_refused_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedRow) as refused:
        OWN.given({"sku": "A", **changes})

    assert str(refused.value) == reason


def test_a_row_of_icecat_is_read_by_its_mapping() -> None:
    given = ICECAT.given(XEROX)

    assert (given["sku"], given["brand"], given["eans"]) == ("3920564", "Xerox", ("0095205603217",))
    assert (given["price"], given["weight_grams"]) == (Decimal("49.95"), 813)
    assert given["released_at"] == datetime(2009, 12, 10, tzinfo=UTC)
    assert [(row.code, row.name, row.value, row.number, row.is_filter) for row in given["attributes"]] == [
        ("printing-colours", "Printing colours", "Black", None, True),
        ("black-toner-page-yield", "Black toner page yield", "23000", Decimal("23000.000000"), False),
        ("package-weight", "Package weight", "812.6", Decimal("812.600000"), False),
        ("manual", "Manual", "Yes", None, False),
        ("thermal-design-power-tdp", "Thermal design power (tdp)", "25.5", Decimal("25.500000"), False),
    ]
    assert [picture.source_url for picture in given["pictures"]] == ["http://images.example/1.jpg"]


def test_values_that_are_equal_but_of_another_kind_stay_apart() -> None:
    one, true = (ICECAT.given({**XEROX, "attr_t_mark": value}) for value in ("1", "true"))
    flag = ICECAT.given({**XEROX, "attr_b_mark": True})

    assert [given["attributes"][-1].value for given in (one, true, flag)] == ["1", "true", "Yes"]
    with pytest.raises(RefusedRow, match="Mark is not a text"):
        ICECAT.given({**XEROX, "attr_t_mark": 1})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"price": -1}, "price -0.01 is below zero"),
        ({"price": 19.95}, "price 19.95 is not a whole number"),
        ({"price": 10**30}, "price is too large a number"),
        ({"attr_n_width": 1e30}, "Width is too large a number"),
        ({"attr_n_width": "wide"}, "Width wide is not a number (write 1234.50)"),
        ({"attr_b_manual": "perhaps"}, "Manual perhaps is neither true nor false"),
        ({"attr_t_type": "x" * 10_001}, "Type is longer than 10,000 characters"),
        ({"img_high": "javascript:alert(1)"}, "javascript:alert(1) is not an address of the web"),
    ],
)
def test_a_bad_row_of_icecat_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedRow) as refused:
        ICECAT.given({**XEROX, **changes})

    assert str(refused.value) == reason


@pytest.mark.parametrize("changes", [{"title": None}, {"title": ...}])
def test_a_row_of_icecat_without_a_title_says_nothing_of_its_category(changes: dict[str, Any]) -> None:
    row = {name: value for name, value in {**XEROX, **changes}.items() if value is not ...}

    assert "category" not in ICECAT.given(row)


def test_an_attribute_whose_name_can_not_be_stored_is_refused() -> None:
    with pytest.raises(RefusedRow, match="a column's name has a character that can not be stored"):
        ICECAT.given({**XEROX, "attr_t_x\x00y": "1"})


def test_attributes_in_a_list_and_in_columns_add_up() -> None:
    given = OWN.given(
        {"sku": "A", "attributes": '[{"code": "size", "value": "M"}]', "attr.colour": "Red", "attr.new": True}
    )

    assert [(record.code, record.value) for record in given["attributes"]] == [
        ("size", "M"),
        ("colour", "Red"),
        ("new", "Yes"),
    ]


def test_an_implausible_weight_is_left_out_instead() -> None:
    assert "weight_grams" not in ICECAT.given({**XEROX, "attr_n_package_weight": 10**12})


def test_a_file_tells_which_mapping_it_needs() -> None:
    assert mappings.choose(None, tuple(XEROX)).name == "icecat"
    assert mappings.choose(None, ("sku", "title")) is OWN
    assert mappings.choose("icecat", ("sku", "title")).name == "icecat"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("columns = [", "is not TOML"),
        ("[columns]\nstuff = 'x'", "has 'stuff' in columns, but known are: active"),
        ("[attributes]\na = 'odd'", "has 'odd' in attributes"),
        ("categories = 'mine'", "has 'mine' in categories, but known are: icecat"),
        ("colour = 'x'", "has 'colour' in file"),
        ("columns = 'x'", "columns is not a table"),
        ("attributes = 'x'", "attributes is not a table"),
        ("[attributes]\na = ['text']", "a in attributes is not a text"),
        ("[columns]\nsku = 5", "sku in columns is not a text or a list of texts"),
        ("[columns]\nsku = [5]", "sku in columns is not a text or a list of texts"),
        ("[units]\nwidth = 5", "width in units is not a text"),
        ("recognise = 5", "recognise is not a list of texts"),
        ("filters = 'colour'", "filters is not a list of texts"),
        ("lenient = ['weight']", "has 'weight' in lenient"),
        ("categories = ['icecat']", r"has \['icecat'\] in categories"),
        ("currency_in = 'cents'", "has 'cents' in currency_in, but known are: amounts, minor"),
        ("stock_seed = 'x'", "stock_seed is not a whole number"),
    ],
)
def test_a_mapping_that_is_not_right_is_told_in_one_line(tmp_path: Path, text: str, reason: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)

    with pytest.raises(FeedProblem, match=reason):
        mappings.choose(str(file), ("sku",))


def test_a_mapping_of_ones_own_needs_no_code(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[columns]\nsku = "Artikel"\ntitle = ["Name", "Kurzname"]\n[constants]\nbrand = "Ours"\n')

    mine = mappings.choose(str(file), ("Artikel", "Name", "Kurzname"))

    assert mine.given({"Artikel": "7", "Name": "", "Kurzname": "Stuhl"}) == {
        "sku": "7",
        "title": "Stuhl",
        "brand": "Ours",
    }


@pytest.mark.parametrize(
    ("mapping", "columns", "reason"),
    [
        (OWN, ("title", "price"), "The column sku is missing, by which products are found. There are: title, price."),
        (ICECAT, ("title",), "The column id is missing"),
        (OWN, ("sku", "colour"), "Nothing is known of the column colour"),
    ],
)
def test_columns_are_looked_at_before_anything_is_written(
    mapping: FeedMapping, columns: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(FeedProblem) as problem:
        mapping.check(columns)

    assert str(problem.value).startswith(reason)


def test_shipped_mappings_are_as_the_manual_says() -> None:
    for path in mappings.shipped().values():
        assert tomllib.loads(path.read_text())["recognise"]
