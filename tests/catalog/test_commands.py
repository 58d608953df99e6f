"""`import_products` and `load_demo`, from the command line's point of view."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db.models import Sum
from PIL import Image

from catalog import selectors
from catalog.models import Attribute, Category, Product, ProductAttribute
from catalog.types import ListingFilters
from inventory.models import Inventory, StockMovement
from tests.requirements import icecat_products

pytestmark = pytest.mark.django_db(transaction=True)


def write_rows(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def row(number: int, **changes: object) -> str:
    return json.dumps({"id": f"P{number}", "title": f"Toner {number}", "supplier": "Xerox", "price": 1000, **changes})


def run(*arguments: object) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command(*(str(argument) for argument in arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def assert_ledger_adds_up() -> None:
    on_hand = dict(Inventory.objects.filter(quantity__gt=0).values_list("pk", "quantity"))
    moved = StockMovement.objects.values("inventory").annotate(total=Sum("quantity"))
    assert dict(moved.values_list("inventory", "total")) == on_hand


def test_good_rows_get_in_and_bad_ones_are_told(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", row(1), "broken", row(2, price=-1), row(3))
    report = tmp_path / "refused.csv"

    with pytest.raises(CommandError, match=r"2 rows were refused\."):
        run("import_products", file, "--refused", report)

    assert sorted(Product.objects.values_list("sku", flat=True)) == ["P1", "P3"]
    assert report.read_text().splitlines() == [
        "line,reason",
        "2,the line is not JSON",
        "3,price -1 is not between 0 and 1000000000 cents",
    ]
    assert_ledger_adds_up()


def test_importing_again_changes_nothing_but_what_changed(tmp_path: Path) -> None:
    run("import_products", write_rows(tmp_path / "rows.jsonl", row(1), row(2)))
    stock = list(Inventory.objects.order_by("pk").values_list("pk", "product_id", "quantity"))

    out, _ = run("import_products", write_rows(tmp_path / "rows.jsonl", row(1, price=2000), row(2)))

    assert out == "2 products are in the shop.\n"
    assert [str(price) for price in Product.objects.order_by("sku").values_list("price", flat=True)] == [
        "20.000",
        "10.000",
    ]
    assert list(Inventory.objects.order_by("pk").values_list("pk", "product_id", "quantity")) == stock
    assert_ledger_adds_up()


def test_filters_that_staff_took_away_stay_away(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "rows.jsonl", row(1, attr_t_type="Original"))
    run("import_products", file)
    assert Attribute.objects.get(code="type").is_filter
    Attribute.objects.update(is_filter=False)

    run("import_products", file)

    assert not Attribute.objects.get(code="type").is_filter


def test_a_limit_ends_the_import(tmp_path: Path) -> None:
    run("import_products", write_rows(tmp_path / "rows.jsonl", row(1), row(2), row(3)), "--limit", 2)

    assert Product.objects.count() == 2


def test_an_empty_file_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").touch()

    assert run("import_products", tmp_path / "rows.jsonl")[0] == "0 products are in the shop.\n"


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_can_not_be_read_is_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(CommandError, match=r": (No such file|Is a directory)"):
        run("import_products", tmp_path / name, "--refused", tmp_path / "refused.csv")

    assert not (tmp_path / "refused.csv").exists()


def test_a_limit_below_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--limit"):
        run("import_products", tmp_path, "--limit", 0)


def test_the_whole_of_icecat_gets_in() -> None:
    out, err = run("import_products", icecat_products())

    assert (out, err) == ("19406 products are in the shop.\n", "")
    assert Product.objects.count() == 19_406
    assert ProductAttribute.objects.count() > 370_000
    assert_ledger_adds_up()
    unsure = selectors.family_cards(filters=ListingFilters(category="accessories/other")).total
    assert unsure < 0.06 * 19_406
    labels = selectors.family_cards(filters=ListingFilters(query="xerox toner", in_stock=True))
    assert labels.total > 50
    assert "printing-colours" in [facet.code for facet in labels.facets.attributes]


def test_the_demo_is_a_shop_to_walk_through(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path

    run("load_demo")

    assert len(selectors.departments()) == 8
    assert Category.objects.filter(depth=2).count() == 40
    assert Product.objects.count() == 500
    assert_ledger_adds_up()
    available = Inventory.objects.values("product").annotate(total=Sum("quantity"))
    assert 0 < available.filter(total=0).count() < 50
    home = selectors.home()
    assert len(home.popular) == len(home.newest) == len(home.deals) == 12
    picture = home.popular[0].picture
    assert picture is not None
    with Image.open(tmp_path / picture.card_url.removeprefix("/media/")) as card:
        assert card.size == (400, 400)
        assert len(card.convert("RGB").getcolors(maxcolors=1 << 24) or []) > 100
    _assert_again_is_harmless()


def _assert_again_is_harmless() -> None:
    before = list(Product.objects.order_by("pk").values_list("pk", "sku", "slug", "price", "rating"))
    user = get_user_model().objects.get(email="shopper@example.com")
    user.set_password("my own now")
    user.save()

    run("load_demo")

    assert list(Product.objects.order_by("pk").values_list("pk", "sku", "slug", "price", "rating")) == before
    assert get_user_model().objects.get(email="shopper@example.com").check_password("my own now")
    assert_ledger_adds_up()


def test_the_demo_is_refused_in_production(settings: Any) -> None:
    settings.PRODUCTION = True

    with pytest.raises(CommandError, match="refused"):
        run("load_demo")

    assert Product.objects.count() == 0
    assert get_user_model().objects.count() == 0
