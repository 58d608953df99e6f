"""Addresses stay; where one is changed all the same, the former one leads to the new one."""

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import operations
from catalog.models import Category, FormerCategoryAddress, FormerProductAddress, Product
from core.clock import now
from tests.factories import index_products, make_category, make_family, make_product

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


def test_an_address_that_one_gives_up_and_another_takes_in_one_statement_is_the_second_one_s() -> None:
    make_product(sku="A", slug="chair")
    record = operations.lock_products(skus=["A"])["A"].record
    products = [replace(record, slug="armchair"), replace(record, sku="B", slug="chair")]

    operations.upsert_products(products=products, now=now())

    assert dict(Product.objects.values_list("sku", "slug")) == {"A": "armchair", "B": "chair"}
    assert not FormerProductAddress.objects.exists()


def test_what_changes_another_field_is_not_remembered() -> None:
    product = make_product(slug="first")

    Product.objects.filter(pk=product.pk).update(title="Other", slug="first")

    assert not FormerProductAddress.objects.exists()


def test_an_address_that_nobody_had_is_not_found_after_two_looks(client: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
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
    index_products()
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


def test_looking_for_a_former_address_takes_few_statements(client: Client) -> None:
    kitchen = make_category(name="Kitchen")
    rename(make_product(slug="first"), "second")
    move(kitchen, "cooking")

    for address, most in {"/p/first/": 2, "/p/none/": 2, "/c/kitchen/": 2, "/c/none/": 2}.items():
        with CaptureQueriesContext(connection) as queries:
            client.get(address)
        assert len([query for query in queries if "former" in query["sql"]]) == 1
        assert len(_before_the_page_of_a_refusal(queries)) == most


def _before_the_page_of_a_refusal(queries: CaptureQueriesContext) -> list[str]:
    statements = [query["sql"] for query in queries]
    last = max(place for place, sql in enumerate(statements) if "former" in sql)
    return statements[: last + 1]


def test_a_list_of_a_category_that_nobody_had_takes_one_statement_more(client: Client) -> None:
    kitchen = make_category(name="Kitchen")
    make_product(family=make_family(category=kitchen))
    index_products()

    answers = {}
    for category in ("kitchen", "none"):
        with CaptureQueriesContext(connection) as queries:
            answers[category] = client.get(f"/api/v1/products?category={category}").json()
        assert len([query for query in queries if "former" in query["sql"]]) == (category == "none")

    assert (answers["kitchen"]["total"], answers["none"]["total"]) == (1, 0)


def test_browsers_ask_again_for_a_former_address(client: Client) -> None:
    product = make_product(slug="first")
    rename(product, "second")
    assert client.get("/p/first/")["Cache-Control"] == "no-cache"

    rename(product, "first")

    assert client.get("/p/first/").status_code == 200


def test_what_followed_the_question_mark_stays_as_it_was_written(client: Client) -> None:
    rename(make_product(slug="first"), "second")

    answer = client.get("/p/first/?q=%C3%A9+%26%22%0D%0ASet-Cookie:x&next=//evil.example")

    assert answer["Location"] == "/p/second/?q=%C3%A9+%26%22%0D%0ASet-Cookie:x&next=//evil.example"


def test_former_addresses_go_with_their_owner(client: Client) -> None:
    product = make_product(slug="first")
    rename(product, "second")
    empty = make_category(name="Empty")
    move(empty, "emptier")

    product.delete()
    Category.objects.get(pk=empty.pk).delete()

    assert not FormerProductAddress.objects.exists()
    assert not FormerCategoryAddress.objects.exists()
    assert client.get("/p/first/").status_code == 404
    assert client.get("/c/empty/").status_code == 404


def test_a_product_off_sale_is_found_by_its_former_address_too(client: Client) -> None:
    product = make_product(slug="first", is_active=False)
    rename(product, "second")

    assert client.get("/p/first/", follow=True).status_code == client.get("/p/second/").status_code == 200


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("staff@example.com", "x"))
    return client


def product_form(product: Product, **changes: Any) -> dict[str, Any]:
    names = ("family_id", "sku", "slug", "title", "price", "currency", "tax_class", "weight_grams")
    shown = {name.removesuffix("_id"): getattr(product, name) for name in (*names, "max_per_order", "position")}
    formsets = {f"{name}-{count}_FORMS": 0 for name in ("attributes", "media") for count in ("TOTAL", "INITIAL")}
    return {**shown, **formsets, "is_active": "on", **changes}


def test_staff_change_the_address_of_a_product_and_see_the_former_ones(staff: Client) -> None:
    product = make_product(slug="first")
    address = f"/admin/catalog/product/{product.pk}/change/"

    assert staff.post(address, product_form(product, slug="second")).status_code == 302
    assert staff.post(address, product_form(product, slug="third")).status_code == 302

    page = staff.get(address).text
    assert "Links to a former one keep working." in page
    assert '<div class="readonly">first, second</div>' in page
    assert staff.get("/p/first/")["Location"] == "/p/third/"


def test_a_title_that_staff_change_leaves_the_address_alone(staff: Client) -> None:
    product = make_product(slug="first")

    staff.post(f"/admin/catalog/product/{product.pk}/change/", product_form(product, title="Quite another"))

    assert Product.objects.get().slug == "first"
    assert not FormerProductAddress.objects.exists()


def test_a_category_that_staff_add_and_move_leaves_one_former_address(staff: Client) -> None:
    kitchen = make_category(name="Kitchen")
    form = {"name": "Pans", "slug": "pans", "is_active": "on", "treebeard_position": "sorted-child"}

    staff.post("/admin/catalog/category/add/", {**form, "treebeard_ref_node": ""})
    assert not FormerCategoryAddress.objects.exists()
    pans = Category.objects.get(name="Pans")
    staff.post(f"/admin/catalog/category/{pans.pk}/change/", {**form, "treebeard_ref_node": kitchen.pk})

    assert Category.objects.get(pk=pans.pk).slug_path == "kitchen/pans"
    assert list(FormerCategoryAddress.objects.values_list("slug_path", "category_id")) == [("pans", pans.pk)]
    assert staff.get("/c/pans/")["Location"] == "/c/kitchen/pans/"


def test_pages_name_the_one_address_they_are_found_at(client: Client) -> None:
    category = make_category(name="Kitchen")
    make_product(family=make_family(category=category), slug="pan")

    assert '<link rel="canonical" href="http://testserver/p/pan/">' in client.get("/p/pan/?x=1").text
    assert '<link rel="canonical" href="http://testserver/c/kitchen/">' in client.get("/c/kitchen/?sort=newest").text
    second = client.get("/c/kitchen/?page=2&sort=newest").text
    assert '<link rel="canonical" href="http://testserver/c/kitchen/?page=2">' in second
    assert 'rel="canonical"' not in client.get("/search/?q=pan").text
