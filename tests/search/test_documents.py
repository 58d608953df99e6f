"""Documents: what they say of a family, when they change, and that no change is lost on the way to them."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cart import services as carts
from catalog import operations as catalog
from catalog import services as catalog_services
from catalog.models import Attribute, Category, Product, ProductAttribute, ProductFamily
from catalog.types import PartKind
from core.courier import Courier
from core.outlets import LocalOutlet
from core.relay import Relay
from core.shopper import Shopper
from ecommerce.events import SUBSCRIBERS
from search import operations, services, writes
from search.models import SearchDocument, SearchVariant, SearchWork
from search.policies import popularity
from tests.factories import make_category, make_family, make_product
from tests.races.threads import PATIENCE_SECONDS, at_once

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def document_of(product: Product) -> dict[str, Any]:
    document: dict[str, Any] = SearchDocument.objects.get(pk=product.family_id).document
    return document


def variant_in_document(product: Product, *, colour: str, **said: Any) -> dict[str, Any]:
    attributes = [{"name": "colour", "value": colour}]
    return {"product_id": product.pk, "position": product.position, "attributes": attributes, **said}


def follow() -> None:
    """What relay and job do after a commit."""
    Relay(LocalOutlet(SUBSCRIBERS, Courier())).run_once()
    services.follow_changes(now=NOW)


@pytest.fixture
def shoes() -> list[Product]:
    """Two variants of a family, the second in stock."""
    root = make_category(name="Clothing")
    family = make_family(title="Trail Shoe", category=make_category(root, name="Shoes"), variation_axes=["colour"])
    colour = Attribute.objects.create(code="colour", name="Colour", is_filter=True)
    weight = Attribute.objects.create(code="weight", name="Weight", unit="g")
    variants = [
        make_product(family=family, title="Trail Shoe, red", price="80.00", position=0, rating="4.00", review_count=3),
        make_product(
            family=family, title="Trail Shoe, blue", price="60.50", position=1, rating="5.00", review_count=1, stock=2
        ),
    ]
    for variant, value in zip(variants, ("Red", "Blue"), strict=True):
        ProductAttribute.objects.create(product=variant, attribute=colour, value=value)
        ProductAttribute.objects.create(product=variant, attribute=weight, value="310")
    return variants


@pytest.mark.django_db(transaction=True)
def test_a_document_says_what_catalogue_and_stock_know(shoes: list[Product]) -> None:
    services.build_documents(now=NOW)

    red, blue = shoes
    document = document_of(red)
    assert (document["product_id"], document["sku"]) == (blue.pk, blue.sku)  # the first that can be had
    assert (document["price"], document["price_max"], document["currency"]) == (60.5, 80.0, "USD")
    assert (document["rating"], document["review_count"]) == (4.25, 4)
    assert document["category_path"] == ["clothing", "clothing/shoes"]
    assert document["category_names"] == ["Clothing", "Shoes"]
    assert document["product_type"] == "Shoes"
    assert document["codes"] == sorted([red.sku, blue.sku])
    assert document["details"].split("\n") == ["Trail Shoe, red", "Red", "310 g", "Trail Shoe, blue", "Blue"]
    assert document["in_stock"] is True
    assert document["variants"] == [
        {
            "product_id": red.pk,
            "position": 0,
            "price": 80.0,
            "in_stock": False,
            "attributes": [{"name": "colour", "value": "Red"}],
        },
        {
            "product_id": blue.pk,
            "position": 1,
            "price": 60.5,
            "in_stock": True,
            "attributes": [{"name": "colour", "value": "Blue"}],
        },
    ]
    assert list(SearchVariant.objects.order_by("pk").values_list("pk", "price", "in_stock", "attributes")) == [
        (red.pk, Decimal("80.000"), False, ["colour=Red"]),
        (blue.pk, Decimal("60.500"), True, ["colour=Blue"]),
    ]


@pytest.mark.django_db(transaction=True)
def test_what_has_not_changed_keeps_its_version(shoes: list[Product]) -> None:
    assert services.build_documents(now=NOW) == 1
    assert services.build_documents(now=NOW + timedelta(hours=1)) == 0

    row = SearchDocument.objects.get()
    assert (row.version, row.updated_at) == (1, NOW)


@pytest.mark.django_db(transaction=True)
def test_a_family_off_sale_is_hidden_and_comes_back_in_a_later_version(shoes: list[Product]) -> None:
    ids = [shoe.pk for shoe in shoes]
    services.build_documents(now=NOW)

    catalog_services.take_off_sale(product_ids=ids, now=NOW)
    follow()
    hidden = SearchDocument.objects.get()
    variants = SearchVariant.objects.count()
    catalog_services.put_on_sale(product_ids=ids, now=NOW)
    follow()

    assert (hidden.is_live, hidden.version, variants) == (False, 2, 0)
    assert hidden.document == {"family_id": shoes[0].family_id, "is_live": False}
    row = SearchDocument.objects.get()
    assert (row.is_live, row.version, SearchVariant.objects.count()) == (True, 3, 2)


@pytest.mark.django_db(transaction=True)
def test_a_family_that_was_deleted_is_hidden_by_the_next_build() -> None:
    product = make_product()
    services.build_documents(now=NOW)
    family_id = product.family_id
    product.delete()
    ProductFamily.objects.filter(pk=family_id).delete()

    services.build_documents(now=NOW)

    row = SearchDocument.objects.get()
    assert (row.is_live, row.version) == (False, 2)


@pytest.mark.django_db(transaction=True)
def test_the_last_unit_in_a_cart_changes_the_document_and_its_return_does_too(shoes: list[Product]) -> None:
    services.build_documents(now=NOW)
    blue = shoes[1]

    change = carts.add_item(shopper=Shopper(), product_id=blue.pk, quantity=2, now=NOW)
    follow()
    taken = document_of(blue)["in_stock"]
    carts.clear(shopper=Shopper(cart_token=change.token), now=NOW)
    follow()

    assert (taken, document_of(blue)["in_stock"]) == (False, True)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("part", list(PartKind))
def test_what_many_families_share_changes_all_of_them_and_no_other(part: PartKind, shoes: list[Product]) -> None:
    other = make_product()
    services.build_documents(now=NOW)
    family = shoes[0].family
    changed: dict[PartKind, tuple[Any, dict[str, Any]]] = {
        PartKind.CATEGORY: (Category.objects.get(name="Clothing"), {"name": "Apparel"}),
        PartKind.BRAND: (family.brand, {"name": "Ochre Row"}),
        PartKind.SELLER: (family.seller, {"is_active": False}),
        PartKind.ATTRIBUTE: (Attribute.objects.get(code="weight"), {"is_filter": True}),
    }
    row, fields = changed[part]

    with transaction.atomic():
        type(row).objects.filter(pk=row.pk).update(**fields)
        catalog.announce_part(kind=part, ids=[row.pk], now=NOW)
    follow()

    assert SearchDocument.objects.get(pk=family.pk).version == 2
    assert SearchDocument.objects.get(pk=other.family_id).version == 1


@pytest.mark.django_db(transaction=True)
def test_many_families_take_as_many_statements_as_one(shoes: list[Product]) -> None:
    for _ in range(30):
        make_product(stock=1)
    ids = list(ProductFamily.objects.values_list("pk", flat=True))

    def statements(family_ids: list[int]) -> int:
        with CaptureQueriesContext(connection) as caught, transaction.atomic():
            operations.rebuild(family_ids=family_ids, now=NOW)
        return len([query for query in caught.captured_queries if query["sql"] not in ("BEGIN", "COMMIT")])

    assert statements(ids[:1]) == statements(ids) == 10


@pytest.mark.django_db(transaction=True)
def test_a_change_while_a_document_is_being_rebuilt_is_in_it_afterwards(
    shoes: list[Product], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rebuild has read the old price when the new one is committed and told; the note that came with it stays."""
    with transaction.atomic():
        operations.note_families(family_ids=[shoes[0].family_id])
    has_read, has_changed = threading.Event(), threading.Event()
    save = writes.save_documents

    def slowly(*args: Any, **kwargs: Any) -> Any:
        if not has_read.is_set():
            has_read.set()
            assert has_changed.wait(PATIENCE_SECONDS)
        return save(*args, **kwargs)

    monkeypatch.setattr(writes, "save_documents", slowly)

    def change() -> None:
        assert has_read.wait(PATIENCE_SECONDS)
        with transaction.atomic():
            Product.objects.filter(pk=shoes[1].pk).update(price=Decimal(55))
            operations.note_families(family_ids=[shoes[0].family_id])
        has_changed.set()

    at_once([partial(services.follow_changes, now=NOW), change])
    services.follow_changes(now=NOW)

    assert document_of(shoes[0])["price"] == 55.0
    assert not SearchWork.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_rebuilds_at_once_leave_the_newest(shoes: list[Product]) -> None:
    for price in range(10, 20):
        Product.objects.filter(pk=shoes[1].pk).update(price=Decimal(price))

        at_once([partial(services.build_documents, now=NOW)] * 4)

        assert document_of(shoes[0])["price"] == price
    assert SearchDocument.objects.get().version == 10


@pytest.mark.django_db(transaction=True)
def test_a_shop_without_any_document_gets_them_all_by_itself(shoes: list[Product]) -> None:
    make_product()

    services.follow_changes(now=NOW)

    assert SearchDocument.objects.filter(is_live=True).count() == 2
    assert services.follow_changes(now=NOW) == 0


def test_popularity_is_bounded_and_few_reviews_count_little() -> None:
    unrated = popularity(rating=Decimal(0), review_count=0)

    assert 0 < unrated < 0.5
    assert popularity(rating=Decimal(1), review_count=1) < unrated < popularity(rating=Decimal(5), review_count=1)
    assert popularity(rating=Decimal(5), review_count=1) < popularity(rating=Decimal("4.5"), review_count=1000)
    assert popularity(rating=Decimal(5), review_count=10**9) <= 1
