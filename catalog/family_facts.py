"""All that is to be known of families by whoever copies them elsewhere: the search above all."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection

from catalog.models import Category
from catalog.types import FamilyFacts, VariantAttribute, VariantFacts
from core.money import Money

_VARIANTS = """
    SELECT f.id AS family_id, f.title AS family_title, b.slug AS brand, b.name AS brand_name,
        c.id AS category_id, c.path AS category_node, c.slug_path AS category,
        p.id, p.sku, p.eans, p.slug, p.title, p.description, p.price, p.currency, p.rating, p.review_count, p.position,
        p.released_at, coalesce(m.file, '') AS picture
    FROM catalog_product p
    JOIN catalog_productfamily f ON f.id = p.family_id AND f.is_active
    JOIN catalog_seller s ON s.id = f.seller_id AND s.is_active
    JOIN catalog_brand b ON b.id = f.brand_id
    JOIN catalog_category c ON c.id = f.category_id
    LEFT JOIN LATERAL (
        SELECT file FROM catalog_productmedia WHERE product_id = p.id AND file <> '' ORDER BY position LIMIT 1
    ) m ON true
    WHERE p.is_active AND p.family_id = ANY(%s::bigint[])
    ORDER BY f.id, p.position, p.id
"""
_ATTRIBUTES = """
    SELECT v.product_id, a.code, a.name, v.value, a.unit, a.is_filter
    FROM catalog_productattribute v JOIN catalog_attribute a ON a.id = v.attribute_id
    WHERE v.product_id = ANY(%s::bigint[]) ORDER BY v.product_id, v.position, v.id
"""


def load_family_facts(family_ids: Collection[int]) -> dict[int, FamilyFacts]:
    """Those of ``family_ids`` that have something on sale, with what of them is, by id. Three queries."""
    rows = _read(_VARIANTS, family_ids)
    attributes: dict[int, list[VariantAttribute]] = defaultdict(list)
    for row in _read(_ATTRIBUTES, [row["id"] for row in rows]):
        attributes[row["product_id"]].append(
            VariantAttribute(
                code=row["code"], name=row["name"], value=row["value"], unit=row["unit"], is_filter=row["is_filter"]
            )
        )
    names = _category_names({row["category_node"] for row in rows})
    families: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        families[row["family_id"]].append(row)
    return {
        family_id: FamilyFacts(
            id=family_id,
            title=variants[0]["family_title"],
            brand=variants[0]["brand"],
            brand_name=variants[0]["brand_name"],
            category_id=variants[0]["category_id"],
            category=variants[0]["category"],
            category_names=names[variants[0]["category_node"]],
            variants=tuple(_variant(row, tuple(attributes[row["id"]])) for row in variants),
        )
        for family_id, variants in families.items()
    }


def _variant(row: Mapping[str, Any], attributes: tuple[VariantAttribute, ...]) -> VariantFacts:
    return VariantFacts(
        id=row["id"],
        sku=row["sku"],
        eans=tuple(row["eans"]),
        slug=row["slug"],
        title=row["title"],
        description=row["description"],
        price=Money.rounded(row["price"], row["currency"]),
        rating=row["rating"],
        review_count=row["review_count"],
        position=row["position"],
        released_at=row["released_at"],
        picture=row["picture"],
        attributes=attributes,
    )


def _category_names(paths: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The names from the root to each of these nodes, itself last."""
    length = Category.steplen
    ways = {path: [path[:end] for end in range(length, len(path) + 1, length)] for path in paths}
    names = dict(
        Category.objects.filter(path__in={node for way in ways.values() for node in way}).values_list("path", "name")
    )
    return {path: tuple(names[node] for node in way) for path, way in ways.items()}


def _read(sql: str, ids: Collection[int]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [list(ids)])
        columns = [column.name for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
