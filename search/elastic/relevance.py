"""How well a document fits words, in Elasticsearch's words; `search.ranking` says the same to PostgreSQL."""

from collections import defaultdict
from typing import Any

from search.policies import OTHER_TEXTS, PHRASE_BOOST, TEXT_BOOSTS
from search.types import Plan

Clause = dict[str, Any]
_FIELDS = [f"{name}^{boost}" for name, boost in TEXT_BOOSTS.items()]
_PHRASES = ["title", "description"]


def about(plan: Plan) -> Clause:
    """All that has each slot of ``plan``; words that stand together, and the kind of thing that is named, count on top."""
    if not plan.slots:
        return {"match_none": {}}
    return {"bool": {"must": [_slot(slot) for slot in plan.slots], "should": [*_kinds(plan), *_phrases(plan)]}}


def _slot(ways: tuple[tuple[str, ...], ...]) -> Clause:
    """The best of several ways to write the same: two words in the place of one are worth no more than that."""
    found = []
    for way in ways:
        words = [_word(word, min(1.0, len(ways[0]) / len(way))) for word in way]
        beside = [_phrase(way, list(TEXT_BOOSTS))] if Plan.side_by_side(way) else []
        found.append(words[0] if len(words) == 1 else {"bool": {"must": words, "filter": beside}})
    return found[0] if len(found) == 1 else {"dis_max": {"queries": found}}


def _word(word: str, boost: float) -> Clause:
    return {
        "multi_match": {
            "query": word,
            "type": "best_fields",
            "tie_breaker": OTHER_TEXTS,
            "fields": _FIELDS,
            "boost": boost,
        }
    }


def _phrase(words: tuple[str, ...], fields: list[str]) -> Clause:
    return {"multi_match": {"query": " ".join(words), "type": "phrase", "fields": fields}}


def _kinds(plan: Plan) -> list[Clause]:
    """Categories that are worth about the same go together: a common word may name a hundred."""
    worth: dict[float, list[str]] = defaultdict(list)
    for category, score in plan.kinds.items():
        worth[round(score, 1)].append(category)
    return [
        {"constant_score": {"filter": {"terms": {"kind": sorted(categories)}}, "boost": score}}
        for score, categories in sorted(worth.items())
        if score
    ]


def _phrases(plan: Plan) -> list[Clause]:
    boost = PHRASE_BOOST * plan.importance / max(1, len(plan.pairs))
    return [
        {
            "constant_score": {
                "filter": _phrase(pair, _PHRASES),
                "boost": boost,
            }
        }
        for pair in plan.pairs
    ]
