"""What is searched where nothing has every word that was typed: words that may have been meant, or fewer of them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from django.db import OperationalError, connection

from search import spelling

logger = logging.getLogger(__name__)
# A hit or two may be what was meant; or somebody else's slip, which many more have written right.
FEW, MANY_MORE = 5, 10
_MOST_SHORTENED = 6  # words of which some are left out; of more, the first
_MOST_WAYS = 30
_FIRST_FOUND = """
    SELECT place FROM unnest(%s::text[]) WITH ORDINALITY w (words, place)
    WHERE EXISTS (
        SELECT FROM search_searchdocument d WHERE d.is_live AND d.words @@ plainto_tsquery('english', w.words) OFFSET 0
    )
    LIMIT 1
"""  # in the order given, which a function keeps: whatever comes after the first that is found is not looked for


@dataclass(frozen=True, slots=True)
class Mended:
    """Words that something is found by, in the place of those typed; ``left_out`` are those of them that had to go."""

    words: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def mend(words: Sequence[str]) -> Mended | None:
    """Other words for ``words``, of which nothing has all; None where something has, filters aside, or nothing helps in time.

    Four queries at most.
    """
    try:
        return _mended(words)
    except OperationalError as trouble:
        logger.warning("Words stay as they were typed: %s", trouble)
        return None


def _mended(words: Sequence[str]) -> Mended | None:
    known = spelling.families_with(words)
    close = spelling.close_to([word for word in words if word not in known])
    ways = [tuple(words), *(way for way in spelling.ways_to_write(words, close) if close)]
    found = _first_found(ways)
    if found is not None:
        return Mended(ways[found]) if found else None
    best = ways[1] if close else tuple(words)
    shorter = _shorter(best, known)
    found = _first_found(shorter)
    if found is None:
        return None
    kept = shorter[found]
    return Mended(kept, tuple(word for word in best if word not in kept))


def better_words(words: Sequence[str]) -> tuple[str, ...] | None:
    """What may have been meant by words of which few things have all. Three queries at most."""
    known = spelling.families_with(words)
    close = {
        word: [one for one in candidates if one.families >= MANY_MORE * max(1, known.get(word, 0))]
        for word, candidates in spelling.close_to(words).items()
    }
    close = {word: candidates for word, candidates in close.items() if candidates}
    ways = spelling.ways_to_write(words, close) if close else []
    found = _first_found(ways) if ways else None
    return None if found is None else ways[found]


def _shorter(words: Sequence[str], known: dict[str, int]) -> list[tuple[str, ...]]:
    """Parts of ``words``, the longest first; of those as long, that which keeps the rarer words, for they say more."""
    words = words[:_MOST_SHORTENED]
    parts: list[tuple[str, ...]] = []
    for length in range(len(words) - 1, 0, -1):
        some = list(combinations(words, length))
        some.sort(key=lambda part: sum(known.get(word, 0) for word in part))
        parts += some
    return [*parts[:_MOST_WAYS], *parts[-len(words) :]]  # single words at any rate


def _first_found(ways: Sequence[Sequence[str]]) -> int | None:
    """The place of the first of ``ways`` all of whose words something live has. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_FOUND, [[" ".join(way) for way in ways]])
        row = cursor.fetchone()
    return None if row is None else int(row[0]) - 1
