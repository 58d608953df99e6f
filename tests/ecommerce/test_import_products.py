"""`import_products`, from the command line's point of view."""

import csv
import json
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from catalog import operations
from catalog.models import Attribute, Category, ImportRun, Product, ProductAttribute, ProductMedia
from catalog.types import ListingFilters
from core.clock import now
from core.locks import advisory
from core.models import OutboxEvent
from ecommerce.importing.runs import LOCK
from inventory.models import Inventory, StockMovement
from inventory.services import check_inventory
from search.selectors import search
from search.services import build_documents
from tests.factories import make_cart, make_cart_item, make_category, make_product, make_warehouse
from tests.requirements import icecat_products

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def row(sku: str, **changes: Any) -> dict[str, Any]:
    return {"sku": sku, "title": f"Chair {sku}", "brand": "Oakline", "category": "chairs", "price": "10.00", **changes}


def json_lines(*rows: Mapping[str, Any] | str) -> Path:
    file = Path("products.jsonl")
    file.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in rows))
    return file


def table(*rows: Mapping[str, Any]) -> Path:
    file = Path("products.csv")
    with file.open("w", newline="") as opened:
        writer = csv.DictWriter(opened, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def run(file: Path, *options: object) -> str:
    out = StringIO()
    call_command("import_products", str(file), *(str(option) for option in options), stdout=out, stderr=StringIO())
    return out.getvalue()


def refused(file: Path, *options: object) -> str:
    """What the command ends with, and on the way what it says of each row."""
    err = StringIO()
    with pytest.raises(CommandError) as problem:
        call_command("import_products", str(file), *(str(option) for option in options), stdout=StringIO(), stderr=err)
    return f"{err.getvalue()}{problem.value}"


def assert_stock_adds_up() -> None:
    assert check_inventory(now=now()).differences == ()


def prices() -> dict[str, str]:
    return {sku: f"{price:.2f}" for sku, price in Product.objects.order_by("sku").values_list("sku", "price")}


def test_good_rows_get_in_and_bad_ones_are_told_with_line_and_reason() -> None:
    make_category(name="Chairs")

    said = refused(json_lines(row("A"), "broken", row("B", price=-1), row("C"), row("A")))

    assert said.splitlines() == [
        "products.jsonl, line 2: the line is not JSON",
        "products.jsonl, line 3: price -1 is below zero",
        "products.jsonl, line 5: the SKU A was in line 1 already",
        "3 rows were refused: see products.refused.csv",
    ]
    assert prices() == {"A": "10.00", "C": "10.00"}
    with Path("products.refused.csv").open(newline="") as file:
        report = list(csv.reader(file))
    assert [line[:5] for line in report] == [
        ["file", "line", "code", "column", "reason"],
        ["products.jsonl", "2", "unreadable", "", "the line is not JSON"],
        ["products.jsonl", "3", "invalid", "price", "price -1 is below zero"],
        ["products.jsonl", "5", "repeated", "sku", "the SKU A was in line 1 already"],
    ]
    assert json.loads(report[2][5])["sku"] == "B"


def test_where_nothing_may_be_wrong_nothing_is_changed() -> None:
    make_category(name="Chairs")
    Path("tree.csv").write_text("id,name\ntables,Tables\n")

    said = refused(json_lines(row("A"), row("B", price="NaN")), "--on-error", "stop", "--categories", "tree.csv")

    assert said == "line 2: price NaN is not a number (write 1234.50). Nothing was changed."
    assert not Product.objects.exists()
    assert not ImportRun.objects.exists()
    assert list(Category.objects.values_list("name", flat=True)) == ["Chairs"]
    assert not Path("products.refused.csv").exists()


def test_a_second_import_writes_what_differs_and_nothing_else() -> None:
    make_category(name="Chairs")
    make_warehouse(code="east")
    run(json_lines(row("A", **{"stock.east": 5}), row("B")))
    OutboxEvent.objects.all().delete()
    before = dict(Product.objects.values_list("sku", "updated_at"))

    said = run(json_lines(row("A", price=12), row("B")))

    assert said == "0 products are new, 1 changed, 1 unchanged.\n  price: 1\n"
    assert prices() == {"A": "12.00", "B": "10.00"}
    assert Product.objects.get(sku="B").updated_at == before["B"]
    assert list(OutboxEvent.objects.values_list("key", flat=True)) == [str(Product.objects.get(sku="A").pk)]
    assert Inventory.objects.get().quantity == 5


def test_a_file_of_prices_changes_prices_alone() -> None:
    make_category(name="Chairs")
    run(json_lines(row("A", description="Oak", compare_at_price=20, attributes=[{"code": "colour", "value": "Red"}])))

    said = run(table({"sku": "A", "price": "15.00"}))

    product = Product.objects.get()
    assert said == "0 products are new, 1 changed, 0 unchanged.\n  price: 1\n"
    assert (product.title, product.description, product.price, product.compare_at_price) == ("Chair A", "Oak", 15, 20)
    assert ProductAttribute.objects.get().value == "Red"


def test_a_price_that_passes_what_it_was_compared_with_ends_the_comparison() -> None:
    make_category(name="Chairs")
    run(json_lines(row("A", compare_at_price=20)))

    run(table({"sku": "A", "price": "25.00"}))

    assert Product.objects.get().compare_at_price is None
    assert "compare_at_price 20.00 is not above the price 20.00" in refused(
        json_lines(row("A", price=20, compare_at_price=20))
    )


def test_a_new_product_needs_what_every_product_has() -> None:
    assert "price is missing, and A is a new product" in refused(
        json_lines({"sku": "A", "title": "x", "brand": "x", "category": "x"})
    )


def test_variants_make_a_family_and_a_later_one_is_as_its_siblings() -> None:
    make_category(name="Chairs")
    run(
        json_lines(
            row("A", family="F", family_title="Chair", axes=["colour"]),
            {"sku": "B", "family": "F", "title": "B", "price": 3},
        )
    )

    run(json_lines({"sku": "C", "family": "F", "title": "C", "price": 4}))

    families = {product.family.code for product in Product.objects.all()}
    family = Product.objects.get(sku="C").family
    assert families == {"F"}
    assert (family.title, family.brand.name, family.variation_axes) == ("Chair", "Oakline", ["colour"])


def test_an_address_stays_when_a_title_changes() -> None:
    make_category(name="Chairs")
    run(json_lines(row("A")))
    slug = Product.objects.get().slug

    run(json_lines(row("A", title="Armchair")))

    product = Product.objects.get()
    assert (product.title, product.slug, product.family.title) == ("Armchair", slug, "Armchair")


def test_an_address_can_be_given_but_not_taken_away() -> None:
    make_category(name="Chairs")
    run(json_lines(row("A", slug="oak"), row("B")))

    assert "the address oak belongs to A" in refused(json_lines(row("B", slug="oak")))
    assert Product.objects.get(sku="A").slug == "oak"


def test_stock_is_set_per_warehouse_and_every_difference_is_a_movement() -> None:
    make_category(name="Chairs")
    make_warehouse(code="east")
    make_warehouse(code="west")
    run(table(row("A", **{"stock.east": 5, "stock.west": 2})))

    said = run(table(row("A", **{"stock.east": 3, "stock.west": ""})))

    assert said.splitlines()[1:] == ["  stock.east: 1"]
    assert dict(Inventory.objects.values_list("warehouse__code", "quantity")) == {"east": 3, "west": 2}
    assert sorted(StockMovement.objects.values_list("quantity", flat=True)) == [-2, 2, 5]
    assert_stock_adds_up()


def test_promised_units_are_not_counted_away() -> None:
    make_category(name="Chairs")
    make_warehouse(code="east")
    run(table(row("A", **{"stock.east": 5}), row("B", **{"stock.east": 1})))
    make_cart_item(cart=make_cart(), product=Product.objects.get(sku="A"), quantity=3, held_until=now())

    said = refused(table(row("A", price=99, **{"stock.east": 2}), row("B", **{"stock.east": 2})))

    assert "line 2: 3 units in east are promised to shoppers" in said
    assert prices() == {"A": "10.00", "B": "10.00"}
    assert list(Inventory.objects.order_by("product__sku").values_list("quantity", flat=True)) == [5, 2]
    assert_stock_adds_up()


def test_what_the_shop_does_not_know_is_refused() -> None:
    make_category(name="Chairs")

    said = refused(
        json_lines(
            row("A", category="sofas"),
            row("B", stock={"mars": 1}),
            row("C", media=[{"file": "products/none.webp"}]),
            row("D", colour="red"),
        )
    )

    assert said.splitlines()[:-1] == [
        "products.jsonl, line 1: there is no category sofas",
        "products.jsonl, line 2: there is no warehouse mars",
        "products.jsonl, line 3: there is no file products/none.webp in the shop's storage",
        "products.jsonl, line 4: nothing is known of colour",
    ]
    assert not Product.objects.exists()


def test_a_file_without_skus_is_not_begun() -> None:
    said = refused(table({"title": "A", "price": "1"}))

    assert said == "The column sku is missing, by which products are found. There are: title, price."
    assert not ImportRun.objects.exists()


def test_categories_come_with_the_products() -> None:
    Path("tree.csv").write_text("id,parent,name,slug\n2,1,Chairs,\n1,,Furniture,home\n3,2,Oak,\n")

    run(json_lines(row("A", category="3"), row("B", category="home/chairs")), "--categories", "tree.csv")

    assert sorted(Category.objects.values_list("slug_path", flat=True)) == ["home", "home/chairs", "home/chairs/oak"]
    assert Product.objects.get(sku="A").family.category.slug_path == "home/chairs/oak"


def test_categories_that_hang_in_a_circle_or_in_the_air_are_refused() -> None:
    make_category(name="Chairs")
    Path("tree.csv").write_text(
        "id,parent,name\na,b,A\nb,c,B\nc,a,C\nd,d,D\ne,nowhere,E\nf,chairs,F\nf,,F\n,,G\ng,,\nh,chairs,F\ni,h,I\n"
    )

    said = refused(json_lines(row("A")), "--categories", "tree.csv")

    assert said.splitlines()[:-1] == [
        "tree.csv, line 2: a is below itself: a > c > b > a",
        "tree.csv, line 3: b is below itself: b > a > c > b",
        "tree.csv, line 4: c is below itself: c > b > a > c",
        "tree.csv, line 5: d is below itself: d > d",
        "tree.csv, line 6: there is no category nowhere to put it below",
        "tree.csv, line 8: the id f was in line 7 already",
        "tree.csv, line 9: id is empty",
        "tree.csv, line 10: name is empty",
        "tree.csv, line 11: its address chairs/f is that of line 7 too",
        "tree.csv, line 12: h, which it is below, was refused",
    ]
    assert sorted(Category.objects.values_list("slug_path", flat=True)) == ["chairs", "chairs/f"]
    assert Product.objects.count() == 1


def test_a_category_that_staff_readdressed_is_found_by_its_former_address() -> None:
    Path("tree.csv").write_text("id,parent,name\nchairs,,Chairs\n")
    run(json_lines(row("A")), "--categories", "tree.csv")
    Category.objects.update(slug="seats", name="Seats")
    with transaction.atomic():
        operations.readdress_categories()
    Path("tree.csv").write_text("id,parent,name\nchairs,,Chairs\nstools,chairs,Stools\n")

    run(json_lines(row("A"), row("B"), row("C", category="stools")), "--categories", "tree.csv")

    assert sorted(Category.objects.values_list("slug_path", "name")) == [
        ("seats", "Chairs"),
        ("seats/stools", "Stools"),
    ]
    assert Product.objects.get(sku="B").family.category.slug_path == "seats"
    assert Product.objects.get(sku="C").family.category.slug_path == "seats/stools"


def test_rows_of_one_family_must_agree() -> None:
    make_category(name="Chairs")
    make_category(name="Stools")

    said = refused(json_lines(row("A", family="F"), row("B", family="F", category="stools"), row("C", family="F")))

    assert "line 2: an earlier row of the family F has another category" in said
    assert sorted(prices()) == ["A", "C"]


def test_the_report_never_takes_the_place_of_what_is_read() -> None:
    file = json_lines(row("A", price=-1)).rename("products.refused.csv")

    assert refused(file) == "products.refused.csv is what is read: name another file with --refused."
    assert "price" in file.read_text()


def test_what_can_not_be_stored_is_told_all_the_same() -> None:
    make_category(name="Chairs")
    Path("products").write_bytes(
        b"sku,title,brand,category,price,attr.colour\nA,x,y,chairs,1\xe9,Red\nB,x,y,chairs,1,Red\n"
    )

    said = refused(Path("products"))

    assert "line 2: price 1\ufffd is not a number" in said
    assert prices() == {"B": "1.00"}
    assert ImportRun.objects.get().refusals.get().detail.startswith("price 1\ufffd")


def test_a_dry_run_tells_and_changes_nothing() -> None:
    make_category(name="Chairs")
    make_warehouse(code="east")
    run(table(row("A", **{"stock.east": 5}), row("B", **{"stock.east": 5})))
    Path("tree.csv").write_text("id,name\nsofas,Sofas\n")
    before = _tables()

    out = run(
        table(
            row("A", price="12.00", **{"stock.east": 4}),
            row("B", **{"stock.east": 5}),
            row("C", category="sofas", **{"stock.east": 1}),
        ),
        "--dry-run",
        "--categories",
        "tree.csv",
    )

    assert out.splitlines() == [
        "1 products would be new, 1 would be changed, 1 unchanged.",
        "  price: 1",
        "  stock.east: 1",
        "  A: price 10.00 USD -> 12.00 USD; stock.east 5 -> 4",
    ]
    assert _tables() == before


def test_a_dry_run_tells_what_would_be_refused() -> None:
    make_category(name="Chairs")

    assert "line 2: there is no category sofas" in refused(
        json_lines(row("A"), row("B", category="sofas")), "--dry-run"
    )
    assert not Product.objects.exists()


def test_two_imports_at_once_are_refused() -> None:
    with advisory(LOCK):
        said = refused(json_lines(row("A")))

    assert said == "Another import is under way: wait until it has ended."


def test_a_full_disk_is_one_line_and_the_import_goes_on_later() -> None:
    make_category(name="Chairs")
    file = json_lines(*(row(f"{number:05}") for number in range(2500)))
    with connection.cursor() as cursor:
        # Exactly what PostgreSQL answers when a table can not grow.
        cursor.execute(
            """
            CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$;
            CREATE TRIGGER disk_full BEFORE INSERT ON catalog_product FOR EACH ROW WHEN (NEW.sku = '02100')
            EXECUTE FUNCTION disk_full();
            """
        )
    try:
        said = refused(file)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION disk_full() CASCADE")

    assert said == (
        "PostgreSQL has no space left on its disk. Whole batches are in the shop: run the same command again to go on."
    )
    assert Product.objects.count() == 2000
    assert run(file) == (
        "Went on after line 2000, where an earlier run was interrupted.\n2500 products are new, 0 changed, 0 unchanged.\n"
    )
    assert Product.objects.count() == 2500


def test_a_run_taken_up_again_still_knows_what_came_before() -> None:
    make_category(name="Chairs")
    file = json_lines(*(row(f"{number:05}") for number in range(999)), "broken", row("00000"), row("X"))
    ImportRun.objects.all().delete()
    said = refused(file)
    ImportRun.objects.update(finished_at=None, line=1000, created=999, refused=1)
    ImportRun.objects.get().refusals.filter(line__gt=1000).delete()

    again = refused(file)

    assert said == again
    assert "line 1001: the SKU 00000 was in line 1 already" in again
    assert "line 1000: the line is not JSON" in again


def test_a_report_that_can_not_be_written_is_told() -> None:
    assert "2 rows were refused, and /dev/full can not be written: No space left on device" in refused(
        json_lines(row("A", price=-1), "broken"), "--refused", "/dev/full"
    )


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_can_not_be_read_is_one_line(name: str) -> None:
    assert refused(Path(name)).split(": ")[1] in ("No such file or directory", "Is a directory")


def test_a_limit_ends_the_import() -> None:
    make_category(name="Chairs")

    run(json_lines(row("A"), row("B"), row("C")), "--limit", 2)

    assert Product.objects.count() == 2
    assert refused(Path("products.jsonl"), "--limit", 0) == "--limit must be at least 1"


def test_an_empty_file_is_no_mistake() -> None:
    Path("empty.csv").touch()

    assert run(Path("empty.csv")) == "0 products are new, 0 changed, 0 unchanged.\n"


def test_pictures_of_the_shop_can_be_named_and_those_of_staff_stay(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    make_category(name="Chairs")
    name = default_storage.save("products/chair.webp", ContentFile(b"x"))
    run(json_lines(row("A", media=[{"file": name, "alt": "A chair"}])))

    run(json_lines(row("A", media="https://pictures.example/1.jpg")))

    assert [media.file.name for media in ProductMedia.objects.all()] == [name]


def test_the_whole_of_icecat_gets_in() -> None:
    out = run(icecat_products())

    assert out == "Read by the mapping icecat.\n19406 products are new, 0 changed, 0 unchanged.\n"
    assert ProductAttribute.objects.count() == 371_405
    assert Inventory.objects.count() == 3 * 19_406
    assert_stock_adds_up()
    build_documents(now=now())
    toner = search(filters=ListingFilters(query="xerox toner", in_stock=True))
    assert toner.total > 50
    assert "printing-colours" in [facet.code for facet in toner.facets.attributes]
    Attribute.objects.update(is_filter=False)

    again = run(icecat_products())

    assert again == "Read by the mapping icecat.\n0 products are new, 0 changed, 19406 unchanged.\n"
    assert not Attribute.objects.filter(is_filter=True).exists()


def _tables() -> dict[str, list[dict[str, Any]]]:
    models: tuple[Any, ...] = (
        Category,
        Product,
        ProductAttribute,
        Attribute,
        Inventory,
        StockMovement,
        ImportRun,
        OutboxEvent,
    )
    return {model.__name__: list(model.objects.order_by("pk").values()) for model in models}


def test_an_import_reads_and_writes_a_batch_in_a_bounded_number_of_statements(
    django_assert_max_num_queries: Any,
) -> None:
    make_category(name="Chairs")
    make_warehouse(code="east")
    file = json_lines(
        *(
            row(f"{number:04}", stock={"east": 1}, attributes=[{"code": "c", "value": str(number)}])
            for number in range(900)
        )
    )

    with django_assert_max_num_queries(60):
        run(file)

    assert make_product().pk
