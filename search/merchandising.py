"""What staff decided for searches: words that mean the same, families first or last, another page. Read anew for each search."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import connection

from search.models import SYNONYM_WORDS
from search.stop_words import STOP_WORDS

_SAID = """
    SELECT
        (SELECT jsonb_agg(s.entries) FROM search_synonyms s WHERE s.is_active AND s.entries && %(parts)s::varchar[]),
        (
            SELECT jsonb_build_object(
                'redirect_to', r.redirect_to,
                'pinned', (SELECT jsonb_agg(p.family_id ORDER BY p.position, p.id) FROM search_placement p
                    WHERE p.rule_id = r.id AND p.place = 'pinned'),
                'buried', (SELECT jsonb_agg(p.family_id ORDER BY p.id) FROM search_placement p
                    WHERE p.rule_id = r.id AND p.place = 'buried')
            )
            FROM search_queryrule r WHERE r.query = %(query)s AND (r.is_active OR r.id = %(preview)s)
        )
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """For one query: what means the same as a part of it; the families that come first, in order, and last; another page."""

    synonyms: dict[str, tuple[str, ...]]
    pinned: tuple[int, ...] = ()
    buried: tuple[int, ...] = ()
    redirect_to: str = ""


def said_of(words: Sequence[str], *, preview: int | None = None) -> Said:
    """What staff said of a query of these words; of the rule ``preview`` also while it is not active. One query."""
    parts = list(parts_of([word for word in words if word not in STOP_WORDS]))
    with connection.cursor() as cursor:
        cursor.execute(_SAID, {"parts": parts, "query": " ".join(words), "preview": preview})
        row = cursor.fetchone()
    groups, rule = (json.loads(value or "null") for value in row)
    synonyms: dict[str, tuple[str, ...]] = {}
    for group in groups or []:
        for entry in group:
            others = (other for other in group if other != entry)
            synonyms[entry] = tuple(dict.fromkeys((*synonyms.get(entry, ()), *others)))
    rule = rule or {}
    return Said(
        synonyms=synonyms,
        pinned=tuple(rule.get("pinned") or ()),
        buried=tuple(rule.get("buried") or ()),
        redirect_to=rule.get("redirect_to", ""),
    )


def parts_of(words: Sequence[str]) -> Iterator[str]:
    """All that stands side by side in a query and may be a synonym: up to SYNONYM_WORDS words."""
    for length in range(1, SYNONYM_WORDS + 1):
        for place in range(len(words) - length + 1):
            yield " ".join(words[place : place + length])
