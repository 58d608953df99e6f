"""Search for outside clients, as DESIGN.md section 7 promises it."""

from decimal import Decimal

import pytest
from django.test import Client

from catalog.models import Attribute, ProductAttribute
from tests.factories import index_products, make_category, make_family, make_product

pytestmark = pytest.mark.django_db


def test_search_answers_with_results_facets_and_its_engine(client: Client) -> None:
    family = make_family(title="Red kettle", category=make_category(name="Kitchen"))
    product = make_product(family=family, title="Red kettle", rating=4, review_count=2)
    make_product(title="Blue sofa")
    index_products()

    answer = client.get("/api/v1/search", {"q": "kettles"})

    found = answer.json()
    assert answer["X-Search-Engine"] == "postgres"
    assert [(row["id"], row["sku"], row["title"]) for row in found["results"]] == [
        (product.pk, product.sku, "Red kettle")
    ]
    assert (found["total"], found["page"], found["pages"], found["fallback"]) == (1, 1, 1, False)
    assert set(found["facets"]) == {"categories", "brands", "price_ranges", "ratings", "in_stock", "attributes"}
    assert found["facets"]["categories"] == [
        {"id": family.category_id, "name": "Kitchen", "path": "kitchen", "count": 1}
    ]
    assert found["avg_rating"] == 4.0
    assert found["latency_ms"] > 0


def test_filters_are_taken_from_the_address_and_may_come_twice(client: Client) -> None:
    colour = Attribute.objects.create(code="colour", name="Colour", is_filter=True)
    products = {}
    for name in ("Red", "Blue", "Green"):
        products[name] = make_product(price=Decimal(len(name) * 10))
        ProductAttribute.objects.create(product=products[name], attribute=colour, value=name)
    index_products()

    answer = client.get("/api/v1/search?attr.colour=Red&attr.colour=Green&price_min=40&sort=price_asc")

    assert [row["id"] for row in answer.json()["results"]] == [products["Green"].pk]


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=501",
        "page=1000000000",
        "page=x",
        "price_min=NaN",
        "price_max=1e999",
        "rating=6",
        "sort=sideways",
        "&".join(f"attr.a{number}=1" for number in range(11)),
    ],
)
@pytest.mark.parametrize("address", ["/api/v1/search", "/api/v1/products"])
def test_what_can_not_be_right_is_refused(client: Client, address: str, query: str) -> None:
    answer = client.get(f"{address}?{query}")

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    [
        "q=" + "x" * 5000,
        "q=%F0%9F%98%80",
        "q=%FF%FE",
        "attr.x=%25",
        "category=../..",
        "q=" + "a+b+" * 500,
        "q='",
        "q=%22%22",
        "in_stock=maybe",
    ],
)
def test_odd_questions_get_an_answer(client: Client, query: str) -> None:
    assert client.get(f"/api/v1/search?{query}").status_code == 200
    assert client.get(f"/api/v1/search/suggest?{query}").status_code == 200


@pytest.mark.parametrize("query", ["q=%00", "category=%00", "brand=a%00b", "attr.%00=%00"])
def test_what_no_database_takes_is_refused(client: Client, query: str) -> None:
    assert client.get(f"/api/v1/search?{query}").status_code == 400


def test_suggestions_name_products_categories_and_brands(client: Client) -> None:
    family = make_family(category=make_category(name="Kettles and more"))
    family.brand.name = "Kettle & Sons"
    family.brand.save()
    product = make_product(family=family, title="Big Kettle")
    make_product(title="Kettle that is gone", is_active=False)
    index_products()

    answer = client.get("/api/v1/search/suggest", {"q": "kett"}).json()

    assert [row["id"] for row in answer["products"]] == [product.pk]
    assert [row["path"] for row in answer["categories"]] == [family.category.slug_path]
    assert answer["brands"] == [{"slug": family.brand.slug, "name": "Kettle & Sons"}]
    assert answer["queries"] == []


def test_suggestions_take_a_percent_sign_as_it_is(client: Client) -> None:
    make_product(title="Kettle")

    assert client.get("/api/v1/search/suggest", {"q": "%%"}).json()["products"] == []
    assert client.get("/api/v1/search/suggest", {"q": "k"}).json()["products"] == []
