"""What `export_products` writes, `import_products` takes back, and nothing is changed by it: whatever the texts are."""

import json
import tempfile
from collections.abc import Iterable
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from catalog.feeds.values import LAST_YEAR
from catalog.models import Category, Product, ProductAttribute, ProductFamily, ProductMedia
from inventory.models import Inventory
from tests.factories import make_category, make_product, make_warehouse

pytestmark = pytest.mark.django_db(transaction=True)
NASTY = (
    "a, \"b\"; 'c'",
    "line\nbreak\r\nand\ttab",
    "🦊👩‍👩‍👧",
    "שלום world",
    "=SUM(A1)",
    "\\N",
    "|",
    "é\u2028\x85",
    "x" * 3000,
    '""',
    "\\",
)
# What PostgreSQL can not keep is refused, and has tests of its own.
TEXTS = st.one_of(
    st.sampled_from(NASTY),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=60),
).filter(lambda text: text.strip() != "")
LATEST = datetime(LAST_YEAR, 12, 30)  # noqa: DTZ001 -- hypothesis wants one without a zone
SHORT_TEXTS = TEXTS.map(lambda text: text.strip()[:60].strip()).filter(bool)
AMOUNTS = st.decimals(min_value=0, max_value=10**8, places=2, allow_nan=False, allow_infinity=False)
CODES = st.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True)
ATTRIBUTES = st.one_of(
    st.fixed_dictionaries({"code": CODES, "name": SHORT_TEXTS, "value": TEXTS}),
    st.fixed_dictionaries(
        {
            "code": CODES.map(lambda code: f"n{code}"),
            "value": st.decimals(-(10**9), 10**9, places=4).map(str),
            "kind": st.just("number"),
            "unit": st.sampled_from(["", "kg", "°C"]),
        }
    ),
)
MEDIA = st.fixed_dictionaries(
    {
        "url": st.integers(0, 99).map("https://pictures.example/{}.jpg?a=1&b=|".format),
        "alt": st.one_of(st.just(""), SHORT_TEXTS),
    }
)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@st.composite
def products(draw: st.DrawFn) -> dict[str, Any]:
    price = draw(AMOUNTS)
    return {
        "title": draw(SHORT_TEXTS),
        "brand": draw(SHORT_TEXTS),
        "category": draw(st.sampled_from(["chairs", "chairs/oak"])),
        "price": str(price),
        "compare_at_price": draw(st.one_of(st.none(), st.just(str(price + 1)))),
        "family": draw(st.one_of(st.none(), st.sampled_from(["F1", "F, 2"]))),
        "axes": draw(st.lists(CODES, max_size=2, unique=True)),
        "description": draw(st.one_of(st.just(""), TEXTS)),
        "eans": draw(st.lists(st.from_regex(r"[0-9]{8,14}", fullmatch=True), max_size=2)),
        "tax_class": draw(st.sampled_from(["standard", "reduced", "zero"])),
        "weight_grams": draw(st.integers(0, 10**6)),
        "rating": str(draw(st.decimals(0, 5, places=2))),
        "review_count": draw(st.integers(0, 10**6)),
        "position": draw(st.integers(0, 9)),
        "active": draw(st.booleans()),
        "family_active": draw(st.booleans()),
        "released_at": draw(
            st.one_of(st.none(), st.datetimes(max_value=LATEST).map(lambda moment: moment.isoformat()))
        ),
        "attributes": draw(st.lists(ATTRIBUTES, max_size=4)),
        "media": draw(st.lists(MEDIA, max_size=2)),
        "stock": draw(st.dictionaries(st.sampled_from(["east", "west"]), st.integers(0, 1000))),
    }


CATALOGUES = st.dictionaries(SHORT_TEXTS, products(), min_size=1, max_size=6)


def run(command: str, *arguments: object) -> str:
    out = StringIO()
    call_command(command, *(str(argument) for argument in arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


def shop() -> list[Any]:
    """Everything of the catalogue that a shopper could tell apart, without the ids and times of the rows."""
    return [
        list(Product.objects.order_by("sku").values(*_columns(Product), "family__code")),
        list(
            ProductFamily.objects.order_by("code").values(
                *_columns(ProductFamily), "category__slug_path", "brand__name"
            )
        ),
        list(
            ProductAttribute.objects.order_by("product__sku", "position").values_list(
                "product__sku",
                "attribute__code",
                "attribute__name",
                "attribute__kind",
                "attribute__unit",
                "value",
                "number",
            )
        ),
        list(
            ProductMedia.objects.order_by("product__sku", "position").values_list("product__sku", "source_url", "alt")
        ),
        list(
            Inventory.objects.order_by("product__sku", "warehouse__code").values_list(
                "product__sku", "warehouse__code", "quantity"
            )
        ),
        list(Category.objects.order_by("slug_path").values_list("slug_path", "name", "description")),
    ]


def _columns(model: Any) -> list[str]:
    return [
        field.name
        for field in model._meta.concrete_fields
        if not field.is_relation and field.name not in ("id", "created_at", "updated_at")
    ]


def _let_families_agree(rows: Iterable[dict[str, Any]]) -> None:
    """Rows of one family that disagree about it are refused, and have tests of their own."""
    families: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.get("family"):
            first = families.setdefault(row["family"], row)
            row |= {name: first[name] for name in ("category", "brand", "axes", "family_active")}


def empty() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE catalog_category, catalog_brand, catalog_seller, catalog_attribute, catalog_importrun, "
            "inventory_warehouse CASCADE"
        )


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(catalogue=CATALOGUES, name=st.sampled_from(["all.csv", "all.jsonl.gz", "all.parquet", "all.csv.gz"]))
@example(
    catalogue={
        sku: {
            "title": text,
            "brand": text,
            "category": "chairs",
            "price": "1",
            "description": f"{text}\r{text}",
            "attributes": [{"code": "c", "value": text}],
        }
        for sku, text in (
            ("a", NASTY[0]),
            ("b", NASTY[1][:20]),
            ("c", NASTY[2]),
            ("d", NASTY[3]),
            ("e", NASTY[7]),
            ("f", "\\."),
        )
    },
    name="all.csv",
)
def test_a_round_trip_changes_nothing(catalogue: dict[str, dict[str, Any]], name: str) -> None:
    empty()
    oak = make_category(make_category(name="Chairs, “all”"), name="Oak")
    Category.objects.filter(pk=oak.pk).update(slug="oak", slug_path="chairs/oak")
    Category.objects.filter(depth=1).update(slug="chairs", slug_path="chairs", description="So\nmany, chairs")
    for code in ("east", "west"):
        make_warehouse(code=code)
    with tempfile.TemporaryDirectory() as folder:
        first, second, tree, third = (
            Path(folder) / file for file in ("first.jsonl", name, "tree.csv", f"again-{name}")
        )
        _let_families_agree(catalogue.values())
        first.write_text("".join(json.dumps({"sku": sku, **product}) + "\n" for sku, product in catalogue.items()))
        run("import_products", first)
        before = shop()

        run("export_products", second, "--categories", tree)

        said = run("import_products", second)
        assert said == f"0 products are new, 0 changed, {len(catalogue)} unchanged.\n"
        assert shop() == before

        empty()
        for code in ("east", "west"):
            make_warehouse(code=code)
        run("import_products", second, "--categories", tree)
        assert shop() == before
        run("export_products", third)
        assert third.read_bytes() == second.read_bytes() or name == "all.parquet"


def test_a_file_of_prices_is_all_that_is_written_where_that_is_wanted(tmp_path: Path) -> None:
    product = make_product(price="12.50")

    run("export_products", tmp_path / "prices.csv", "--columns", "sku, price")

    assert (tmp_path / "prices.csv").read_text() == f"sku,price\n{product.sku},12.50\n"


@pytest.mark.parametrize(
    ("name", "options", "reason"),
    [
        ("all.xlsx", [], "all.xlsx does not tell how to write it: call it .csv, .jsonl (both also .gz) or .parquet."),
        ("all.parquet.gz", [], "does not tell how to write it"),
        ("all.csv", ["--columns", "sku,colour"], "There is no column colour"),
        ("all.csv", ["--columns", "price"], "Without the column sku, nothing could be found again."),
        ("missing/all.csv", [], "No such file or directory"),
        ("missing/all.parquet", [], "No such file or directory"),
    ],
)
def test_what_can_not_be_written_is_one_line(tmp_path: Path, name: str, options: list[str], reason: str) -> None:
    with pytest.raises(CommandError) as problem:
        run("export_products", tmp_path / name, *options)

    assert reason in str(problem.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["all.csv", "all.jsonl.gz", "all.parquet"])
def test_an_export_that_finds_no_space_leaves_the_file_of_before(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_product()
    (tmp_path / name).write_text("of before")
    monkeypatch.setattr("catalog.feeds.writing.row_of", _no_space)

    with pytest.raises(CommandError, match="No space left on device"):
        run("export_products", tmp_path / name)

    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "of before"


def _no_space(*_: object) -> dict[str, Any]:
    with Path("/dev/full").open("w") as full:
        full.write("x" * 100_000)
    raise AssertionError("a full device took it")
