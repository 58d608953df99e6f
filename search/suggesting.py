"""Suggestions while somebody types: products from whichever engine answers at once, names and queries by how they begin."""

from dataclasses import replace

from catalog import selectors as catalog
from catalog.types import Suggestions
from search import answering
from search.popular import popular_queries
from search.text import query_words

SHORTEST, PRODUCTS, QUERIES = 2, 8, 5


def suggestions(*, typed: str) -> Suggestions:
    """What may be meant by ``typed``, the beginning of what somebody types; nothing below SHORTEST letters.

    Where no engine answers at once there are names and queries only.
    """
    words = query_words(typed)
    if sum(map(len, words)) < SHORTEST:
        return Suggestions(products=(), categories=(), brands=(), queries=())
    hits = answering.suggest(words, size=PRODUCTS)
    found = catalog.suggestions(typed=typed, product_ids=[hit.product_id for hit in hits])
    return replace(found, queries=popular_queries(prefix=typed, limit=QUERIES))
