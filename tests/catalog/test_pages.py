"""The product page, the categories, and what other apps are told of products."""

from datetime import timedelta
from decimal import Decimal

import pytest
from pytest_django import DjangoAssertNumQueries

from catalog import selectors
from catalog.models import Attribute, Product, ProductAttribute, ProductFamily, ProductMedia
from catalog.types import ListingFilters
from core.clock import now
from core.errors import NotFound
from core.money import Money
from tests.factories import make_category, make_family, make_product

pytestmark = pytest.mark.django_db


def make_variant(family: ProductFamily, position: int, **values: str) -> Product:
    product = make_product(family=family, position=position, slug="-".join(["shirt", *values.values()]).lower())
    for code, value in values.items():
        attribute, _ = Attribute.objects.get_or_create(code=code, defaults={"name": code.capitalize()})
        ProductAttribute.objects.create(product=product, attribute=attribute, value=value)
    return product


def test_the_switcher_keeps_the_other_axis_where_it_can() -> None:
    family = make_family(variation_axes=["colour", "size"])
    make_variant(family, 0, colour="Red", size="S")
    make_variant(family, 1, colour="Red", size="M")
    make_variant(family, 2, colour="Blue", size="M")

    page = selectors.product_page(slug="shirt-red-s")

    colour, size = page.axes
    assert [(choice.value, choice.slug, choice.selected, choice.exact) for choice in colour.choices] == [
        ("Red", "shirt-red-s", True, True),
        ("Blue", "shirt-blue-m", False, False),
    ]
    assert [(choice.value, choice.slug, choice.selected, choice.exact) for choice in size.choices] == [
        ("S", "shirt-red-s", True, True),
        ("M", "shirt-red-m", False, True),
    ]


def test_a_product_page_tells_all_there_is_to_know() -> None:
    clothing = make_category(name="Clothing")
    family = make_family(category=make_category(clothing, name="Shirts"))
    product = make_product(
        family=family,
        price=Decimal("12.50"),
        compare_at_price=Decimal(20),
        eans=["0095205603217"],
        rating=Decimal("4.5"),
    )
    weight = Attribute.objects.create(code="weight", name="Weight", kind="number", unit="g")
    ProductAttribute.objects.create(product=product, attribute=weight, value="120", number=Decimal(120))
    ProductMedia.objects.create(product=product, file="products/shirt.png", alt="A shirt on a chair")

    page = selectors.product_page(product_id=product.pk)

    assert page.price == Money(Decimal("12.50"), "USD")
    assert page.compare_at_price == Money(Decimal(20), "USD")
    assert [link.path for link in page.breadcrumbs] == ["clothing", "clothing/shirts"]
    assert [(row.name, row.value, row.unit, row.number) for row in page.attributes] == [
        ("Weight", "120", "g", Decimal(120))
    ]
    assert page.pictures[0].page_url == "/media/products/shirt.png.page.webp"
    assert page.pictures[0].alt == "A shirt on a chair"
    assert page.axes == ()


def test_a_product_without_pictures_shows_its_department() -> None:
    product = make_product(family=make_family(category=make_category(make_category(name="Printing"), name="Toner")))

    page = selectors.product_page(product_id=product.pk)

    assert [picture.card_url for picture in page.pictures] == ["/static/catalog/pictures/printing.svg"]
    assert selectors.sellable(product_ids=[product.pk])[product.pk].picture == page.pictures[0]


def test_a_product_that_is_no_longer_sold_keeps_its_page() -> None:
    product = make_product(is_active=False)

    assert selectors.product_page(slug=product.slug).is_active is False
    assert selectors.sellable(product_ids=[product.pk])[product.pk].is_active is False


@pytest.mark.parametrize("product_id", [0, -1, 2**63, 10**30])
def test_ids_of_nothing_are_not_found(product_id: int) -> None:
    with pytest.raises(NotFound):
        selectors.product_page(product_id=product_id)


def test_sellable_leaves_out_ids_of_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    product = make_product(price=Decimal("3.00"), weight_grams=70)

    with django_assert_num_queries(1):
        found = selectors.sellable(product_ids=[product.pk, product.pk + 1000])

    assert list(found) == [product.pk]
    assert (found[product.pk].price, found[product.pk].weight_grams) == (Money(Decimal(3), "USD"), 70)


def test_a_product_page_needs_six_queries(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    family = make_family(variation_axes=["colour"])
    for position, colour in enumerate(("Red", "Blue", "Green")):
        make_variant(family, position, colour=colour)

    with django_assert_num_queries(6):
        selectors.product_page(slug="shirt-red")


def test_a_category_knows_the_way_to_it_and_what_is_below() -> None:
    root = make_category(name="Kitchen")
    pans = make_category(root, name="Pans")
    make_category(pans, name="Woks")
    make_category(pans, name="Closed", is_active=False)

    page = selectors.category(slug_path="kitchen/pans")

    assert [link.name for link in page.breadcrumbs] == ["Kitchen", "Pans"]
    assert [(link.name, link.path) for link in page.children] == [("Woks", "kitchen/pans/woks")]


@pytest.mark.parametrize(
    "path", ["", "/", "nowhere", "kitchen/", "kitchen/closed", "kitchen/closed/deep", "a/" * 5000, "%"]
)
def test_a_category_that_is_not_there_is_not_found(path: str) -> None:
    closed = make_category(make_category(name="Kitchen"), name="Closed", is_active=False)
    make_category(closed, name="Deep")

    with pytest.raises(NotFound):
        selectors.category(slug_path=path)


def test_departments_are_the_roots() -> None:
    kitchen = make_category(name="Kitchen")
    make_category(make_category(kitchen, name="Pans"), name="Woks")
    make_category(name="Away", is_active=False)

    assert [found.name for found in selectors.departments()] == ["Kitchen"]
    (node,) = selectors.category_tree()
    assert node.children[0].children[0].path == "kitchen/pans/woks"


def test_the_front_page_has_shelves_for_what_is_new_and_what_is_on_sale() -> None:
    old = make_product(released_at=now() - timedelta(days=400), review_count=9)
    new = make_product(released_at=now() - timedelta(days=2))
    sale = make_product(compare_at_price=Decimal("20.00"), review_count=1)

    page = selectors.home()

    assert [card.product_id for card in page.popular] == [old.pk, sale.pk, new.pk]
    assert [(card.product_id, card.is_new) for card in page.newest] == [
        (new.pk, True),
        (old.pk, False),
        (sale.pk, False),
    ]
    assert [card.product_id for card in page.deals] == [sale.pk]


def test_a_list_that_is_not_narrowed_says_so() -> None:
    assert ListingFilters(category="kitchen", query="pan", sort="newest").is_narrowed is False
    assert ListingFilters(in_stock=True).is_narrowed is True
