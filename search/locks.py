"""Every lock of the search, on documents by family; it comes after all others of the shop, and nothing is locked behind it."""

from collections.abc import Collection

from django.db import connection

_TAKE = """
    INSERT INTO search_searchdocument (
        family_id, version, indexed_version, is_live, document, updated_at, brand, categories, codes, rating, review_count,
        units_sold, popularity, in_stock
    )
    SELECT id, 0, 0, false, '{}', now(), '', '{}', '{}', 0, 0, 0, 0, false FROM unnest(%s::bigint[]) AS given (id) ORDER BY id
    ON CONFLICT DO NOTHING
"""
_LOCK = "SELECT family_id FROM search_searchdocument WHERE family_id = ANY(%s::bigint[]) ORDER BY family_id FOR NO KEY UPDATE"


def documents(*, family_ids: Collection[int]) -> None:
    """Lock the documents of these families, made empty where there are none. Two statements."""
    ids = sorted(family_ids)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [ids])
        cursor.execute(_LOCK, [ids])
