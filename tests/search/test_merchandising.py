"""What staff decide for searches holds at once, on both engines, and in their preview before it does."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from catalog.models import Product
from catalog.types import ListingFilters, SortOrder
from search import services
from search.models import Placement, QueryRule, Synonyms
from search.selectors import search
from search.types import SearchPage
from tests.factories import make_family, make_product, make_user
from tests.search.conftest import NOW, Ready


def same(words: str) -> Synonyms:
    """Saved as the admin does."""
    row = Synonyms(words=words)
    row.full_clean()
    row.save()
    return row


def rule_for(
    query: str, *, pinned: tuple[Product, ...] = (), buried: tuple[Product, ...] = (), **fields: object
) -> QueryRule:
    """Saved as the admin does."""
    row = QueryRule(query=query, **fields)
    row.full_clean()
    row.save()
    for place, products in (("pinned", pinned), ("buried", buried)):
        for position, product in enumerate(products):
            Placement.objects.create(rule=row, family_id=product.family_id, place=place, position=position)
    return row


def shelved(*titles: str) -> list[Product]:
    return [make_product(family=make_family(title=title), title=title) for title in titles]


def titles_of(page: SearchPage) -> list[str]:
    return [card.title for card in page.cards]


def found(query: str, **filters: object) -> list[str]:
    return titles_of(search(filters=ListingFilters(query=query, **filters)))  # type: ignore[arg-type]  # of its fields


def test_words_that_mean_the_same_find_the_same_at_once_and_either_way(ready: Ready) -> None:
    shelved("Oak sofa", "Red couch", "Cell phone case", "Mobile of wood", "Table")
    ready()
    services.learn(now=NOW)
    before = found("couch")

    same("Sofa, COUCH, settee")
    row = same("cell phone, mobile")

    assert before == ["Red couch"]
    assert sorted(found("couch")) == sorted(found("sofa")) == sorted(found("settee")) == ["Oak sofa", "Red couch"]
    assert found("red settee") == ["Red couch"]
    assert sorted(found("mobile")) == sorted(found("cell phone")) == ["Cell phone case", "Mobile of wood"]
    row.is_active = False
    row.save()
    assert found("mobile") == ["Mobile of wood"]


def test_what_staff_put_first_comes_first_whatever_it_is_and_what_they_put_last_last(ready: Ready) -> None:
    lamps = shelved("Lamp", "Lamp of brass", "Lamp of glass")
    shade, gone = shelved("Shade", "Gone")
    Product.objects.filter(pk=gone.pk).update(is_active=False)
    ready()
    before = found("lamp")

    rule = rule_for("LAMP ", pinned=(shade, gone, lamps[2]), buried=(lamps[0],))

    assert sorted(before) == ["Lamp", "Lamp of brass", "Lamp of glass"]
    assert found("lamp") == ["Shade", "Lamp of glass", "Lamp of brass", "Lamp"]
    assert sorted(found("lamp", sort=SortOrder.PRICE_ASC)) == sorted(found("lamp"))
    assert search(filters=ListingFilters(query="lamp")).total == 4
    assert found("lamp brass") == ["Lamp of brass"]  # the rule is for its own query
    assert "Shade" not in found("lamp", brands=("no such brand",))
    rule.is_active = False
    rule.save()
    assert found("lamp") == before


@pytest.mark.django_db(transaction=True)
def test_a_query_leads_to_a_page_but_not_whoever_narrows_it(client: Client) -> None:
    shelved("Garden hose")
    services.build_documents(now=NOW)
    rule_for("garden", redirect_to="/c/garden/")

    led = client.get("/search/", {"q": "Garden"})
    narrowed = client.get("/search/", {"q": "garden", "in_stock": "1"})
    api = client.get("/api/v1/search", {"q": "garden"}).json()

    assert (led.status_code, led["Location"]) == (302, "/c/garden/")
    assert narrowed.status_code == 200
    assert (api["redirect_to"], api["total"]) == ("/c/garden/", 1)


@pytest.mark.parametrize(
    "address",
    ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "c/garden", "/a b", "/a\nb"],
)
def test_a_rule_leads_to_pages_of_this_shop_only(address: str) -> None:
    with pytest.raises(ValidationError):
        QueryRule(query="lamp", redirect_to=address).clean()


@pytest.mark.parametrize("words", ["sofa", "sofa,", "sofa, SOFA", "sofa, !!!", "sofa, red green blue pink"])
def test_synonyms_are_two_at_least_and_short(words: str) -> None:
    with pytest.raises(ValidationError):
        Synonyms(words=words).clean()


@pytest.mark.django_db(transaction=True)
def test_staff_see_what_a_rule_shows_before_shoppers_do(client: Client) -> None:
    _lamp, shade = shelved("Lamp", "Shade <i>")
    services.build_documents(now=NOW)
    client.force_login(make_user(is_staff=True, is_superuser=True))
    form = {
        "query": "Lamp",
        "redirect_to": "",
        "placements-TOTAL_FORMS": "1",
        "placements-INITIAL_FORMS": "0",
        "placements-0-family": str(shade.family_id),
        "placements-0-place": "pinned",
        "placements-0-position": "0",
    }

    saved = client.post(reverse("admin:search_queryrule_add"), form)
    rule = QueryRule.objects.get()
    preview = client.get(reverse("admin:search_preview", args=[rule.pk])).content.decode()

    assert (saved.status_code, rule.query, rule.is_active) == (302, "lamp", False)
    assert found("lamp") == ["Lamp"]
    assert preview.index("Shade &lt;i&gt;") < preview.index(">Lamp<")
    assert "shoppers do not see this yet" in preview
    client.force_login(make_user(is_staff=True))
    assert client.get(reverse("admin:search_preview", args=[rule.pk])).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_staff_name_synonyms_in_the_admin(client: Client) -> None:
    client.force_login(make_user(is_staff=True, is_superuser=True))

    refused = client.post(reverse("admin:search_synonyms_add"), {"words": "sofa", "is_active": "on"})
    saved = client.post(reverse("admin:search_synonyms_add"), {"words": "Sofa, the Couch", "is_active": "on"})

    assert (refused.status_code, saved.status_code) == (200, 302)
    assert Synonyms.objects.get().entries == ["sofa", "couch"]
