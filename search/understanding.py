"""What a query's words are known to mean: how rare they are, which kinds of thing they name, which belong together."""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, pairwise
from typing import Any

from django.db import connection

from search.learnt import TEXTS
from search.models import SYNONYM_WORDS
from search.policies import KIND_BOOST
from search.stop_words import STOP_WORDS
from search.types import Plan

# A number and its unit, or the two parts of a model's name.
_EDGE = re.compile(r"([0-9]+)([a-z]+)|([a-z]+)([0-9]+)")
_FACTS = """
    WITH typed AS (
        SELECT w.word, w.place, t.lexeme AS stem FROM unnest(%(words)s::text[]) WITH ORDINALITY w (word, place)
        LEFT JOIN LATERAL (SELECT lexeme FROM unnest(to_tsvector('english', w.word)) LIMIT 1) t ON true
    )
    SELECT
        (
            SELECT jsonb_object_agg(t.word, jsonb_build_array(s.families, s.title, s.names, s.details, s.description))
            FROM typed t LEFT JOIN search_searchstem s ON s.stem = t.stem
        ),
        (
            SELECT jsonb_object_agg(k.category, k.weight) FROM search_searchkind k
            WHERE k.stem = (SELECT stem FROM typed WHERE place = %(last)s)
        ),
        (SELECT jsonb_object_agg(name, jsonb_build_array(families, length)) FROM search_searchtext)
"""


def understand(words: Sequence[str], *, synonyms: Mapping[str, Sequence[str]] = {}) -> Plan:
    """The plan for ``words``, in which stop words have no place; ``synonyms`` are by what means the same. One query."""
    typed = list(dict.fromkeys(word for word in words if word not in STOP_WORDS))
    if not typed:
        return Plan(slots=())
    joined = ["".join(pair) for pair in pairwise(typed)]
    parts = {word: tuple(part for part in found.groups() if part) for word in typed if (found := _EDGE.fullmatch(word))}
    others = {text: [tuple(other.split()) for other in found] for text, found in synonyms.items()}
    same = chain.from_iterable(chain.from_iterable(others.values()))
    facts, kinds, texts = _facts([*typed, *joined, *chain.from_iterable(parts.values()), *same], last=len(typed))
    if not texts:  # nothing has been learnt yet
        return Plan(slots=_slots(typed, joined=set(), parts={}, others=others))
    slots = _slots(
        typed,
        joined={word for word in joined if facts[word][0]},
        parts={word: pair for word, pair in parts.items() if all(facts[part][0] for part in pair)},
        others=others,
    )
    rarity = {word: _rarity(found, texts) for word, found in facts.items()}
    everything = max(families for families, _ in texts.values())
    importance = sum(_worth(facts[word][0] or 0, everything) for word in typed) / len(typed)
    return Plan(
        slots=slots,
        families=min(max(facts[way[0]][0] or 0 for way in slot) for slot in slots),
        rarity=rarity,
        importance=round(importance, 4),
        kinds={category: round(KIND_BOOST * weight * importance, 3) for category, weight in kinds.items()},
        lengths=tuple(max(1.0, float(texts[name][1])) for name in TEXTS),
    )


def _facts(words: Sequence[str], *, last: int) -> tuple[dict[str, Any], dict[str, float], dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(_FACTS, {"words": list(words), "last": last})
        row = cursor.fetchone()
    facts, kinds, texts = (json.loads(value or "{}") for value in row)
    return facts, kinds, texts


def _slots(
    typed: Sequence[str],
    *,
    joined: set[str],
    parts: Mapping[str, tuple[str, ...]],
    others: Mapping[str, Sequence[tuple[str, ...]]],
) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """What staff said is the same is looked for either way, the longest first.

    So are two words that the catalogue has as one, "note book" and "notebook"; and "16gb" as "16 gb".
    """
    slots: list[tuple[tuple[str, ...], ...]] = []
    place = 0
    while place < len(typed):
        same = next((part for part in _beginnings(typed[place:]) if " ".join(part) in others), ())
        if same:
            slots.append((same, *others[" ".join(same)]))
            place += len(same)
            continue
        both = "".join(typed[place : place + 2])
        if both in joined:
            slots.append((tuple(typed[place : place + 2]), (both,)))
            place += 2
        else:
            word = typed[place]
            slots.append(((word,), parts[word]) if word in parts else ((word,),))
            place += 1
    return tuple(slots)


def _beginnings(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """The first words, the most of them first."""
    for length in range(min(SYNONYM_WORDS, len(words)), 0, -1):
        yield tuple(words[:length])


def _rarity(found: Sequence[int | None], texts: Mapping[str, Sequence[float]]) -> tuple[float, ...]:
    """In each text, as Lucene has it."""
    return tuple(
        round(_worth(families or 0, int(texts[name][0])), 4) for name, families in zip(TEXTS, found[1:], strict=True)
    )


def _worth(families: int, of: int) -> float:
    """The inverse document frequency of BM25."""
    return math.log(1 + (max(of, families) - families + 0.5) / (families + 0.5))
