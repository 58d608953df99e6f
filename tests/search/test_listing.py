"""Lists of families: what they hold, in which order, and what they can be narrowed by."""

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from pytest_django import DjangoAssertNumQueries

from catalog import selectors
from catalog.models import Attribute, Product, ProductAttribute
from catalog.types import ListingFilters, SortOrder
from core.errors import InvalidInput
from search.conditions import MATCHES, conditions
from search.selectors import search
from search.types import SearchPage, SearchRequest
from tests.factories import index_products, make_category, make_family, make_product, make_stock, make_warehouse

pytestmark = pytest.mark.django_db


def give(product: Product, code: str, value: str, **attribute: Any) -> None:
    kind, _ = Attribute.objects.get_or_create(
        code=code, defaults={"name": code.capitalize(), "is_filter": True, **attribute}
    )
    ProductAttribute.objects.create(product=product, attribute=kind, value=value)


def found(*, filters: ListingFilters, page: int = 1) -> SearchPage:
    index_products()
    return search(filters=filters, page=page)


def listed(**filters: Any) -> list[str]:
    return [card.title for card in found(filters=ListingFilters(**filters)).cards]


def test_a_family_is_one_card_that_starts_at_its_cheapest_variant() -> None:
    family = make_family(title="Kettle")
    first = make_product(family=family, position=0, price=Decimal("40.00"))
    make_product(family=family, position=1, price=Decimal("35.00"), compare_at_price=Decimal("50.00"))

    listing = found(filters=ListingFilters())

    (card,) = listing.cards
    assert (card.product_id, card.title, card.variant_count) == (first.pk, "Kettle", 2)
    assert (str(card.price), str(card.compare_at_price), card.price_varies) == ("35.00 USD", "50.00 USD", True)
    assert (listing.total, listing.pages) == (1, 1)


def test_a_card_shows_the_variant_that_was_asked_for() -> None:
    family = make_family()
    make_product(family=family, position=0)
    blue = make_product(family=family, position=1)
    give(blue, "colour", "Blue")

    (card,) = found(filters=ListingFilters(attributes=(("colour", ("Blue",)),))).cards

    assert card.product_id == blue.pk


def test_what_is_switched_off_is_not_listed() -> None:
    make_product(is_active=False)
    make_product(family=make_family(is_active=False))
    shut = make_family()
    shut.seller.is_active = False
    shut.seller.save()
    make_product(family=shut)
    kept = make_product(title="Kept", family=make_family(title="Kept"))

    listing = found(filters=ListingFilters())

    assert [card.product_id for card in listing.cards] == [kept.pk]
    assert listing.total == 1


def test_a_category_lists_what_is_below_it_and_not_its_namesake() -> None:
    kitchen = make_category(name="Kitchen")
    knives = make_category(kitchen, name="Knives")
    make_product(family=make_family(title="Knife", category=knives))
    make_product(family=make_family(title="Pan", category=kitchen))
    make_product(family=make_family(title="Sofa", category=make_category(name="Kitchenettes")))

    assert sorted(listed(category="kitchen")) == ["Knife", "Pan"]
    assert listed(category="kitchen/knives") == ["Knife"]
    assert listed(category="nowhere") == []


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (SortOrder.PRICE_ASC, ["Cheap", "Middle", "Dear"]),
        (SortOrder.PRICE_DESC, ["Dear", "Middle", "Cheap"]),
        (SortOrder.RATING, ["Middle", "Dear", "Cheap"]),
        (SortOrder.RELEVANCE, ["Dear", "Middle", "Cheap"]),
    ],
)
def test_lists_are_ordered_as_asked(sort: SortOrder, order: list[str]) -> None:
    for title, price, rating, reviews in (("Middle", 20, 5, 1), ("Dear", 30, 4, 9), ("Cheap", 10, 3, 5)):
        family = make_family(title=title)
        make_product(family=family, price=Decimal(price), rating=Decimal(rating), review_count=reviews)

    assert listed(sort=sort) == order


def test_filters_narrow_each_other_and_values_of_one_widen_it() -> None:
    for title, price, colour in (("A", 10, "Red"), ("B", 20, "Blue"), ("C", 30, "Red"), ("D", 40, "Green")):
        product = make_product(family=make_family(title=title), price=Decimal(price))
        give(product, "colour", colour)

    colours = (("colour", ("Red", "Blue")),)

    assert sorted(listed(attributes=colours)) == ["A", "B", "C"]
    assert sorted(listed(attributes=colours, price_min=Decimal(20), price_max=Decimal(30))) == ["B", "C"]
    assert listed(attributes=(("colour", ("Red",)), ("size", ("L",)))) == []


def test_a_facet_counts_what_choosing_it_would_list() -> None:
    kitchen = make_category(name="Kitchen")
    pans = make_category(make_category(kitchen, name="Cooking"), name="Pans")
    for price, colour in ((10, "Red"), (50, "Blue"), (60, "Red")):
        give(
            make_product(family=make_family(category=pans), price=Decimal(price), rating=4, review_count=1),
            "colour",
            colour,
        )
    family = make_family(category=kitchen)
    for number in range(2):  # two variants, one family
        give(make_product(family=family, price=Decimal(10), position=number), "colour", "Green")

    listing = found(
        filters=ListingFilters(category="kitchen", attributes=(("colour", ("Red", "Green")),), price_max=Decimal(50))
    )

    facets = listing.facets
    assert listing.total == 2
    assert [(link.name, link.path, link.count) for link in facets.categories] == [
        ("Kitchen", "kitchen", 2),
        ("Cooking", "kitchen/cooking", 1),
    ]
    assert [(value.count, value.selected) for value in facets.brands] == [(1, False), (1, False)]
    assert [(part.key, part.minimum, part.maximum, part.count) for part in facets.price_ranges] == [
        ("Under $25", None, Decimal(25), 2),
        ("$50-$100", Decimal(50), Decimal(100), 1),
    ]
    assert [(value.value, value.count) for value in facets.ratings] == [("4", 1), ("3", 1), ("2", 1), ("1", 1)]
    (choices,) = [facet.values for facet in facets.attributes]
    assert [(value.value, value.count, value.selected) for value in choices] == [
        ("Blue", 1, False),
        ("Green", 1, True),
        ("Red", 1, True),
    ]


def test_attributes_that_are_not_filters_are_not_offered() -> None:
    for value in ("1", "2"):
        give(make_product(), "serial", value, is_filter=False)

    assert found(filters=ListingFilters()).facets.attributes == ()


def test_in_stock_leaves_out_what_is_sold_out() -> None:
    make_product(family=make_family(title="Here"), stock=1)
    make_product(family=make_family(title="Sold out"), stock=0)
    shut = make_product(family=make_family(title="Shut away"))
    make_stock(product=shut, quantity=3, warehouse=make_warehouse(is_active=False))

    assert listed(in_stock=True) == ["Here"]


def test_pages_are_of_twenty_and_a_page_past_the_last_is_empty() -> None:
    for _ in range(21):
        make_product()

    pages = [found(filters=ListingFilters(sort=SortOrder.NEWEST), page=page) for page in (1, 2, 3)]

    assert [len(page.cards) for page in pages] == [20, 1, 0]
    assert {(page.total, page.pages) for page in pages} == {(21, 2)}
    assert not {card.family_id for card in pages[0].cards} & {card.family_id for card in pages[1].cards}


@pytest.mark.parametrize("page", [0, -1, 501, 10**9])
def test_a_page_out_of_bounds_is_refused(page: int) -> None:
    with pytest.raises(InvalidInput):
        found(filters=ListingFilters(), page=page)


def test_words_are_found_in_titles_and_descriptions() -> None:
    make_product(family=make_family(title="Tent"), title="Tent", description="Keeps two hikers dry")
    make_product(family=make_family(title="Sofa"), title="Sofa", description="")

    assert listed(query="hiker") == ["Tent"]
    assert listed(query="tent -dry") == ["Tent"]  # nothing is an operator
    assert found(filters=ListingFilters(query="green tents")).left_out == ("green",)


def test_the_title_decides_which_comes_first() -> None:
    make_product(family=make_family(title="Rack"), title="Rack", description="for a kettle")
    make_product(family=make_family(title="Kettle"), title="Kettle kettle", description="A kettle")

    assert listed(query="kettle") == ["Kettle", "Rack"]


def test_a_product_is_found_by_its_codes_and_its_brand() -> None:
    family = make_family(title="Boots")
    family.brand.name = "Nordvik Supply"
    family.brand.save()
    make_product(family=family, sku="Nv-77", eans=["0095205603217"], title="Boots of leather")
    make_product(family=make_family(title="Leather bag"), title="Leather bag")

    assert listed(query="nv-77") == ["Boots"]
    assert listed(query="0095205603217") == ["Boots"]
    assert listed(query="nordvik supply") == ["Boots"]
    assert listed(query="leather nordvik supply") == ["Boots"]
    assert found(filters=ListingFilters(query="nordvik supply glass")).left_out == ("glass",)


@pytest.mark.parametrize(
    "query", ["\x00", "x" * 10_000, "' OR 1=1 --", '"', "-", "((((", "a:* & !", "😀 \u200f\u05e2", "%", "\\"]
)
def test_odd_text_finds_nothing_and_breaks_nothing(query: str) -> None:
    make_product(title="Plain")

    assert found(filters=ListingFilters(query=query or "-", sort="no such order")).page == 1


def test_the_number_of_queries_does_not_grow_with_the_list(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    pans = make_category(make_category(name="Kitchen"), name="Pans")
    for number in range(8):
        give(make_product(family=make_family(category=pans)), "colour", f"Colour {number % 3}")

    index_products()

    # How much there is, hits and counts with the deadline; the cards, and the names of brands, categories and attributes.
    with django_assert_num_queries(1 + 2 + 2):
        search(filters=ListingFilters(category="kitchen", attributes=(("colour", ("Colour 1",)),)))
    with django_assert_num_queries(5):
        selectors.home()


def test_words_are_looked_up_in_the_index() -> None:
    make_product()
    index_products()
    parameters = conditions(SearchRequest(filters=ListingFilters(), words=("kettle",), code="KETTLE")).parameters
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN SELECT FROM search_searchdocument d WHERE {MATCHES}", parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "search_document_words" in plan
    assert "search_document_codes" in plan
