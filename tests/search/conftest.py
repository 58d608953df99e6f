"""A shop full of families to be searched, and each engine on it."""

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import pytest
from django.db import connection
from pytest_django import Settings

from catalog.models import Attribute, Brand, Category, ProductAttribute
from search import copying, services
from search.elastic import indexes
from search.elastic.engine import ElasticsearchEngine
from search.postgres import PostgresEngine
from search.types import Engine
from tests.factories import make_category, make_family, make_product, make_stock, make_warehouse
from tests.servers.elasticsearch import shared_elasticsearch

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COLOURS, SIZES = ("Red", "Green", "Blue"), ("S", "M", "L")
WORDS = ("trail", "road", "winter", "summer")


@contextmanager
def elasticsearch(settings: Settings) -> Iterator[None]:
    """The run's Elasticsearch, with names that are this test's alone."""
    url, name = shared_elasticsearch(), f"test-{uuid.uuid4().hex[:8]}"
    settings.ELASTICSEARCH_URL, settings.NAMESPACE = url, name
    try:
        yield
    finally:
        settings.ELASTICSEARCH_URL, settings.NAMESPACE = url, name
        indexes.drop(list(indexes.all_of_ours()))


@pytest.fixture
def elastic(settings: Settings, transactional_db: None) -> Iterator[None]:
    """For tests that are about Elasticsearch itself."""
    with elasticsearch(settings):
        yield


class Ready(Protocol):
    """Builds the documents and gives the engine; ``more`` is called before it is given them, to add documents of no catalogue."""

    def __call__(self, more: Callable[[], None] = lambda: None) -> Engine: ...


@pytest.fixture(params=["postgres", "elasticsearch"])
def ready(request: pytest.FixtureRequest, settings: Settings, transactional_db: None) -> Iterator[Ready]:
    """Each test that asks for it runs over both: to be called when all is there that is to be found."""
    with ExitStack() as stack:
        if request.param == "elasticsearch":
            stack.enter_context(elasticsearch(settings))

        def make_ready(more: Callable[[], None] = lambda: None) -> Engine:
            services.build_documents(now=NOW)
            more()
            if request.param == "postgres":
                return PostgresEngine()
            copying.build_index(now=NOW)
            return ElasticsearchEngine()

        yield make_ready


def fill(families: int, *, seed: int = 1) -> None:
    """Families of one to four variants in two departments with a level below, some rated, some sold out, with many ties."""
    chance = random.Random(seed)
    shoes, coats = make_category(name="Shoes"), make_category(name="Coats")
    leaves: list[Category] = [shoes, coats]
    for root in (shoes, coats):
        root.refresh_from_db()
        leaves += [make_category(root, name=f"{root.name} {kind}") for kind in ("indoors", "outdoors")]
    brands = [Brand.objects.create(name=f"Brand {letter}", slug=f"brand-{letter.lower()}") for letter in "ABCDE"]
    colour = Attribute.objects.create(code="colour", name="Colour", is_filter=True)
    size = Attribute.objects.create(code="size", name="Size", is_filter=True)
    warehouse = make_warehouse()
    for number in range(families):
        title = f"{chance.choice(WORDS)} {chance.choice(WORDS)} shoe {number}"
        family = make_family(title=title, category=chance.choice(leaves), brand=chance.choice(brands))
        for position in range(chance.randint(1, 4)):
            reviews = chance.choice([0, 0, 3, 40])
            product = make_product(
                family=family,
                title=title,
                position=position,
                price=chance.choice(
                    [Decimal("0.00"), Decimal(25), Decimal("49.99"), Decimal(50), Decimal(120), Decimal(200)]
                ),
                rating=Decimal(chance.choice(["2.00", "4.00", "5.00"])) if reviews else Decimal(0),
                review_count=reviews,
                released_at=chance.choice([None, NOW, NOW - timedelta(days=chance.randint(1, 3))]),
            )
            if chance.random() < 0.7:
                make_stock(product=product, warehouse=warehouse, quantity=chance.choice([0, 5]))
            ProductAttribute.objects.create(product=product, attribute=colour, value=chance.choice(COLOURS))
            if chance.random() < 0.8:
                ProductAttribute.objects.create(product=product, attribute=size, value=chance.choice(SIZES))


CROWD = """
    INSERT INTO search_searchdocument (family_id, version, indexed_version, is_live, document, updated_at, brand, categories,
        codes, rating, review_count, units_sold, popularity, in_stock, released_at, words)
    SELECT n, 1, 0, true,
        d.document || jsonb_build_object('family_id', n, 'product_id', n,
            'variants', jsonb_build_array(d.document -> 'variants' -> 0 || jsonb_build_object('product_id', n))),
        d.updated_at, d.brand, d.categories, '{}', d.rating, d.review_count, d.units_sold, d.popularity, d.in_stock,
        d.released_at, d.words
    FROM search_searchdocument d, generate_series(%(last)s + 1, %(last)s + %(families)s) n WHERE d.family_id = %(family_id)s
"""
CROWD_VARIANTS = """
    INSERT INTO search_searchvariant (product_id, document_id, position, price, in_stock, attributes)
    SELECT n, n, v.position, v.price, v.in_stock, v.attributes
    FROM search_searchvariant v, generate_series(%(last)s + 1, %(last)s + %(families)s) n WHERE v.document_id = %(family_id)s
"""


def crowd(family_id: int, families: int) -> None:
    """So many more documents just like that of this family, which has one variant: thousands within a second or two."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT greatest(1000000, max(family_id)) FROM search_searchdocument")
        (last,) = cursor.fetchone()
        for statement in (CROWD, CROWD_VARIANTS):
            cursor.execute(statement, {"family_id": family_id, "families": families, "last": last})
        cursor.execute("ANALYZE search_searchdocument, search_searchvariant")
