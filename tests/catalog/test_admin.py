"""The catalogue in the admin: what staff save follows through to addresses, thumbnails and events."""

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from accounts.models import User
from catalog.models import Category, ImportRun, Product, ProductMedia
from core.clock import now
from core.models import OutboxEvent
from tests.factories import make_category, make_family, make_product

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("staff@example.com", "irrelevant"))
    return client


def picture(name: str = "kettle.png") -> SimpleUploadedFile:
    file = io.BytesIO()
    Image.new("RGB", (1200, 800), "#b8323f").save(file, "PNG")
    return SimpleUploadedFile(name, file.getvalue(), "image/png")


def product_form(product: Product, **changes: Any) -> dict[str, Any]:
    empty = {"TOTAL_FORMS": 0, "INITIAL_FORMS": 0, "MIN_NUM_FORMS": 0, "MAX_NUM_FORMS": 1000}
    return {
        "family": product.family_id,
        "sku": product.sku,
        "slug": product.slug,
        "title": product.title,
        "price": product.price,
        "currency": product.currency,
        "tax_class": product.tax_class,
        "weight_grams": product.weight_grams,
        "max_per_order": product.max_per_order,
        "position": product.position,
        "is_active": "on",
        **{f"{formset}-{name}": value for formset in ("attributes", "media") for name, value in empty.items()},
        **changes,
    }


def change_product(client: Client, product: Product, **changes: Any) -> Any:
    return client.post(reverse("admin:catalog_product_change", args=[product.pk]), product_form(product, **changes))


@pytest.mark.parametrize("model", ["category", "brand", "seller", "attribute", "productfamily", "product"])
def test_every_list_and_form_opens(staff: Client, model: str) -> None:
    make_product()

    for page in ("changelist", "add"):
        answer = staff.get(reverse(f"admin:catalog_{model}_{page}"))
        assert answer.status_code == 200
        assert "style-src" not in answer["Content-Security-Policy"]
        assert b' style="' not in answer.content
        assert b"<script>" not in answer.content


def test_saving_a_product_announces_it(staff: Client) -> None:
    product = make_product()

    answer = change_product(staff, product, title="Better title")

    assert answer.status_code == 302
    product.refresh_from_db()
    assert product.title == "Better title"
    assert [(event.topic, event.key) for event in OutboxEvent.objects.all()] == [("catalog-events", str(product.pk))]


def test_a_compare_at_price_below_the_price_is_refused(staff: Client) -> None:
    product = make_product()

    answer = change_product(staff, product, compare_at_price="1.00")

    assert answer.status_code == 200
    assert OutboxEvent.objects.count() == 0


def upload(client: Client, product: Product, file: SimpleUploadedFile) -> Any:
    media = {"media-TOTAL_FORMS": 1, "media-0-file": file, "media-0-position": 0, "media-0-product": product.pk}
    return change_product(client, product, **media)


def test_an_uploaded_picture_gets_its_thumbnails(staff: Client, tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    product = make_product()

    answer = upload(staff, product, picture())

    assert answer.status_code == 302
    name = ProductMedia.objects.get().file.name
    with Image.open(tmp_path / f"{name}.card.webp") as card:
        assert (card.format, card.size) == ("WEBP", (400, 400))
    assert (tmp_path / f"{name}.page.webp").exists()
    assert (tmp_path / f"{name}.line.webp").exists()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    "file",
    [
        SimpleUploadedFile("x.svg", SVG, "image/svg+xml"),
        SimpleUploadedFile("x.png", SVG, "image/png"),
        SimpleUploadedFile("x.png", b"not a picture", "image/png"),
        SimpleUploadedFile("x.html", b"<html>", "image/png"),
    ],
    ids=["svg", "svg called png", "no picture", "html"],
)
def test_what_is_no_picture_is_refused(staff: Client, tmp_path: Path, settings: Any, file: SimpleUploadedFile) -> None:
    settings.MEDIA_ROOT = tmp_path

    answer = upload(staff, make_product(), file)

    assert answer.status_code == 200
    assert ProductMedia.objects.count() == 0
    assert list(tmp_path.rglob("*.*")) == []


def test_a_new_category_gets_its_address(staff: Client) -> None:
    kitchen = make_category(name="Kitchen")
    form = {"name": "Pans", "slug": "pans", "is_active": "on", "treebeard_position": "sorted-child"}

    answer = staff.post(reverse("admin:catalog_category_add"), {**form, "treebeard_ref_node": kitchen.pk})

    assert answer.status_code == 302
    assert Category.objects.get(name="Pans").slug_path == "kitchen/pans"


def test_a_second_category_of_an_address_is_refused(staff: Client) -> None:
    kitchen = make_category(name="Kitchen")
    make_category(kitchen, name="Pans")
    form = {"name": "More pans", "slug": "pans", "is_active": "on", "treebeard_position": "sorted-child"}

    answer = staff.post(reverse("admin:catalog_category_add"), {**form, "treebeard_ref_node": kitchen.pk})

    assert answer.status_code == 200
    assert Category.objects.filter(slug="pans").count() == 1


def test_dragging_a_category_moves_its_address(staff: Client) -> None:
    garden = make_category(name="Garden")
    pots = make_category(make_category(name="Kitchen"), name="Pots")

    answer = staff.post("/admin/catalog/category/move/", {"node": pots.pk, "target": garden.pk, "relation": "child"})

    assert answer.status_code == 200
    pots.refresh_from_db()
    assert pots.slug_path == "garden/pots"


def test_dragging_onto_a_namesake_is_refused(staff: Client) -> None:
    garden = make_category(name="Garden")
    make_category(garden, name="Pots")
    pots = make_category(make_category(name="Kitchen"), name="Pots")

    answer = staff.post("/admin/catalog/category/move/", {"node": pots.pk, "target": garden.pk, "relation": "child"})

    assert answer.status_code == 400
    pots.refresh_from_db()
    assert (pots.slug_path, Category.objects.get_parent(pots).name) == ("kitchen/pots", "Kitchen")


def test_saving_a_family_announces_its_variants(staff: Client) -> None:
    family = make_family()
    products = [make_product(family=family, position=number) for number in range(2)]
    form = {
        "title": "New title",
        "code": family.code,
        "category": family.category_id,
        "brand": family.brand_id,
        "seller": family.seller_id,
        "is_active": "on",
        "products-TOTAL_FORMS": 0,
        "products-INITIAL_FORMS": 0,
    }

    answer = staff.post(reverse("admin:catalog_productfamily_change", args=[family.pk]), form)

    assert answer.status_code == 302
    assert sorted(event.key for event in OutboxEvent.objects.all()) == sorted(str(product.pk) for product in products)


def test_staff_take_products_off_sale(staff: Client) -> None:
    product, other = make_product(), make_product()

    staff.post(
        reverse("admin:catalog_product_changelist"), {"action": "take_off_sale", "_selected_action": [product.pk]}
    )

    assert list(Product.objects.filter(is_active=True)) == [other]


def test_staff_see_what_an_import_refused(staff: Client) -> None:
    run = ImportRun.objects.create(fingerprint="x", file_name="chairs.csv", started_at=now(), refused=1)
    run.refusals.create(line=7, code="invalid", field="price", detail="price -1 is below zero")

    assert "chairs.csv" in staff.get("/admin/catalog/importrun/").text
    page = staff.get(f"/admin/catalog/importrun/{run.pk}/change/").text
    assert "price -1 is below zero" in page
    assert staff.get("/admin/catalog/importrun/add/").status_code == 403
