"""Changes of documents that the caller has locked, each a single statement over any number of them."""
# ruff: noqa: S608 - made of the constants of this module

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from search.projection import searched_text

_TEXTS = ("title", "names", "details", "description")
_VECTORS = ", ".join(f"to_tsvector('english', g.{name}) AS {name}" for name in _TEXTS)
# In words that are no stop words, as Elasticsearch counts them.
_LENGTHS = ", ".join(
    f"(SELECT least(coalesce(sum(cardinality(positions)), 0), 32767) FROM unnest(t.{name}))" for name in _TEXTS
)
_SAVE = f"""
    UPDATE search_searchdocument d SET
        version = d.version + 1, document = g.document, updated_at = %(now)s, is_live = g.is_live, brand = g.brand,
        categories = g.categories, codes = g.codes, rating = g.rating, review_count = g.review_count,
        units_sold = g.units_sold, popularity = g.popularity, in_stock = g.in_stock, released_at = g.released_at,
        words = setweight(t.title, 'A') || setweight(t.names, 'B') || setweight(t.details, 'C') || setweight(t.description, 'D'),
        lengths = ARRAY[{_LENGTHS}]::smallint[],
        beginnings = strip(to_tsvector('simple', g.beginnings))
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS g (
        family_id bigint, document jsonb, is_live boolean, brand text, categories text[], codes text[], rating numeric,
        review_count int, units_sold int, popularity float8, in_stock boolean, released_at timestamptz,
        title text, names text, details text, description text, beginnings text
    )
    CROSS JOIN LATERAL (SELECT {_VECTORS} OFFSET 0) t
    WHERE d.family_id = g.family_id AND (d.document <> g.document OR d.beginnings IS NULL)
    RETURNING d.family_id
"""
_DROP_VARIANTS = "DELETE FROM search_searchvariant WHERE document_id = ANY(%s::bigint[])"
_ADD_VARIANTS = """
    INSERT INTO search_searchvariant (product_id, document_id, position, price, in_stock, attributes)
    SELECT * FROM jsonb_to_recordset(%s::jsonb) AS g (
        product_id bigint, document_id bigint, position int, price numeric, in_stock boolean, attributes text[]
    )
    ON CONFLICT (product_id) DO UPDATE SET document_id = EXCLUDED.document_id, position = EXCLUDED.position,
        price = EXCLUDED.price, in_stock = EXCLUDED.in_stock, attributes = EXCLUDED.attributes
"""


def save_documents(documents: Sequence[Mapping[str, Any]], *, now: datetime) -> set[int]:
    """Keep those of ``documents`` that say something new, each one version on; whose those were. Three statements."""
    rows = [_columns(document) for document in documents]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, {"rows": json.dumps(rows), "now": now})
        changed = {row[0] for row in cursor.fetchall()}
        variants = [
            _variant_columns(document["family_id"], variant)
            for document in documents
            if document["family_id"] in changed
            for variant in document.get("variants", ())
        ]
        cursor.execute(_DROP_VARIANTS, [sorted(changed)])
        cursor.execute(_ADD_VARIANTS, [json.dumps(variants)])
    return changed


def add_work(family_ids: Iterable[int]) -> None:
    """Note that the documents of these families are to be rebuilt."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO search_searchwork (family_id) SELECT unnest(%s::bigint[])", [sorted(family_ids)])


def take_work(*, at_most: int) -> dict[int, list[int]]:
    """What was noted first, by family, with the notes' ids. The notes stay until `end_work`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT family_id, array_agg(id) FROM (SELECT * FROM search_searchwork ORDER BY id LIMIT %s) w GROUP BY 1",
            [at_most],
        )
        return dict(cursor.fetchall())


def end_work(ids: Collection[int]) -> None:
    """Forget these notes."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM search_searchwork WHERE id = ANY(%s::bigint[])", [list(ids)])


def _columns(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "family_id": document["family_id"],
        "document": document,
        "is_live": document["is_live"],
        "brand": document.get("brand", ""),
        "categories": document.get("category_path", []),
        "codes": document.get("codes", []),
        "rating": document.get("rating", 0),
        "review_count": document.get("review_count", 0),
        "units_sold": document.get("units_sold", 0),
        "popularity": document.get("popularity", 0),
        "in_stock": document.get("in_stock", False),
        "released_at": document.get("released_at"),
        **searched_text(document),
    }


def _variant_columns(family_id: int, variant: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "product_id": variant["product_id"],
        "document_id": family_id,
        "position": variant["position"],
        "price": variant["price"],
        "in_stock": variant["in_stock"],
        "attributes": [f"{item['name']}={item['value']}" for item in variant["attributes"]],
    }
