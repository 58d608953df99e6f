"""The catalogue for outside clients, as DESIGN.md section 7 promises it."""

from decimal import Decimal

import pytest
from django.test import Client

from catalog.models import Attribute, ProductAttribute
from tests.factories import make_category, make_family, make_product

pytestmark = pytest.mark.django_db


def test_categories_come_as_a_tree(client: Client) -> None:
    kitchen = make_category(name="Kitchen")
    pans = make_category(kitchen, name="Pans")

    answer = client.get("/api/v1/categories")

    assert answer.status_code == 200
    below = {"id": pans.pk, "name": "Pans", "slug": "pans", "path": "kitchen/pans", "children": []}
    assert answer.json() == {
        "results": [{"id": kitchen.pk, "name": "Kitchen", "slug": "kitchen", "path": "kitchen", "children": [below]}]
    }


def test_a_product_is_told_in_full(client: Client) -> None:
    family = make_family(variation_axes=["colour"])
    product = make_product(family=family, price=Decimal("49.95"), sku="K-1")
    colour = Attribute.objects.create(code="colour", name="Colour")
    ProductAttribute.objects.create(product=product, attribute=colour, value="Red")

    answer = client.get(f"/api/v1/products/{product.pk}").json()

    assert answer["price"] == {"amount": "49.95", "currency": "USD"}
    assert (answer["id"], answer["sku"], answer["brand"]) == (product.pk, "K-1", family.brand.name)
    assert answer["attributes"] == [{"code": "colour", "name": "Colour", "value": "Red", "number": None, "unit": ""}]
    choice = {"value": "Red", "slug": product.slug, "selected": True, "exact": True}
    assert answer["variants"] == [{"code": "colour", "name": "Colour", "choices": [choice]}]


@pytest.mark.parametrize("product_id", ["0", "999999999", "9" * 30])
def test_a_product_that_is_not_there_is_a_problem_document(client: Client, product_id: str) -> None:
    answer = client.get(f"/api/v1/products/{product_id}")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
