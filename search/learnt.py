"""What is learnt from all documents: words for corrections, how rare stems are, and which kinds of thing they name."""
# ruff: noqa: S608 - made of the constants of this module and of a number

import json
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from search.learning import TITLES_READ, Stems, weights_of, words_of
from search.spelling import LONGEST, remains_of

# So many documents, spread evenly, tell how rare a stem is.
READ = 100_000
BATCH = 5000
TEXTS = {"title": "a", "names": "b", "details": "c", "description": "d"}
# Longer than shoppers' statements may take: it reads all documents.
_PATIENCE = "SET LOCAL statement_timeout = '10min'"
_WORDS = """
    SELECT word, ndoc FROM ts_stat('SELECT beginnings FROM search_searchdocument WHERE is_live AND beginnings IS NOT NULL')
    WHERE length(word) BETWEEN 2 AND %s
"""
_ADD_WORDS = """
    INSERT INTO search_searchword (word, families, remains)
    SELECT word, families, string_to_array(remains, ' ')
    FROM unnest(%s::text[], %s::int[], %s::text[]) g (word, families, remains)
"""
_READ = "SELECT words FROM search_searchdocument WHERE is_live AND words IS NOT NULL AND family_id %% {part} = 0"
_TEXTS = """
    INSERT INTO search_searchtext (name, families, length)
    SELECT (%(names)s::text[])[k], count(*) FILTER (WHERE lengths[k] > 0), coalesce(avg(nullif(lengths[k], 0)), 1)
    FROM search_searchdocument d, generate_series(1, 4) k WHERE d.is_live AND d.family_id %% %(part)s = 0 GROUP BY k
"""
_SIZES = """
    INSERT INTO search_searchcategory (path, families)
    SELECT '', count(*) FROM search_searchdocument WHERE is_live
    UNION ALL
    SELECT path, count(*) FROM search_searchdocument, unnest(categories) path WHERE is_live GROUP BY path
"""
_LEAVES = """
    WITH leaves AS (
        SELECT DISTINCT categories[cardinality(categories)] AS path FROM search_searchdocument WHERE is_live
    )
    SELECT l.path, s.names, s.titles FROM leaves l CROSS JOIN LATERAL (
        SELECT (array_agg(names))[1] AS names, array_agg(title) AS titles FROM (
            SELECT d.document -> 'category_names' AS names, d.document ->> 'title' AS title FROM search_searchdocument d
            WHERE d.is_live AND d.categories @> ARRAY[l.path] AND d.categories[cardinality(d.categories)] = l.path
            LIMIT %s
        ) few
    ) s
    WHERE l.path IS NOT NULL
"""
_ADD_KINDS = """
    INSERT INTO search_searchkind (stem, category, weight)
    SELECT stem, %s, weight FROM unnest(%s::text[], %s::float8[]) g (stem, weight) WHERE length(stem) <= %s
"""
_STEMS_OF = """
    SELECT w.word, t.lexeme FROM unnest(%s::text[]) w (word)
    CROSS JOIN LATERAL (SELECT lexeme FROM unnest(to_tsvector('english', w.word)) LIMIT 1) t
"""


def learn() -> int:
    """Learn all of it anew, inside the caller's transaction, until whose end others read what was; how many words there are."""
    with connection.cursor() as cursor:
        cursor.execute(_PATIENCE)
        words = _learn_words(cursor)
        cursor.execute("SELECT greatest(1, (SELECT count(*) FROM search_searchdocument WHERE is_live) / %s)", [READ])
        (part,) = cursor.fetchone()
        _learn_stems(cursor, int(part))
        _learn_kinds(cursor)
        _learn_sizes(cursor)
    return words


def families_learnt() -> int:
    """Of how many families was learnt, about; 0 where nothing was. One query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT families FROM search_searchtext WHERE name = 'title'")
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _learn_words(cursor: Any) -> int:
    cursor.execute(_WORDS, [LONGEST])
    rows = cursor.fetchall()
    cursor.execute("DELETE FROM search_searchword")
    for at in range(0, len(rows), BATCH):
        some = rows[at : at + BATCH]
        remains = [" ".join(sorted(remains_of(word))) for word, _ in some]
        cursor.execute(_ADD_WORDS, [[word for word, _ in some], [count for _, count in some], remains])
    return len(rows)


def _learn_stems(cursor: Any, part: int) -> None:
    """How many documents have each stem, of those whose id ``part`` divides; as if counted in all."""
    read = _READ.format(part=part)
    arms = [f"SELECT word, 'families' AS text, ndoc FROM ts_stat('{read}')"]
    arms += [f"SELECT word, '{name}', ndoc FROM ts_stat('{read}', '{weight}')" for name, weight in TEXTS.items()]
    columns = ["families", *TEXTS]
    sums = ", ".join(f"coalesce(max(ndoc) FILTER (WHERE text = '{name}'), 0) * %(part)s" for name in columns)
    cursor.execute("DELETE FROM search_searchstem")
    cursor.execute(
        f"INSERT INTO search_searchstem (stem, {', '.join(columns)}) SELECT word, {sums}"
        f" FROM ({' UNION ALL '.join(arms)}) counted WHERE length(word) <= {LONGEST} GROUP BY word",
        {"part": part},
    )
    cursor.execute("DELETE FROM search_searchtext")
    cursor.execute(_TEXTS, {"names": list(TEXTS), "part": part})
    cursor.execute("UPDATE search_searchtext SET families = families * %s", [part])


def _learn_kinds(cursor: Any) -> None:
    cursor.execute(_LEAVES, [TITLES_READ])
    leaves = [(path, json.loads(names) if isinstance(names, str) else names, titles) for path, names, titles in cursor]
    stems = _stems(cursor, words_of(text for _, names, titles in leaves for text in (*names, *titles)))
    cursor.execute("DELETE FROM search_searchkind")
    for path, names, titles in leaves:
        weights = weights_of(titles, names, stems)
        cursor.execute(_ADD_KINDS, [path, list(weights), list(weights.values()), LONGEST])


def _learn_sizes(cursor: Any) -> None:
    cursor.execute("DELETE FROM search_searchcategory")
    cursor.execute(_SIZES)


def _stems(cursor: Any, words: Iterable[str]) -> Stems:
    """Of each word that is no stop word."""
    found: dict[str, str] = {}
    every: Sequence[str] = sorted(words)
    for at in range(0, len(every), BATCH):
        cursor.execute(_STEMS_OF, [every[at : at + BATCH]])
        found.update(cursor.fetchall())
    return found
