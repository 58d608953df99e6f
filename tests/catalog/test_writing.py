"""Writing the catalogue: upserts by code, addresses that stay, events for what changed."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from catalog import operations, services
from catalog.models import Attribute, Brand, Category, Product, ProductAttribute, ProductMedia
from catalog.records import AttributeRecord, CategoryRecord, PictureRecord, ProductRecord
from core.clock import now
from core.models import OutboxEvent
from core.money import Money
from tests.factories import make_category, make_product

pytestmark = pytest.mark.django_db

KETTLE = ProductRecord(
    sku="K-1",
    title="Kettle, red",
    brand="Slowpour",
    seller="Harbour",
    category="kitchen",
    price=Money(Decimal("20.00"), "USD"),
    family_code="K",
    family_title="Kettle",
    attributes=(AttributeRecord(code="colour", name="Colour", value="Red"),),
    pictures=(PictureRecord(source_url="http://pictures.example/1.jpg"),),
)


def write(*records: ProductRecord) -> dict[str, int]:
    return operations.upsert_products(products=records, now=now())


def test_a_product_is_written_with_all_that_belongs_to_it() -> None:
    make_category(name="Kitchen")

    ids = write(KETTLE, replace(KETTLE, sku="K-2", title="Kettle, blue", position=1))

    red = Product.objects.get(sku="K-1")
    assert ids == {"K-1": red.pk, "K-2": Product.objects.get(sku="K-2").pk}
    assert (red.slug, red.family.title, red.family.brand.name) == ("kettle-red-k-1", "Kettle", "Slowpour")
    assert red.family.products.count() == 2
    assert [(row.attribute.name, row.value) for row in red.attributes.all()] == [("Colour", "Red")]
    assert [event.data for event in OutboxEvent.objects.order_by("id")] == [
        {"product_id": pk} for pk in sorted(ids.values())
    ]


def test_writing_twice_updates_and_keeps_the_address() -> None:
    make_category(name="Kitchen")
    (first,) = write(KETTLE).values()

    changed = replace(
        KETTLE,
        title="Kettle, crimson",
        price=Money(Decimal("25.00"), "USD"),
        attributes=(AttributeRecord(code="colour", name="Colour", value="Crimson"),),
    )
    (second,) = write(changed).values()

    product = Product.objects.get()
    assert first == second == product.pk
    assert (product.title, product.price, product.slug) == ("Kettle, crimson", Decimal("25.00"), "kettle-red-k-1")
    assert [row.value for row in ProductAttribute.objects.all()] == ["Crimson"]
    assert Brand.objects.count() == Attribute.objects.count() == ProductMedia.objects.count() == 1


def test_what_is_as_it_should_be_is_left_alone() -> None:
    make_category(name="Kitchen")
    write(KETTLE, replace(KETTLE, sku="K-2", position=1))
    OutboxEvent.objects.all().delete()
    before = list(Product.objects.order_by("pk").values())

    write(KETTLE, replace(KETTLE, sku="K-2", position=1))

    assert list(Product.objects.order_by("pk").values()) == before
    assert not OutboxEvent.objects.exists()


def test_a_changed_family_is_news_of_all_its_products() -> None:
    make_category(name="Kitchen")
    ids = write(KETTLE, replace(KETTLE, sku="K-2", position=1))
    OutboxEvent.objects.all().delete()

    write(replace(KETTLE, family_title="Kettle, enamelled"))

    assert sorted(OutboxEvent.objects.values_list("key", flat=True)) == sorted(str(pk) for pk in ids.values())


def test_pictures_that_staff_uploaded_stay() -> None:
    make_category(name="Kitchen")
    (product_id,) = write(KETTLE).values()
    ProductMedia.objects.update(file="products/ours.webp")

    write(KETTLE)

    assert [media.file.name for media in ProductMedia.objects.filter(product_id=product_id)] == ["products/ours.webp"]


def test_two_products_of_one_address_get_one_each() -> None:
    make_category(name="Kitchen")

    write(replace(KETTLE, sku="a.1"), replace(KETTLE, sku="a1"))

    slugs = list(Product.objects.order_by("sku").values_list("slug", flat=True))
    assert len(set(slugs)) == 2
    assert all(slug.startswith("kettle-red-a1") for slug in slugs)


def test_brands_that_look_alike_in_an_address_stay_two() -> None:
    make_category(name="Kitchen")

    write(replace(KETTLE, brand="A & B"), replace(KETTLE, sku="K-2", family_code="K2", brand="A B"))

    assert Brand.objects.count() == 2


def test_a_name_without_a_letter_still_gets_an_address() -> None:
    make_category(name="Kitchen")

    write(replace(KETTLE, sku="★", title="水壶"))

    assert Product.objects.get().slug == "x"


def test_categories_are_added_in_place_and_renamed() -> None:
    operations.upsert_categories(
        categories=[CategoryRecord(path="kitchen", name="Kitchen"), CategoryRecord(path="kitchen/pans", name="Pans")]
    )
    operations.upsert_categories(categories=[CategoryRecord(path="kitchen/pans", name="Pans & Pots")])

    pans = Category.objects.get(slug_path="kitchen/pans")
    assert (pans.name, Category.objects.get_parent(pans).name, Category.objects.count()) == (
        "Pans & Pots",
        "Kitchen",
        2,
    )


def test_categories_that_come_between_others_keep_what_is_below_them() -> None:
    for name in ("Chairs", "Moon", "Tables"):
        make_category(name=name)
    paths = ("zeta", "alpha", "alpha/one", "zeta/two", "moon/three", "moon/three/four", "alpha/five")

    operations.upsert_categories(
        categories=[CategoryRecord(path=path, name=path.rpartition("/")[2].title()) for path in paths]
    )

    above = {node.slug_path: Category.objects.get_parent(node) for node in Category.objects.filter(depth__gt=1)}
    assert {path: parent.slug_path for path, parent in above.items()} == {
        path: path.rpartition("/")[0] for path in paths if "/" in path
    }
    assert Category.objects.find_problems() == ([], [], [], [], [])


def test_moving_a_category_moves_the_addresses_below_it() -> None:
    kitchen, garden = make_category(name="Kitchen"), make_category(name="Garden")
    pots = make_category(kitchen, name="Pots")
    make_category(pots, name="Small")

    Category.objects.move(Category.objects.get(pk=pots.pk), Category.objects.get(pk=garden.pk), "sorted-child")
    operations.readdress_categories()

    assert sorted(Category.objects.values_list("slug_path", flat=True)) == [
        "garden",
        "garden/pots",
        "garden/pots/small",
        "kitchen",
    ]


def test_two_categories_can_change_places() -> None:
    first, second = make_category(name="First"), make_category(name="Second")
    Category.objects.filter(pk=first.pk).update(slug="second")
    Category.objects.filter(pk=second.pk).update(slug="first")

    operations.readdress_categories()

    assert Category.objects.get(pk=first.pk).slug_path == "second"
    assert Category.objects.get(pk=second.pk).slug_path == "first"


def test_two_categories_of_one_address_are_refused() -> None:
    make_category(name="First")
    Category.objects.filter(pk=make_category(name="Second").pk).update(slug="first")

    with pytest.raises(IntegrityError), transaction.atomic():
        operations.readdress_categories()


def test_a_sku_that_comes_twice_at_once_writes_nothing() -> None:
    make_category(name="Kitchen")

    with pytest.raises(ValueError, match="twice"), transaction.atomic():
        write(KETTLE, KETTLE)

    assert Product.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_taking_off_sale_is_announced_once() -> None:
    product, other = make_product(), make_product()

    changed = [services.take_off_sale(product_ids=[product.pk], now=now()) for _ in range(2)]

    assert changed == [1, 0]
    assert list(Product.objects.filter(is_active=True)) == [other]
    assert [event.key for event in OutboxEvent.objects.filter(type="product.changed")] == [str(product.pk)]
    assert services.put_on_sale(product_ids=[product.pk], now=now()) == 1


@pytest.mark.django_db(transaction=True)
def test_writes_refuse_to_run_outside_a_transaction() -> None:
    with pytest.raises(RuntimeError):
        write(KETTLE)
    with pytest.raises(RuntimeError):
        operations.upsert_categories(categories=[])
