"""One meaning for both engines: what is found, counted and in which order, held against looking at every document."""

import random
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from catalog.models import Product
from catalog.types import ListingFilters, SortOrder
from search import copying, services
from search.elastic import indexes
from search.models import SearchIndex
from search.text import code_of, query_words
from search.types import EXACT_TO, Hit, SearchRequest
from tests.factories import make_category, make_family, make_product
from tests.search.conftest import COLOURS, NOW, SIZES, WORDS, Ready, crowd, fill
from tests.search.engines import expected

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers]
SECONDS = 10.0
PATHS = ("", "", "shoes", "coats", "shoes/shoes-indoors", "nowhere")
PRICES = (None, None, Decimal(0), Decimal(25), Decimal(50), Decimal(200), Decimal("49.99"))


def a_request(chance: random.Random) -> SearchRequest:
    """Any combination of filters, most of which leave something."""
    attributes = []
    if chance.random() < 0.4:
        attributes.append(("colour", tuple(chance.sample(COLOURS, chance.randint(1, 2)))))
    if chance.random() < 0.3:
        attributes.append(("size", (chance.choice(SIZES),)))
    filters = ListingFilters(
        category=chance.choice(PATHS),
        brands=tuple(chance.sample(["brand-a", "brand-b", "brand-c", "nobody"], chance.choice([0, 0, 1, 2]))),
        price_min=chance.choice(PRICES),
        price_max=chance.choice(PRICES),
        rating=chance.choice([None, None, Decimal(4), Decimal("4.5")]),
        in_stock=chance.random() < 0.3,
        attributes=tuple(attributes),
        sort=chance.choice([*SortOrder.values]),
    )
    return SearchRequest(filters=filters, words=(chance.choice(WORDS),) if chance.random() < 0.4 else (), size=200)


def test_any_search_finds_counts_and_sorts_as_looking_at_every_document_does(ready: Ready) -> None:
    fill(60)
    engine = ready()
    chance = random.Random(7)
    found_something = 0

    for number in range(120):
        request = a_request(chance)
        wanted = expected(request)
        found = engine.search(request, seconds=SECONDS)

        told = f"request {number}: {request}"
        hits = [(hit.family_id, hit.product_id) for hit in found.hits]
        by_score = request.words and request.filters.sort == SortOrder.RELEVANCE
        assert (sorted(hits) if by_score else hits) == (sorted(wanted.ids) if by_score else wanted.ids), told
        assert (found.total, found.total_is_exact) == (len(wanted.ids), True), told
        # Elasticsearch adds up binary fractions: at a half it may round the other way.
        assert _close(found.average_rating, wanted.average_rating), told
        shown = {path for path in found.counts.categories if path in wanted.counts.categories}
        assert {path: found.counts.categories[path] for path in shown} == {
            path: wanted.counts.categories[path] for path in shown
        }, told
        assert {path for path in wanted.counts.categories if "/" not in path} <= shown, told
        for name in ("brands", "price_ranges", "ratings", "in_stock", "attributes"):
            assert getattr(found.counts, name) == getattr(wanted.counts, name), f"{name}, {told}"
        found_something += bool(hits)
    assert found_something > 60


@pytest.mark.parametrize(
    ("typed", "titles"),
    [
        pytest.param("running shoe", ["Running Shoes", "Shoe for the Run"], id="every word, whatever its form"),
        pytest.param("shoe", ["Running Shoes", "Shoe for the Run"], id="one word"),
        pytest.param("the running", ["Running Shoes", "Shoe for the Run"], id="a stop word changes nothing"),
        pytest.param("the", [], id="nothing but stop words"),
        pytest.param("shoe lamp", [], id="not all words"),
        pytest.param("cafe", ["Café au Lait Bowl"], id="without the accent"),
        pytest.param("CAFÉ bowl", ["Café au Lait Bowl"], id="with it, and shouted"),
        pytest.param("usb-c", ["Cable USB-C/USB-A"], id="a hyphen"),
        pytest.param("usb c a", ["Cable USB-C/USB-A"], id="words between slashes"),
        pytest.param("o'neill", ["O'Neill Wetsuit"], id="an apostrophe"),
        pytest.param("acme", ["Running Shoes"], id="a brand"),
        pytest.param("acme running", ["Running Shoes"], id="a brand and a word"),
        pytest.param("sneakers", ["Shoe for the Run"], id="a category"),
        pytest.param("lamp_x-1", ["Lamp"], id="a SKU in any case"),
        pytest.param("4006381333931", ["Lamp"], id="an EAN"),
        pytest.param("!!! ??? ---", [], id="only punctuation"),
        pytest.param("sh\x00oe lamp\x00", [], id="NULs"),
        pytest.param("🚲", [], id="an emoji"),
        pytest.param("חולצה", ["חולצה כחולה"], id="from right to left"),
        pytest.param("shoe' OR 1=1; DROP TABLE search_searchdocument --", [], id="SQL"),
        pytest.param('title:"shoe" AND (run~ OR *)', [], id="a query language"),
        pytest.param("shoe " * 2500, ["Running Shoes", "Shoe for the Run"], id="10,000 characters"),
    ],
)
def test_words(typed: str, titles: list[str], ready: Ready) -> None:
    family = make_family(title="Running Shoes")
    family.brand.name = "Acme"
    family.brand.save()
    make_product(family=family)
    make_product(family=make_family(title="Shoe for the Run", category=make_category(name="Sneakers")))
    make_product(family=make_family(title="Lamp"), sku="LAMP_X-1", eans=["4006381333931"])
    for title in ("Café au Lait Bowl", "Cable USB-C/USB-A", "O'Neill Wetsuit", "חולצה כחולה"):
        make_product(family=make_family(title=title))
    engine = ready()

    request = SearchRequest(filters=ListingFilters(query=typed), words=query_words(typed), code=code_of(typed))
    found = engine.search(request, seconds=SECONDS)

    assert sorted(_titles([hit.family_id for hit in found.hits])) == sorted(titles)
    assert found.total == len(titles)


def test_an_exact_code_comes_before_everything_that_mentions_it(ready: Ready) -> None:
    for number in range(5):
        make_product(family=make_family(title="Holder for X100"), title=f"Holder {number}", review_count=500, rating=5)
    named = make_product(family=make_family(title="Camera"), sku="X100")

    found = ready().search(
        SearchRequest(filters=ListingFilters(query="x100"), words=("x100",), code="X100"), seconds=SECONDS
    )

    assert found.hits[0].family_id == named.family_id
    assert found.total == 6


def test_what_fits_well_is_not_overtaken_by_what_is_liked(ready: Ready) -> None:
    for number in range(8):
        make_product(family=make_family(title=f"Lamp of brass {number}"), description="For tables. Ten watts.")
    fits = make_product(family=make_family(title="Garden Hose"), description="Ten metres.")
    make_product(
        family=make_family(title="Bicycle"),
        description="For long ways and short ones, with eight gears, a bell, two lamps and a stand. Rinse it with a garden hose.",
        rating=5,
        review_count=100_000,
        stock=5,
    )

    found = ready().search(SearchRequest(filters=ListingFilters(), words=("garden", "hose")), seconds=SECONDS)

    assert found.hits[0].family_id == fits.family_id
    assert found.total == 2


def test_equals_are_ordered_by_stock_and_then_by_how_they_are_liked(ready: Ready) -> None:
    liked = {"rating": 5, "review_count": 1000}
    sold_out, plain, best = (
        make_product(family=make_family(title="Tea Pot"), **fields)
        for fields in (liked, {"stock": 5}, {**liked, "stock": 5})
    )

    found = ready().search(SearchRequest(filters=ListingFilters(), words=("tea", "pot")), seconds=SECONDS)

    assert [hit.family_id for hit in found.hits] == [best.family_id, plain.family_id, sold_out.family_id]


@pytest.mark.parametrize("sort", SortOrder.values)
def test_a_walk_by_cursor_while_products_change_finds_each_once(sort: str, ready: Ready) -> None:
    fill(70, seed=3)
    engine = ready()
    everything = {hit.family_id for hit in engine.search(_page(sort, size=200), seconds=SECONDS).hits}
    others = Product.objects.order_by("pk").first()
    assert others is not None

    seen: list[int] = []
    after = None
    while True:
        found = engine.search(_page(sort, after=after), seconds=SECONDS)
        seen += [hit.family_id for hit in found.hits]
        after = found.after
        if after is None:
            break
        _sell_something_new(len(seen))

    assert len(seen) == len(set(seen))
    assert everything <= set(seen)


@pytest.mark.parametrize("sort", SortOrder.values)
def test_pages_by_number_and_by_cursor_are_the_same(sort: str, ready: Ready) -> None:
    fill(50, seed=5)
    engine = ready()

    by_number = [hit for at in (0, 20, 40) for hit in engine.search(_page(sort, offset=at), seconds=SECONDS).hits]
    first = engine.search(_page(sort), seconds=SECONDS)
    second = engine.search(_page(sort, after=first.after), seconds=SECONDS)
    third = engine.search(_page(sort, after=second.after), seconds=SECONDS)

    assert [*first.hits, *second.hits, *third.hits] == by_number
    assert (len(by_number), third.after) == (50, None)


def test_a_walk_that_another_engine_began_goes_on_at_its_place(ready: Ready) -> None:
    fill(30, seed=5)
    engine = ready()

    found = engine.search(_page("price_asc", after={"engine": "another", "values": ["?"], "seen": 20}), seconds=SECONDS)

    assert [hit.family_id for hit in found.hits] == [family for family, _ in expected(_page("price_asc")).ids[20:]]


def test_totals_are_exact_to_ten_thousand_and_walks_go_on_beyond(ready: Ready) -> None:
    like = make_product(family=make_family(title="Paper Clip"), price="5.00")
    cheap = make_product(family=make_family(title="Paper Clip"), price="0.50")
    engine = ready(more=lambda: crowd(like.family_id, EXACT_TO - 1))

    exact = engine.search(_clips(price_min=Decimal(1)), seconds=SECONDS)
    beyond = engine.search(_clips(), seconds=SECONDS)
    deep = engine.search(_clips(offset=EXACT_TO - 20), seconds=SECONDS)
    last = engine.search(_clips(after=deep.after), seconds=SECONDS)

    assert (exact.total, exact.total_is_exact) == (EXACT_TO, True)
    assert (beyond.total, beyond.total_is_exact) == (EXACT_TO, False)
    assert beyond.hits[0].family_id == cheap.family_id
    assert (len(deep.hits), last.hits, last.after) == (20, (Hit(family_id=like.family_id, product_id=like.pk),), None)


def _clips(
    *, price_min: Decimal | None = None, offset: int = 0, after: Mapping[str, Any] | None = None
) -> SearchRequest:
    filters = ListingFilters(sort=SortOrder.PRICE_ASC, price_min=price_min)
    return SearchRequest(filters=filters, words=("clip",), offset=offset, after=after)


def _close(one: Decimal | None, other: Decimal | None) -> bool:
    return one == other if one is None or other is None else abs(one - other) <= Decimal("0.01")


def _page(sort: str, **given: object) -> SearchRequest:
    words = ("shoe",) if sort == SortOrder.RELEVANCE else ()
    return SearchRequest(filters=ListingFilters(sort=sort), words=words, **given)  # type: ignore[arg-type]  # of its fields


def _sell_something_new(number: int) -> None:
    """Whatever the walk has come to: new families at both ends of every order."""
    for price, reviews in (("0.00", 0), ("999.00", 5000)):
        family = make_family(title=f"shoe new {number}")
        make_product(family=family, price=price, review_count=reviews, rating=5 if reviews else 0, stock=5)
    services.build_documents(now=NOW)
    if SearchIndex.objects.exists():
        copying.send_changes(now=NOW)
        indexes.refresh(indexes.alias())


def _titles(family_ids: list[int]) -> list[str]:
    return [Product.objects.filter(family_id=family_id)[0].family.title for family_id in family_ids]
