"""Addresses stay; where one is changed all the same, the former one leads to the new one."""

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import operations
from catalog.models import Category, FormerCategoryAddress, FormerProductAddress, Product
from tests.factories import make_category, make_family, make_product

pytestmark = pytest.mark.django_db


def rename(product: Product, slug: str) -> None:
    Product.objects.filter(pk=product.pk).update(slug=slug)


def move(category: Category, slug: str) -> None:
    Category.objects.filter(pk=category.pk).update(slug=slug)
    operations.readdress_categories()


def test_a_former_address_leads_to_the_product_in_one_step(client: Client) -> None:
    product = make_product(slug="first")
    rename(product, "second")
    rename(product, "third")

    for slug in ("first", "second"):
        answer = client.get(f"/p/{slug}/?colour=red&a=1")
        assert (answer.status_code, answer["Location"]) == (301, "/p/third/?colour=red&a=1")
        assert client.head(f"/p/{slug}/").status_code == 301
    assert client.get("/p/third/").status_code == 200


def test_an_address_taken_back_leads_nowhere_else(client: Client) -> None:
    product = make_product(slug="first")
    rename(product, "second")

    rename(product, "first")

    assert client.get("/p/first/").status_code == 200
    assert client.get("/p/second/")["Location"] == "/p/first/"
    assert list(FormerProductAddress.objects.values_list("slug", flat=True)) == ["second"]


def test_a_former_address_belongs_to_whoever_takes_it(client: Client) -> None:
    old = make_product(slug="chair")
    rename(old, "armchair")

    new = make_product(slug="chair", title="The new chair")

    assert "The new chair" in client.get("/p/chair/").text
    assert not FormerProductAddress.objects.exists()
    rename(new, "stool")
    assert client.get("/p/chair/")["Location"] == "/p/stool/"


def test_a_product_of_another_that_takes_over_by_renaming_too() -> None:
    first, second = make_product(slug="a"), make_product(slug="b")
    rename(first, "c")

    rename(second, "a")

    assert dict(FormerProductAddress.objects.values_list("slug", "product")) == {"b": second.pk}


def test_what_changes_another_field_is_not_remembered() -> None:
    product = make_product(slug="first")

    Product.objects.filter(pk=product.pk).update(title="Other", slug="first")

    assert not FormerProductAddress.objects.exists()


def test_an_address_that_nobody_had_is_not_found_after_two_looks(client: Client) -> None:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(f"/p/{'x' * 700}/").status_code == 404
    assert len([query for query in queries if "catalog_product" in query["sql"] or "former" in query["sql"]]) == 2


def test_moving_a_category_takes_the_addresses_below_along(client: Client) -> None:
    kitchen = make_category(name="Kitchen")
    pans = make_category(kitchen, name="Pans")
    make_product(family=make_family(category=pans), title="The pan")

    move(kitchen, "cooking")

    assert client.get("/c/kitchen/pans/?sort=newest")["Location"] == "/c/cooking/pans/?sort=newest"
    assert client.get("/c/kitchen/")["Location"] == "/c/cooking/"
    assert sorted(FormerCategoryAddress.objects.values_list("slug_path", flat=True)) == ["kitchen", "kitchen/pans"]
    found = client.get("/api/v1/search?category=kitchen/pans").json()
    assert found["total"] == 1


def test_two_categories_that_change_places_are_found_where_they_are(client: Client) -> None:
    first, second = make_category(name="First"), make_category(name="Second")
    Category.objects.filter(pk=first.pk).update(slug="second")
    Category.objects.filter(pk=second.pk).update(slug="first")

    operations.readdress_categories()

    assert not FormerCategoryAddress.objects.exists()
    assert client.get("/c/first/").status_code == 200


def test_a_former_address_of_a_category_that_is_switched_off_is_not_found(client: Client) -> None:
    kitchen = make_category(name="Kitchen")
    move(kitchen, "cooking")
    Category.objects.update(is_active=False)

    assert client.get("/c/kitchen/").status_code == 404


def test_staff_see_and_change_addresses(client: Client) -> None:
    client.force_login(get_user_model().objects.create_superuser("staff@example.com", "x"))
    product = make_product(slug="first")
    rename(product, "second")

    page = client.get(f"/admin/catalog/product/{product.pk}/change/").text

    assert "Links to a former one keep working." in page
    assert "first" in page


def test_pages_name_the_one_address_they_are_found_at(client: Client) -> None:
    category = make_category(name="Kitchen")
    make_product(family=make_family(category=category), slug="pan")

    assert '<link rel="canonical" href="http://testserver/p/pan/">' in client.get("/p/pan/?x=1").text
    assert '<link rel="canonical" href="http://testserver/c/kitchen/">' in client.get("/c/kitchen/?sort=newest").text
