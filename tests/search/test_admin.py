"""What staff see of the search, and the one thing they can ask of it."""

import pytest
from django.test import Client
from django.urls import reverse
from prometheus_client.parser import text_string_to_metric_families
from pytest_django import Settings

from catalog.models import ProductFamily
from search import services
from search.models import SearchDocument, SearchIndex, SearchWork
from tests.factories import make_product, make_user
from tests.search.conftest import NOW

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("typed", ["sku", "brand", "family", "words"])
def test_staff_find_what_is_said_of_a_product_and_can_not_edit_it(staff: Client, typed: str) -> None:
    product, other = make_product(title="Lamp <b>"), make_product(title="Another")
    services.build_documents(now=NOW)
    family = SearchDocument.objects.get(pk=product.family_id)
    asked = {"sku": product.sku.upper(), "brand": family.brand, "family": str(family.pk), "words": "lamps"}[typed]

    found = staff.get(reverse("admin:search_searchdocument_changelist"), {"q": asked}).content.decode()
    page = staff.get(reverse("admin:search_searchdocument_change", args=[family.pk])).content.decode()

    assert "Lamp &lt;b&gt;" in found
    assert ("Another" in found) == (
        typed == "brand" and family.brand == SearchDocument.objects.get(pk=other.family_id).brand
    )
    assert "Lamp &lt;b&gt;" in page
    assert 'name="_save"' not in page


@pytest.mark.parametrize("typed", ["9" * 30, "'\"&|!():*", "{", "x" * 5000, "\U0001f4a1"])
def test_what_nobody_would_look_for_finds_nothing(staff: Client, typed: str) -> None:
    make_product()
    services.build_documents(now=NOW)

    answer = staff.get(reverse("admin:search_searchdocument_changelist"), {"q": typed})

    assert answer.status_code == 200
    assert b"0 search documents" in answer.content


def test_documents_that_wait_for_elasticsearch_can_be_listed_and_built_again(staff: Client) -> None:
    products = [make_product(title=f"Lamp {number}") for number in range(3)]
    services.build_documents(now=NOW)
    SearchDocument.objects.filter(pk=products[0].family_id).update(indexed_version=1)
    page = reverse("admin:search_searchdocument_changelist")

    waiting = staff.get(page, {"sent": "no"}).content.decode()
    chosen = [product.family_id for product in products[:2]]
    ProductFamily.objects.filter(pk=products[0].family_id).update(title="Lantern")
    told = staff.post(page, {"action": "look_again", "_selected_action": chosen}, follow=True).content.decode()
    noted = set(SearchWork.objects.values_list("family_id", flat=True))
    services.follow_changes(now=NOW)

    assert [f"Lamp {number}" in waiting for number in range(3)] == [False, True, True]
    assert "2 families are looked at again." in told
    assert noted == set(chosen)
    assert SearchDocument.objects.get(pk=products[0].family_id).document["title"] == "Lantern"


def test_the_figures_say_what_waits(settings: Settings) -> None:
    for product in (make_product(), make_product(), make_product()):
        services.look_again(family_ids=[product.family_id])
        services.look_again(family_ids=[product.family_id])
    waiting = [figures()]
    services.follow_changes(now=NOW)
    settings.ELASTICSEARCH_URL = "http://127.0.0.1:9"  # is not asked
    waiting.append(figures())

    assert waiting[0]["document"] == 3
    assert waiting[1] == {"document": 0, "elasticsearch": 3}


def figures() -> dict[str, float]:
    """As Prometheus reads them."""
    text = Client().get("/metrics").content.decode()
    return {
        family.labels["waiting_for"]: family.value
        for metric in text_string_to_metric_families(text)
        for family in metric.samples
        if family.name == "search_documents_waiting"
    }


def test_indexes_are_listed(staff: Client) -> None:
    SearchIndex.objects.create(name="shop-families-1", state=SearchIndex.State.SERVING, created_at=NOW)

    page = staff.get(reverse("admin:search_searchindex_changelist")).content.decode()

    assert "shop-families-1" in page
    assert "Serving" in page
