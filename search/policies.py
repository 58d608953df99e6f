"""How much counts, for both engines alike: pure numbers."""

import math
from decimal import Decimal

# A match is multiplied by 1, and so much more for what can be bought now, and for what is liked by many: enough to order equals,
# never enough to lift what fits badly above what fits well.
IN_STOCK_BOOST = 0.5
POPULARITY_BOOST = 0.3
TITLE_BOOST, NAMES_BOOST, DETAILS_BOOST, DESCRIPTION_BOOST = 3.0, 2.0, 1.0, 0.5
_USUAL_RATING, _USUAL_REVIEWS = 3.5, 5
_FAMOUS_REVIEWS = 10_000


def popularity(*, rating: Decimal, review_count: int) -> float:
    """How liked something is, from 0 to 1: as in the seed, rating times logarithm of the reviews, here within bounds.

    Few reviews count little against the usual ones, so that the unrated are neither punished nor preferred; and being known
    is worth half at most, so that what many dislike does not come before what nobody has tried.
    """
    rated = (float(rating) * review_count + _USUAL_RATING * _USUAL_REVIEWS) / (review_count + _USUAL_REVIEWS)
    known = min(1.0, math.log1p(1.1 * review_count) / math.log1p(1.1 * _FAMOUS_REVIEWS))
    return round((rated / 5) ** 2 * (1 + known) / 2, 6)
