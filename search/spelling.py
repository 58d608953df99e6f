"""Which words may have been meant by those typed: words of the catalogue that are a letter or two away."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from django.db import connection
from rapidfuzz.distance import OSA

LONGEST, PREFIX = 64, 8
# As many letters may be wrong as Elasticsearch's own "AUTO" allows.
_ONE_FROM, _TWO_FROM = 3, 6
MOST_WORDS, CANDIDATES, MOST_WAYS = 4, 3, 12
_CLOSE = """
    SELECT %s, word, families FROM search_searchword
    WHERE remains && %s::varchar[] AND length(word) BETWEEN %s AND %s
        AND ts_lexize('english_stem', word) <> ts_lexize('english_stem', %s)
"""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A word of the catalogue that may have been meant: how many letters away it is, and in how many families it stands."""

    word: str
    distance: int
    families: int


def allowed(word: str) -> int:
    """How many letters of ``word`` may be wrong; none in what has digits, for that is a number or a code."""
    if len(word) < _ONE_FROM or len(word) > LONGEST or not word.isalpha():
        return 0
    return 1 if len(word) < _TWO_FROM else 2


def remains_of(word: str, most: int = 2) -> set[str]:
    """``word`` without any ``most`` or fewer of its first PREFIX letters (the symmetric deletes of SymSpell).

    Two words with none of these in common are more than ``most`` insertions, deletions, exchanges or swaps of neighbours apart.
    """
    beginning = word[:PREFIX]
    found = {beginning}
    for count in range(1, min(most, len(beginning) - 2) + 1):
        for gone in combinations(range(len(beginning)), count):
            found.add("".join(letter for place, letter in enumerate(beginning) if place not in gone))
    return found


def families_with(words: Collection[str]) -> dict[str, int]:
    """In how many families each of ``words`` stands as it is; those in none are left out. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT word, families FROM search_searchword WHERE word = ANY(%s::varchar[])", [list(words)])
        return dict(cursor.fetchall())


def close_to(words: Sequence[str]) -> dict[str, list[Candidate]]:
    """For each of ``words`` those it may have been meant to be, the closest and most usual first. One query.

    Another form of a word is no candidate: engines find it anyway.
    """
    asked = [(word, allowed(word)) for word in words if allowed(word)][:MOST_WORDS]
    if not asked:
        return {}
    parameters: list[str | int | list[str]] = []
    for word, most in asked:
        parameters += [word, sorted(remains_of(word, most)), len(word) - most, len(word) + most, word]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([_CLOSE] * len(asked)), parameters)
        rows = cursor.fetchall()
    found: dict[str, list[Candidate]] = {}
    for typed, word, families in rows:
        distance = OSA.distance(typed, word)
        if distance <= allowed(typed):
            found.setdefault(typed, []).append(Candidate(word, distance, families))
    for candidates in found.values():
        candidates.sort(key=lambda one: (one.distance, -one.families, one.word))
    return found


def ways_to_write(words: Sequence[str], close: Mapping[str, Sequence[Candidate]]) -> list[tuple[str, ...]]:
    """``words`` with those in ``close`` exchanged for what may have been meant, the fewest letters changed first."""
    choices = [close[word][:CANDIDATES] if word in close else [Candidate(word, 0, 0)] for word in words]
    ways = sorted(
        product(*choices), key=lambda way: (sum(one.distance for one in way), -min(one.families for one in way))
    )
    return [tuple(one.word for one in way) for way in ways[:MOST_WAYS]]
