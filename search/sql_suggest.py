"""The statement behind suggestions in PostgreSQL: the most liked whose words begin like those typed, for little work."""

from collections.abc import Sequence

# What is liked most is looked at first. Where that has too few, what was typed is rare, and its index leads to a few only.
LOOKED_AT = 2000
SUGGEST = f"""
    WITH liked AS MATERIALIZED (
        SELECT family_id, in_stock, popularity, beginnings FROM search_searchdocument WHERE is_live
        ORDER BY in_stock DESC, popularity DESC, family_id DESC LIMIT {LOOKED_AT}
    ), first AS MATERIALIZED (
        SELECT family_id, in_stock, popularity FROM liked WHERE beginnings @@ to_tsquery('simple', %(begins)s)
        ORDER BY in_stock DESC, popularity DESC, family_id DESC LIMIT %(size)s
    ), rare AS (
        SELECT family_id, in_stock, popularity FROM search_searchdocument
        WHERE (SELECT count(*) FROM first) < %(size)s AND is_live AND beginnings @@ to_tsquery('simple', %(begins)s)
        LIMIT {LOOKED_AT}
    ), chosen AS (
        SELECT * FROM first UNION SELECT * FROM rare ORDER BY in_stock DESC, popularity DESC, family_id DESC LIMIT %(size)s
    )
    SELECT d.family_id, (d.document ->> 'product_id')::bigint
    FROM chosen JOIN search_searchdocument d USING (family_id)
    ORDER BY chosen.in_stock DESC, chosen.popularity DESC, chosen.family_id DESC
"""  # noqa: S608 - made of a constant


def begins_with(words: Sequence[str]) -> str:
    """``words``, of which each may go on, as `to_tsquery` reads them. They are letters and digits only (`search.text`)."""
    return " & ".join(f"'{word}':*" for word in words)
