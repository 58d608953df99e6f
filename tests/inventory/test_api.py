"""Availability as an outside client meets it."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from inventory import selectors
from inventory.models import Warehouse
from tests.factories import make_cart, make_cart_item, make_product, make_stock, make_warehouse
from tests.inventory.test_services import NOW

pytestmark = pytest.mark.django_db


def test_availability_is_told_in_all_and_by_active_warehouse_in_one_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    product = make_product()
    near, far = make_warehouse(code="near", name="Near", priority=1), make_warehouse(code="far", name="Far", priority=2)
    make_stock(product=product, quantity=5, warehouse=near)
    make_cart_item(cart=make_cart(), product=product, quantity=3, held_until=NOW)
    make_stock(product=product, quantity=2, warehouse=far)
    make_stock(product=product, quantity=50, warehouse=make_warehouse(is_active=False))

    with django_assert_num_queries(1):
        answer = client.get(f"/api/v1/products/{product.pk}/availability")

    assert answer.json() == {
        "product_id": product.pk,
        "available": 4,
        "in_stock": True,
        "low_stock": True,
        "warehouses": [
            {"code": "near", "name": "Near", "available": 2},
            {"code": "far", "name": "Far", "available": 2},
        ],
    }


def test_stock_is_low_below_its_threshold_and_not_when_there_is_none() -> None:
    quantities = {0: (False, False), 4: (True, True), 5: (True, False)}

    for quantity, expected in quantities.items():
        product = make_product(stock=quantity)
        found = selectors.availability(product_ids=[product.pk])[product.pk]
        assert (found.in_stock, found.low_stock) == expected


def test_many_products_are_read_in_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    products = [make_product(stock=number) for number in range(5)]
    ids = [product.pk for product in products]

    with django_assert_num_queries(1):
        found = selectors.availability(product_ids=[*ids, ids[-1] + 1000])

    assert [found[pk].available for pk in ids] == [0, 1, 2, 3, 4]
    assert list(found) == ids


def test_several_products_are_told_in_the_order_asked_for_in_one_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    first, second = make_product(stock=1), make_product(stock=2)
    query = f"id={second.pk}&id={first.pk + 10**6}&id={first.pk}&id={second.pk}"

    with django_assert_num_queries(1):
        answer = client.get(f"/api/v1/products/availability?{query}")

    found = [(it["product_id"], it["available"]) for it in answer.json()["results"]]
    assert found == [(second.pk, 2), (first.pk, 1)]


@pytest.mark.parametrize("query", ["", "id=", "id=x", "id=-1", "id=1.5", f"id={10**30}", "id=%C2%B2"])
def test_what_are_no_ids_is_refused_by_name(client: Client, query: str) -> None:
    answer = client.get(f"/api/v1/products/availability?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input")
    assert answer.json()["errors"][0]["pointer"] == "/id"


def test_a_hundred_products_may_be_asked_for_and_no_more(client: Client) -> None:
    most = "&".join(f"id={number}" for number in range(1, 101))

    assert client.get(f"/api/v1/products/availability?{most}").json() == {"results": []}
    assert client.get(f"/api/v1/products/availability?{most}&id=101").status_code == 400


def test_of_what_is_not_sold_any_more_nothing_is_available(client: Client) -> None:
    product = make_product(stock=5, is_active=False)

    answer = client.get(f"/api/v1/products/{product.pk}/availability")

    assert (answer.json()["available"], answer.json()["in_stock"], answer.json()["warehouses"]) == (0, False, [])


def test_a_product_that_no_warehouse_keeps_is_not_in_stock_and_one_that_is_none_is_not_found(client: Client) -> None:
    product = make_product()

    kept_nowhere = client.get(f"/api/v1/products/{product.pk}/availability")
    unknown = client.get(f"/api/v1/products/{product.pk + 1000}/availability")
    impossible = client.get(f"/api/v1/products/{10**30}/availability")

    assert kept_nowhere.json()["in_stock"] is False
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert (impossible.status_code, impossible.json()["code"]) == (404, "not_found")
    assert Warehouse.objects.count() == 0
