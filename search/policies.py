"""How much counts, for both engines alike: pure numbers."""

import math
from decimal import Decimal

# A match is multiplied by 1, and so much more for what can be bought now, and for what is liked by many: enough to order equals,
# never enough to lift what fits badly above what fits well.
IN_STOCK_BOOST = 0.1
POPULARITY_BOOST = 0.1
# What a word is worth by the text it is found in; of several texts the best counts, and of the others a part.
TEXT_BOOSTS = {"title": 1.0, "names": 0.7, "details": 0.5, "description": 1.0}
OTHER_TEXTS = 0.2
# Far above what any words are worth: what has the query for a code, above that what staff put first, a place apart.
CODE_SCORE, PLACE_SCORE = 1_000_000, 1_000
# BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009): how soon more of the same word says no more, and
# how far a text that is longer than usual is discounted.
SATURATION = 1.2
LENGTH_COUNTS = {"title": 0.75, "names": 0.75, "details": 1.0, "description": 0.75}
# Of what a word is worth: words side by side as they were typed, and being in a category whose things the query names.
PHRASE_BOOST, KIND_BOOST = 0.3, 1.0
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
