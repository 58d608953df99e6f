"""How well a document fits words, in PostgreSQL's words: BM25 by what `search.learnt` knows, as Elasticsearch has it itself.

PostgreSQL's own `ts_rank` knows neither how rare a word is nor how long texts usually are. How often a word stands in one text is
not counted: the texts of products are short.
"""

import json
from dataclasses import dataclass
from typing import Any

from search.policies import LENGTH_COUNTS, OTHER_TEXTS, PHRASE_BOOST, SATURATION, TEXT_BOOSTS
from search.types import Plan

_WEIGHTS = dict(zip(TEXT_BOOSTS, "ABCD", strict=True))
UNKNOWN_RARITY = (1.0,) * len(TEXT_BOOSTS)


@dataclass(frozen=True, slots=True)
class Ranking:
    """``joins`` to a document ``d`` make ``score``, with these parameters."""

    joins: str
    score: str
    parameters: dict[str, Any]


def asked(plan: Plan) -> str:
    """What `to_tsquery` is asked for ``plan``; its words are letters and digits only (`search.text`)."""
    slots = (" | ".join(_way(way) for way in slot) for slot in plan.slots)
    return " & ".join(f"({slot})" for slot in slots)


def _way(way: tuple[str, ...]) -> str:
    between = " <-> " if Plan.side_by_side(way) else " & "
    return "(" + between.join(f"'{word}'" for word in way) + ")"


def ranking(plan: Plan) -> Ranking:
    """The score of a document that has each slot of ``plan``."""
    words = plan.words
    parameters: dict[str, Any] = {"kinds": json.dumps(dict(plan.kinds))}
    joins = []
    for place, word in enumerate(words):
        columns = [_text(plan, word, place, column, parameters) for column in range(len(_WEIGHTS))]
        joins.append(f"""
            CROSS JOIN LATERAL (SELECT {", ".join(columns)} OFFSET 0) t{place}
            CROSS JOIN LATERAL (SELECT {_together(f"t{place}")} AS worth OFFSET 0) w{place}
        """)
    places = {word: place for place, word in enumerate(words)}
    parts = [_slot(slot, places) for slot in plan.slots]
    parts.append("coalesce((%(kinds)s::jsonb ->> d.categories[cardinality(d.categories)])::float8, 0)")
    for place, pair in enumerate(plan.pairs):
        parameters[f"pair_{place}"] = " <-> ".join(f"'{word}':AD" for word in pair)
        boost = PHRASE_BOOST * plan.importance / len(plan.pairs)
        parts.append(f"CASE WHEN d.words @@ to_tsquery('english', %(pair_{place})s) THEN {boost:.6f} ELSE 0 END")
    return Ranking("".join(joins), f"({' + '.join(parts)})", parameters)


def _text(plan: Plan, word: str, place: int, column: int, parameters: dict[str, Any]) -> str:
    """What a word is worth in one text: BM25 for a word that stands there once."""
    name, weight = list(_WEIGHTS.items())[column]
    usual, counts = plan.lengths[column], LENGTH_COUNTS[name]
    parameters[f"word_{place}_{column}"] = f"'{word}':{weight}"
    rarity = plan.rarity.get(word, UNKNOWN_RARITY)[column]
    most = rarity * TEXT_BOOSTS[name] * (SATURATION + 1)
    least = 1 + SATURATION * (1 - counts)
    longer = f"{SATURATION * counts / usual:.8f} * coalesce(d.lengths[{column + 1}], {usual:.4f})"
    has = f"d.words @@ to_tsquery('english', %(word_{place}_{column})s)"
    return f"CASE WHEN {has} THEN {most:.6f} / ({least:.6f} + {longer}) ELSE 0 END AS text_{column}"


def _together(texts: str) -> str:
    columns = [f"{texts}.text_{column}" for column in range(len(_WEIGHTS))]
    return f"{1 - OTHER_TEXTS} * greatest({', '.join(columns)}) + {OTHER_TEXTS} * ({' + '.join(columns)})"


def _slot(ways: tuple[tuple[str, ...], ...], places: dict[str, int]) -> str:
    found = []
    for way in ways:
        worths = [f"w{places[word]}.worth" for word in way]
        together = f"{min(1.0, len(ways[0]) / len(way))} * ({' + '.join(worths)})"
        all_there = " AND ".join(f"{worth} > 0" for worth in worths)
        found.append(f"CASE WHEN {all_there} THEN {together} ELSE 0 END")
    return found[0] if len(found) == 1 else f"greatest({', '.join(found)})"
