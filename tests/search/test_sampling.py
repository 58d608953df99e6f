"""Of very many families a part is counted, kept for a minute, and said to be an estimate; totals are of this moment."""

from decimal import Decimal

import pytest
from django.core.cache import cache
from django.db import connection

from catalog.models import Brand
from catalog.types import ListingFilters
from search import sampling, services, sql_counts
from search.models import SearchCategory, SearchDocument
from search.postgres import KEPT_FROM
from search.sampling import ONE_BY_ONE, SAMPLE, SLOTS, Sampled, shares_of
from search.selectors import search
from search.types import EXACT_TO, Plan, SearchPage, SearchRequest, Sizes
from tests.factories import make_category, make_family, make_product
from tests.search.conftest import NOW, crowd

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.servers]
PLATES, BOWLS = 4000, 2000


def a_crowd(plates: int = PLATES, bowls: int = BOWLS) -> None:
    """A shop of so many plates, in stock, and so many bowls, which are dearer and of another brand; and what is learnt of it."""
    kitchen = make_category(name="Kitchen")
    sizes = {}
    for title, price, stock, count in (("Plate", "5.00", 5, plates), ("Bowl", "70.00", 0, bowls)):
        brand = Brand.objects.create(name=f"{title} Works", slug=f"{title.lower()}-works")
        family = make_family(title=title, brand=brand, category=make_category(kitchen, name=f"{title}s"))
        sizes[make_product(family=family, price=price, stock=stock).family_id] = count
    services.build_documents(now=NOW)
    for family_id, count in sizes.items():
        crowd(family_id, count - 1)
    services.learn(now=NOW)


def brands(page: SearchPage) -> dict[str, int]:
    """Families by brand."""
    return {choice.value: choice.count for choice in page.facets.brands}


def test_how_many_families_a_category_has_is_learnt() -> None:
    a_crowd(30, 20)

    assert dict(SearchCategory.objects.values_list("path", "families")) == {
        "": 50,
        "kitchen": 50,
        "kitchen/plates": 30,
        "kitchen/bowls": 20,
    }
    assert sampling.sizes_of("kitchen/bowls") == Sizes(category=20, everywhere=50)
    assert sampling.sizes_of("nowhere") == Sizes(category=None, everywhere=50)


def test_of_very_many_a_part_is_counted_and_numbers_are_estimates_of_all() -> None:
    a_crowd()

    page = search(filters=ListingFilters())

    assert (page.total, page.total_is_exact, page.facets_approximate) == (PLATES + BOWLS, True, True)
    assert brands(page) == pytest.approx({"plate-works": PLATES, "bowl-works": BOWLS}, rel=0.1)
    assert page.facets.in_stock == pytest.approx(PLATES, rel=0.1)
    assert [found.count for found in page.facets.price_ranges] == pytest.approx([PLATES, BOWLS], rel=0.1)
    assert page.facets.categories[0].count == pytest.approx(PLATES + BOWLS, rel=0.1)


def test_more_than_totals_are_exact_to_is_not_counted_to_the_end() -> None:
    a_crowd(2 * EXACT_TO, 10)

    page = search(filters=ListingFilters(query="plate"))

    assert (page.total, page.total_is_exact, page.facets_approximate) == (EXACT_TO, False, True)
    assert brands(page)["plate-works"] == pytest.approx(2 * EXACT_TO, rel=0.1)


def test_what_filters_leave_of_very_many_is_counted_one_by_one() -> None:
    a_crowd(bowls=7)

    page = search(filters=ListingFilters(price_min=Decimal(50)))

    assert (page.total, page.total_is_exact, page.facets_approximate) == (7, True, False)
    assert brands(page) == {"bowl-works": 7}
    assert [found.count for found in page.facets.price_ranges] == [PLATES, 7]


def test_a_small_category_of_a_large_shop_is_exact_but_for_the_categories_beside_it() -> None:
    a_crowd(bowls=9)

    page = search(filters=ListingFilters(category="kitchen/bowls"))

    assert (page.total, brands(page), page.facets.in_stock) == (9, {"bowl-works": 9}, 0)
    assert page.facets_approximate


def test_facets_of_many_are_of_the_last_minute_and_totals_are_of_now() -> None:
    a_crowd(KEPT_FROM, 100)
    before = search(filters=ListingFilters())
    SearchDocument.objects.filter(brand="bowl-works").update(brand="other-works")
    SearchDocument.objects.filter(pk=SearchDocument.objects.order_by("-pk").values("pk")[:1]).update(is_live=False)

    soon = search(filters=ListingFilters())
    cache.clear()  # as after a minute
    later = search(filters=ListingFilters())

    assert not before.facets_approximate
    assert brands(before) == brands(soon) == {"plate-works": KEPT_FROM, "bowl-works": 100}
    assert (before.total, soon.total, later.total) == (KEPT_FROM + 100, KEPT_FROM + 99, KEPT_FROM + 99)
    assert brands(later) == {"plate-works": KEPT_FROM, "other-works": 99}


def test_what_is_kept_is_kept_by_words_and_filters() -> None:
    a_crowd(KEPT_FROM + 1, KEPT_FROM + 2)
    totals = {}
    for filters in (
        ListingFilters(),
        ListingFilters(category="kitchen/plates"),
        ListingFilters(query="bowl"),
        ListingFilters(query="plate"),
        ListingFilters(brands=("bowl-works",)),
    ):
        search(filters=filters)
        page = search(filters=filters, page=2)
        totals[filters] = sum(brands(page).values())

    # Brands are counted without the filter of brands.
    both = 2 * KEPT_FROM + 3
    assert list(totals.values()) == [both, KEPT_FROM + 1, KEPT_FROM + 2, KEPT_FROM + 1, both]


def test_few_are_never_kept() -> None:
    a_crowd(KEPT_FROM - 200, 100)
    search(filters=ListingFilters())
    SearchDocument.objects.filter(brand="bowl-works").update(brand="other-works")

    assert brands(search(filters=ListingFilters())) == {"plate-works": KEPT_FROM - 200, "other-works": 100}


def test_the_part_that_is_counted_lies_in_an_index() -> None:
    a_crowd(EXACT_TO, 10)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE search_searchdocument")
        counted = sql_counts.counts(SearchRequest(filters=ListingFilters(), sizes=sampling.sizes_of("")))
        cursor.execute(f"EXPLAIN {counted.text}", counted.parameters)
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert "Index Only Scan using search_document_sampled" in plan, plan


@pytest.mark.parametrize(
    ("request_", "shares"),
    [
        (SearchRequest(filters=ListingFilters()), {}),
        (SearchRequest(filters=ListingFilters(), sizes=Sizes(everywhere=ONE_BY_ONE)), {}),
        (SearchRequest(filters=ListingFilters(), sizes=Sizes(everywhere=20 * SAMPLE)), {"": 0.05}),
        (
            SearchRequest(filters=ListingFilters(category="a"), sizes=Sizes(category=10, everywhere=20 * SAMPLE)),
            {"category": 0.05},
        ),
        (
            SearchRequest(
                filters=ListingFilters(category="a", in_stock=True),
                words=("b",),
                plan=Plan(slots=((("b",),),), families=10 * SAMPLE),
                sizes=Sizes(category=4 * SAMPLE, everywhere=99 * SAMPLE),
            ),
            {"": 0.25, "in_stock": 0.25, "category": 0.1},
        ),
    ],
)
def test_the_larger_a_view_the_smaller_the_part(request_: SearchRequest, shares: dict[str, float]) -> None:
    assert shares_of(request_) == pytest.approx(shares, abs=2 / SLOTS)


@pytest.mark.parametrize(("found", "share", "many"), [(1100, 0.1, False), (1200, 0.1, True), (0, 0.001, False)])
def test_more_than_exact_is_said_only_where_chance_can_not_be_the_reason(found: int, share: float, many: bool) -> None:
    assert Sampled(found, share).is_surely_many is many


def test_any_run_of_families_is_spread_over_the_slots() -> None:
    counted = (
        f"SELECT count(*) FROM generate_series(%s::bigint, %s) d (family_id) WHERE {sql_counts.SLOT} < {SLOTS // 10}"
    )
    with connection.cursor() as cursor:
        for begin in (1, 5_000_000, 3_000_000_000):
            cursor.execute(counted, [begin, begin + 9999])
            assert cursor.fetchone()[0] == pytest.approx(1000, rel=0.05)
