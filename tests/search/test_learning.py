"""What titles and names of categories say of words, and what is kept of it."""

import pytest

from search import services
from search.learning import NAMED, kind_weights, named_kinds
from search.models import SearchKind, SearchStem, SearchText, SearchWord
from search.understanding import understand
from tests.factories import make_category, make_family, make_product
from tests.search.conftest import NOW

PLAIN = {word: word for word in ["acme", "laptop", "bag", "15", "inch", "black", "gaming", "office", "red", "case"]}
LAPTOPS = ["Acme laptop 15 inch", "Acme gaming laptop black", "Office laptop", "Acme laptop red"]
BAGS = ["Acme laptop bag black", "Laptop bag red", "Acme laptop bag 15 inch", "Laptop bag"]


def test_a_word_names_what_it_stands_freely_in_and_not_what_another_word_follows_in() -> None:
    laptops, bags = kind_weights(LAPTOPS, PLAIN), kind_weights(BAGS, PLAIN)

    assert laptops["laptop"] >= 0.5
    assert bags["laptop"] == 0
    assert bags["bag"] >= 0.5
    assert "red" not in laptops  # once is no more than chance


@pytest.mark.parametrize(
    ("names", "named"),
    [
        (["Computers", "Laptops"], {"laptops"}),
        (["Computers", "Laptop Bags & Sleeves", "Backpacks"], {"backpacks", "bags", "sleeves"}),
        (["Photo", "Cameras", "Camera Cases, Straps"], {"cases", "straps", "cameras"}),
        (["Home & Living"], {"living"}),
        (["Lamps"], {"lamps"}),
    ],
)
def test_a_category_is_of_what_its_name_and_those_above_end_with(names: list[str], named: set[str]) -> None:
    stems = {word: word for name in names for word in name.lower().replace(",", "").split()}

    assert named_kinds(names, stems) == named


def test_a_word_that_only_describes_is_not_taken_from_above() -> None:
    stems = {"cameras": "camera", "camera": "camera", "cases": "case", "photo": "photo"}

    assert named_kinds(["Photo", "Cameras", "Camera Cases"], stems) == {"case"}


@pytest.mark.django_db(transaction=True)
def test_what_is_learnt_is_what_stands_in_documents_and_learning_again_changes_nothing() -> None:
    computers = make_category(name="Computers")
    laptops = make_category(computers, name="Laptops")
    for title in LAPTOPS:
        make_product(family=make_family(title=title, category=laptops), description="For the office.")
    make_product(family=make_family(title="Gone"), is_active=False)
    services.build_documents(now=NOW)

    words = services.learn(now=NOW)
    before = _learnt()

    assert services.learn(now=NOW) == words
    assert _learnt() == before
    assert SearchWord.objects.get(pk="laptop").families == 4
    assert not SearchWord.objects.filter(pk="gone").exists()
    stem = SearchStem.objects.get(pk="offic")
    assert (stem.families, stem.title, stem.description) == (4, 1, 4)
    assert SearchText.objects.get(pk="description").families == 4
    assert SearchKind.objects.get(stem="laptop", category="computers/laptops").weight == NAMED


@pytest.mark.django_db(transaction=True)
def test_it_is_learnt_anew_after_an_hour_and_when_the_shop_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "_last", services._Last())
    for _ in range(20):
        make_product()
    services.build_documents(now=NOW)
    first, again = services.learn_when_due(now=NOW), services.learn_when_due(now=NOW)
    make_product()
    services.build_documents(now=NOW)
    grown_a_little = services.learn_when_due(now=NOW)
    for _ in range(2):
        make_product()
    services.build_documents(now=NOW)
    grown, then = services.learn_when_due(now=NOW), services.learn_when_due(now=NOW)
    services._last.at -= services.LEARN_SECONDS

    assert [bool(learnt) for learnt in (first, again, grown_a_little, grown, then)] == [True, False, False, True, False]
    assert services.learn_when_due(now=NOW)


def _learnt() -> list[object]:
    models = (SearchWord, SearchStem, SearchText)
    kinds = SearchKind.objects.order_by("stem", "category").values_list("stem", "category", "weight")
    return [*(tuple(model.objects.order_by("pk").values_list()) for model in models), *kinds]


@pytest.mark.django_db(transaction=True)
def test_words_are_understood_as_the_catalogue_writes_them() -> None:
    for title in ("Notebook 16 GB", "Note book holder", "Cable 2 m", "USB-C hub"):
        make_product(family=make_family(title=title))
    services.build_documents(now=NOW)
    nothing_known = understand(("note", "book"))
    services.learn(now=NOW)

    assert nothing_known.slots == ((("note",),), (("book",),))
    assert understand(("note", "book", "the", "cable")).slots == ((("note", "book"), ("notebook",)), (("cable",),))
    assert understand(("notebook", "16gb")).slots == ((("notebook",),), (("16gb",), ("16", "gb")))
    assert understand(("the", "of")).slots == ()
    assert understand(("cable",)).rarity["cable"][0] > 0
