"""Of very many families a part tells enough: which part, and what can be said of all. Pure, but for one query of sizes."""

import math
from dataclasses import dataclass

from django.db import connection

from search.types import EXACT_TO, SearchRequest, Sizes

# Families are spread over so many slots; a part of them is all families of the first so many.
SLOTS = 65536
# Of more families than are counted one by one, about so many are looked at: what a tenth of them has is told to 8 %.
ONE_BY_ONE, SAMPLE = 3000, 1500
# In standard deviations: what is farther away than that does not happen.
CERTAIN = 5.0
_SIZES = """
    SELECT max(families) FILTER (WHERE path = %(category)s), max(families) FILTER (WHERE path = '')
    FROM search_searchcategory WHERE path IN (%(category)s, '')
"""


def sizes_of(category: str) -> Sizes:
    """How many families are in a category and in the whole shop, as was learnt last. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_SIZES, {"category": category})
        in_category, everywhere = cursor.fetchone()
    return Sizes(category=in_category, everywhere=everywhere)


def families_of(request: SearchRequest) -> int | None:
    """How many families have the words and are in the category, at most and about; None where that is not known."""
    return min((size for size in (_by_words(request), request.sizes.category) if size is not None), default=None)


def _by_words(request: SearchRequest) -> int | None:
    return request.meant.families if request.words else request.sizes.everywhere


def shares_of(request: SearchRequest) -> dict[str, float]:
    """Which share of it is looked at, of each view that has very many; views as in `search.sql_counts.views_of`.

    Of other filters than words and category nothing is known: what they leave may be far less, and is counted anew then.
    """
    words, within = _by_words(request), families_of(request)
    filters = request.filters
    chosen = {
        "brand": filters.brands,
        "rating": filters.rating is not None,
        "price": filters.price_min is not None or filters.price_max is not None,
        "in_stock": filters.in_stock,
        **{f"attr.{code}": values for code, values in filters.attributes},
    }
    sizes = {"": within, **{name: within for name, is_chosen in chosen.items() if is_chosen}}
    if filters.category:
        sizes["category"] = words
    return {
        name: slots_of(SAMPLE / size) / SLOTS for name, size in sizes.items() if size is not None and size > ONE_BY_ONE
    }


def slots_of(share: float) -> int:
    """How many slots a share is."""
    return min(SLOTS, math.ceil(share * SLOTS))


@dataclass(frozen=True, slots=True)
class Sampled:
    """``found`` families in a part that is ``share`` of all."""

    found: int
    share: float

    @property
    def is_surely_many(self) -> bool:
        """Whether there are more than totals are exact to."""
        error = CERTAIN * math.sqrt(self.found)
        return (self.found - error) / self.share > EXACT_TO
