"""Suggestions: the same from either engine, soon, and never an error."""

import threading

import pytest
from django.test import Client
from pytest_django import Settings

from search import answering, services
from search.suggesting import suggestions
from tests.factories import make_family, make_product
from tests.search.conftest import NOW, Ready, crowd

SECONDS = 10.0


def test_the_most_liked_whose_names_begin_like_what_is_typed_come_first(ready: Ready) -> None:
    family = make_family(title="Shade")
    family.brand.name = "Lampe Berger"
    family.brand.save()
    made = {
        "brand": make_product(family=family, stock=1),
        "liked": make_product(family=make_family(title="Old Lampshade"), rating=5, review_count=500, stock=1),
        "plain": make_product(family=make_family(title="Lamp, of brass"), stock=1),
        "sold out": make_product(family=make_family(title="Lamp oil"), rating=5, review_count=900),
    }
    make_product(family=make_family(title="Clamp"), description="for a lamp", stock=1)
    make_product(family=make_family(title="Lamp that is gone"), is_active=False)
    engine = ready()

    def suggested(*words: str, size: int = 8) -> list[str]:
        names = {product.family_id: name for name, product in made.items()}
        return [names[hit.family_id] for hit in engine.suggest(words, size=size, seconds=SECONDS)]

    assert suggested("lam") == ["liked", "plain", "brand", "sold out"]
    assert suggested("lam", size=2) == ["liked", "plain"]
    assert suggested("bras", "lamp") == ["plain"]
    assert suggested("berger", "sh") == ["brand"]
    assert suggested("amp") == []


@pytest.mark.django_db(transaction=True)
def test_what_is_rare_is_found_behind_thousands_that_are_liked_more() -> None:
    like = make_product(family=make_family(title="Paper Clip"), rating=5, review_count=100, stock=5)
    rare = make_product(family=make_family(title="Samovar"))
    services.build_documents(now=NOW)
    crowd(like.family_id, 3000)

    assert [hit.id for hit in suggestions(typed="samo").products] == [rare.pk]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("trouble", ["http://127.0.0.1:9", ""])
def test_without_elasticsearch_postgresql_suggests(settings: Settings, trouble: str) -> None:
    product = make_product(title="Kettle", family=make_family(title="Kettle"))
    services.build_documents(now=NOW)
    settings.ELASTICSEARCH_URL = trouble

    assert [hit.id for hit in suggestions(typed="ket").products] == [product.pk]


@pytest.mark.django_db(transaction=True)
def test_where_nobody_answers_there_are_names_and_no_error(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    family = make_family(title="Kettle")
    family.brand.name = "Kettle & Sons"
    family.brand.save()
    make_product(family=family)
    services.build_documents(now=NOW)
    full = threading.BoundedSemaphore(1)
    monkeypatch.setattr(answering, "_room", full)

    with full:
        page = client.get("/search/suggestions/", {"q": "ket"})

    assert page.status_code == 200
    assert "Kettle &amp; Sons" in page.content.decode()
    assert "/p/" not in page.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("typed", ["", "a", "' & |:*", "x" * 5000, "🚲", "%_", "\\", "<b>", "a " * 400])
def test_odd_beginnings_get_an_answer(client: Client, typed: str) -> None:
    make_product()
    services.build_documents(now=NOW)

    assert client.get("/search/suggestions/", {"q": typed}).status_code == 200
    assert client.get("/api/v1/search/suggest", {"q": typed}).status_code == 200
