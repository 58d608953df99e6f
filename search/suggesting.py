"""Suggestions while somebody types: products from whichever engine answers at once, and names by how they begin."""

from catalog import selectors as catalog
from catalog.types import Suggestions
from search import answering
from search.text import query_words

SHORTEST, PRODUCTS = 2, 8


def suggestions(*, typed: str) -> Suggestions:
    """What may be meant by ``typed``, the beginning of what somebody types; nothing below SHORTEST letters.

    Where no engine answers at once there are names only.
    """
    words = query_words(typed)
    if sum(map(len, words)) < SHORTEST:
        return Suggestions(products=(), categories=(), brands=(), queries=())
    hits = answering.suggest(words, size=PRODUCTS)
    return catalog.suggestions(typed=typed, product_ids=[hit.product_id for hit in hits])
