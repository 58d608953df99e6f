"""`generate_catalogue`, from the command line's point of view."""

import hashlib
import os
import signal
import statistics
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Count, F, Sum
from django.test import Client

from catalog.generated.plan import BLOCK, Places, Plan
from catalog.generated.words import attributes, words
from catalog.models import Attribute, Brand, Category, Product, ProductAttribute, ProductFamily
from core.clock import now
from core.locks import advisory
from core.models import OutboxEvent
from ecommerce.generating.loading import TABLES, GenerateOrder, Watcher, generate
from ecommerce.generating.making import Job, MakerEnded, make_blocks
from ecommerce.importing.runs import LOCK
from inventory.generated import StockPlan
from inventory.models import Inventory, StockMovement, Warehouse
from inventory.services import check_inventory
from orders.models import Order
from search.services import build_documents
from tests.factories import make_product
from tests.requirements import REPOSITORY
from tests.schemas import schema_of
from tests.servers.waiting import wait_for

pytestmark = pytest.mark.django_db(transaction=True)
COUNT = 2000
MOMENT = datetime(2026, 3, 5, 14, 30, tzinfo=UTC)


def run(*options: object) -> str:
    out = StringIO()
    call_command("generate_catalogue", *(str(option) for option in options), "--processes", "0", stdout=out)
    return out.getvalue()


def refused(*options: object) -> str:
    with pytest.raises(CommandError) as problem:
        run(*options)
    assert "\n" not in str(problem.value)
    return str(problem.value)


def order(products: int = COUNT, **changes: Any) -> GenerateOrder:
    return GenerateOrder(**{"products": products, "seed": 7, "now": MOMENT, "processes": 0, **changes})


def watcher(**changes: Callable[[Any], None]) -> Watcher:
    silent: dict[str, Callable[[Any], None]] = {name: lambda _: None for name in ("products", "steps", "step")}
    return Watcher(**{**silent, **changes})


def job(*, seed: int = 7, products: int = 2500) -> Job:
    """What a shop would make its blocks of, without the shop."""
    known = words()
    places = Places(
        categories={record.path: number for number, record in enumerate(known.categories)},
        brands=tuple(range(100)),
        sellers=tuple(range(40)),
        attributes={code: number for number, code in enumerate(attributes())},
    )
    plan = Plan(
        seed=seed,
        products=products,
        first=0,
        now=MOMENT,
        currency="USD",
        places=places,
        family_ids=1,
        product_ids=1,
        value_ids=1,
    )
    return Job(plan, StockPlan(seed=seed, warehouses=(1, 2, 3), shelf_ids=1, reference="generated", at=str(MOMENT)))


def digest(of: Job, *, processes: int) -> str:
    found = hashlib.sha256()
    for made in make_blocks(of, processes=processes):
        for lines in (made.products.families, made.products.products, made.products.values):
            found.update(lines)
        found.update(made.stock.shelves + made.stock.movements)
    return found.hexdigest()


def test_the_same_numbers_make_the_same_shop_however_many_make_it() -> None:
    alone = digest(job(), processes=0)

    assert digest(job(), processes=1) == digest(job(), processes=2) == alone
    assert digest(job(seed=8), processes=0) != alone


def test_a_generated_shop_is_one_to_measure_with(client: Client) -> None:
    before = schema_of(TABLES)

    said = run("--products", COUNT, "--seed", 7)

    assert said.splitlines() == [
        f"2,000 products in {len(words().categories)} categories are in the shop, G00000001 to G00002000.",
        "Nobody was told of them: whatever keeps a copy of the catalogue, such as a search index, is to be built anew.",
    ]
    assert schema_of(TABLES) == before
    assert OutboxEvent.objects.count() == 0
    _assert_products_are_sound()
    _assert_much_is_rare()
    _assert_stock_adds_up()
    _assert_ids_go_on()
    _assert_pages_open(client)


def _assert_products_are_sound() -> None:
    assert Product.objects.count() == COUNT
    assert Product.objects.filter(is_active=True, released_at__lt=now(), currency="USD").count() == COUNT
    assert all(_is_ean(ean) for (ean,) in Product.objects.values_list("eans", flat=True))
    sizes = list(ProductFamily.objects.annotate(size=Count("products")).values_list("size", flat=True))
    assert min(sizes) == 1
    assert max(sizes) == 12
    told = Product.objects.annotate(told=Count("attributes")).values_list("told", flat=True)
    assert 3 <= min(told) <= max(told) <= 6
    numbers = ProductAttribute.objects.filter(attribute__kind="number")
    assert numbers.filter(number=None).count() == 0
    assert not numbers.filter(attribute__unit="").exists()
    assert Attribute.objects.filter(is_filter=True).count() >= 20
    for family in ProductFamily.objects.exclude(variation_axes=[]).prefetch_related("products__attributes__attribute")[
        :50
    ]:
        _assert_variants_differ(family)


def _assert_variants_differ(family: ProductFamily) -> None:
    variants = {
        tuple(value.value for value in product.attributes.all() if value.attribute.code in family.variation_axes)
        for product in family.products.all()
    }
    assert len(variants) == family.products.count()
    assert {len(values) for values in variants} == {len(family.variation_axes)}


def _is_ean(ean: str) -> bool:
    digits = [int(digit) for digit in ean]
    return len(digits) == 13 and (sum(digits[::2]) + 3 * sum(digits[1::2])) % 10 == 0


def _assert_much_is_rare() -> None:
    of_brands = _largest_first(Brand.objects.annotate(count=Count("families__products")))
    assert sum(of_brands[: len(of_brands) // 10]) > COUNT / 2
    reviews = sorted(Product.objects.values_list("review_count", flat=True), reverse=True)
    assert sum(reviews[: COUNT // 10]) > sum(reviews) / 2
    assert COUNT * 0.1 < reviews.count(0) < COUNT * 0.4
    assert Product.objects.filter(review_count=0).exclude(rating=0).count() == 0
    prices = [float(price) for price in Product.objects.values_list("price", flat=True)]
    assert statistics.mean(prices) > 1.5 * statistics.median(prices)
    assert sum(f"{price:.2f}".endswith(".99") for price in prices) > COUNT / 2
    assert COUNT * 0.08 < Product.objects.filter(compare_at_price__gt=F("price")).count() < COUNT * 0.25
    of_leaves = _largest_first(Category.objects.filter(numchild=0).annotate(count=Count("families__products")))
    assert of_leaves[0] > 8 * statistics.median(of_leaves)
    in_titles = Counter(" ".join(ProductFamily.objects.values_list("title", flat=True)).split())
    assert in_titles.most_common(1)[0][1] > 50 * statistics.median(in_titles.values())


def _largest_first(counted: Any) -> list[int]:
    return sorted(counted.values_list("count", flat=True), reverse=True)


def _assert_stock_adds_up() -> None:
    report = check_inventory(now=now())
    assert report.differences == ()
    assert COUNT < report.rows < 3 * COUNT
    assert Warehouse.objects.filter(stock__quantity__gt=0).distinct().count() == 3
    by_product = Inventory.objects.values("product").annotate(total=Sum("quantity"))
    assert by_product.count() == COUNT
    assert COUNT * 0.03 < by_product.filter(total=0).count() < COUNT * 0.1
    assert set(StockMovement.objects.values_list("kind", "reference")) == {("received", "generated")}


def _assert_ids_go_on() -> None:
    """What is made next, such as by staff, does not meet an id that was given already."""
    product = make_product(stock=3)
    assert product.pk > Product.objects.exclude(pk=product.pk).order_by("-pk")[0].pk


def _assert_pages_open(client: Client) -> None:
    build_documents(now=now())
    product = Product.objects.order_by("-review_count").select_related("family__category")[0]
    path_of_leaf = product.family.category.slug_path
    for path in ("/", f"/c/{path_of_leaf}/", f"/c/{path_of_leaf.partition('/')[0]}/", f"/p/{product.slug}/"):
        assert client.get(path).status_code == 200, path
    found = client.get("/search/", {"q": product.title.split()[0]})
    assert found.status_code == 200
    assert product.title.split()[0] in found.content.decode()


def test_a_shop_with_products_is_left_alone_unless_more_are_to_be_added() -> None:
    generate(order(1300), watcher=watcher())
    kept = list(Product.objects.order_by("pk").values_list("pk", "sku", "title"))

    assert refused("--products", 10) == "There are products in the shop already: --add keeps them."
    assert Product.objects.count() == 1300

    # A category that staff renamed stays as they have it; numbers go on with the next whole block.
    Category.objects.filter(slug_path="kitchen").update(name="Kitchen & Co")
    said = run("--products", 1200, "--seed", 7, "--add")
    assert "G00002001 to G00003200" in said
    assert list(Product.objects.order_by("pk").values_list("pk", "sku", "title"))[:1300] == kept
    assert Product.objects.count() == 2500
    assert Category.objects.get(slug_path="kitchen").name == "Kitchen & Co"
    assert Brand.objects.count() == 60
    assert check_inventory(now=now()).differences == ()


@pytest.mark.parametrize("moment", ["products", "step"])
def test_a_failure_in_the_middle_leaves_everything_as_it_was(moment: str) -> None:
    before = schema_of(TABLES)
    seen: list[Any] = []

    def fail(what: Any) -> None:
        seen.append(what)
        if len(seen) == 2:
            raise OSError("the lights went out")

    with pytest.raises(OSError, match="lights"):
        generate(order(), watcher=watcher(**{moment: fail}))

    assert schema_of(TABLES) == before
    for model in (Product, ProductFamily, Category, Brand, Warehouse, StockMovement):
        assert model._default_manager.count() == 0
    generate(order(1000), watcher=watcher())
    assert Product.objects.count() == 1000


def test_a_process_that_makes_products_and_is_ended_ends_it_all() -> None:
    blocks = make_blocks(job(products=9 * BLOCK), processes=2)
    next(blocks)
    makers = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]

    makers[0].kill()

    with pytest.raises(MakerEnded):
        list(blocks)
    assert len(makers) == 2
    assert psutil.wait_procs(makers, timeout=20)[1] == []


@contextmanager
def generating(products: int) -> Iterator["subprocess.Popen[str]"]:
    """The command in a process of its own, on the database of this test."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    database_url = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    process = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "manage.py"), "generate_catalogue", "--products", str(products)],
        env={**os.environ, "DATABASE_URL": database_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _is_writing() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_stat_progress_copy WHERE relid = 'catalog_product'::regclass")
        return cursor.fetchone() is not None


def _is_let_go() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_locks WHERE relation = 'catalog_product'::regclass AND mode = 'AccessExclusiveLock'"
        )
        return cursor.fetchone() is None


@pytest.mark.fault
@pytest.mark.servers
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_run_leaves_nothing_and_can_be_begun_again(sign: signal.Signals) -> None:
    before = schema_of(TABLES)
    with generating(60_000) as process:
        wait_for(_is_writing, "it wrote no products", seconds=60)
        makers = psutil.Process(process.pid).children()
        process.send_signal(sign)
        _out, err = process.communicate(timeout=60)

    assert process.returncode == {signal.SIGKILL: -signal.SIGKILL, signal.SIGINT: 130}[sign]
    assert sign == signal.SIGKILL or err.strip() == "CommandError: Interrupted. Nothing was changed."
    assert len(makers) >= 2
    assert psutil.wait_procs(makers, timeout=20)[1] == []
    wait_for(_is_let_go, "PostgreSQL held on to the tables", seconds=30)
    assert schema_of(TABLES) == before
    assert Product.objects.count() == 0

    generate(order(1000), watcher=watcher())
    assert Product.objects.count() == 1000


def test_products_are_brought_in_by_one_process_at_a_time() -> None:
    with advisory(LOCK) as mine:
        assert mine
        said = refused("--products", 10)

    assert said == "Products are being brought in by another process: wait until it has ended."


def test_a_shop_that_is_in_use_is_not_waited_for() -> None:
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("INSERT INTO catalog_brand (name, slug) VALUES ('A', 'a')")

        said = refused("--products", 10)

        other.rollback()
    assert said.endswith("Stop the shop while products are generated.")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--products", -1), "--products must be between 0 and 10,000,000"),
        (("--products", 10**8), "--products must be between 0 and 10,000,000"),
        (("--products", 1, "--orders", -3), "--orders must be between 0 and 10,000,000"),
        (("--products", 0), "--products 0 without --orders leaves nothing to do"),
        (("--products", "many"), "invalid int value: 'many'"),
    ],
)
def test_numbers_out_of_range_are_one_clear_line(options: tuple[object, ...], reason: str) -> None:
    assert reason in refused(*options)
    assert Product.objects.count() == 0


def test_it_is_refused_in_production(settings: Any) -> None:
    settings.PRODUCTION = True

    assert "SHOP_ENV=production" in refused("--products", 10)
    assert Product.objects.count() == 0


def test_orders_of_the_past_come_with_it_and_can_come_later() -> None:
    said = run("--products", 1000, "--orders", 60, "--seed", 3)

    assert said.splitlines()[-1] == "60 orders are new."
    assert Order.objects.count() == 60
    assert run("--products", 0, "--orders", 60, "--seed", 3) == "0 orders are new.\n"
    assert check_inventory(now=now()).differences == ()
