"""Families as the cards a list shows."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection

from catalog.pictures import picture_of
from catalog.types import FamilyCard
from core.clock import now
from core.money import Money

NEW_FOR = timedelta(days=45)
# A row for each product to be shown, with the cheapest of its family and what the dearest costs. As text, for it is half of what
# a list costs.
_CARDS = """
    SELECT p.family_id, p.id AS product_id, p.sku, p.slug, f.title, b.name AS brand, c.name AS category_name,
        c.slug_path AS category_path, p.rating, p.review_count, p.released_at,
        cheapest.price, cheapest.compare_at_price, cheapest.currency, every.dearest, every.variant_count, m.file, m.alt
    FROM catalog_product p
    JOIN catalog_productfamily f ON f.id = p.family_id AND f.is_active
    JOIN catalog_seller s ON s.id = f.seller_id AND s.is_active
    JOIN catalog_brand b ON b.id = f.brand_id
    JOIN catalog_category c ON c.id = f.category_id
    CROSS JOIN LATERAL (
        SELECT max(price) AS dearest, count(*) AS variant_count FROM catalog_product WHERE family_id = p.family_id AND is_active
    ) every
    CROSS JOIN LATERAL (
        SELECT price, compare_at_price, currency FROM catalog_product WHERE family_id = p.family_id AND is_active
        ORDER BY price, position LIMIT 1
    ) cheapest
    LEFT JOIN LATERAL (
        SELECT file, alt FROM catalog_productmedia WHERE product_id = p.id AND file <> '' ORDER BY position LIMIT 1
    ) m ON true
    WHERE p.id = ANY(%s::bigint[]) AND p.is_active
"""


def cards(chosen: Sequence[tuple[int, int]]) -> tuple[FamilyCard, ...]:
    """The cards of ``chosen``, pairs of a family and the product to show for it, in that order. One query.

    What went off sale meanwhile, or belongs to another family now, is left out.
    """
    if not chosen:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(_CARDS, [[product for _, product in chosen]])
        columns = [column.name for column in cursor.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    shown = {(row["family_id"], row["product_id"]): row for row in rows}
    return tuple(_card(shown[pair]) for pair in chosen if pair in shown)


def _card(row: Mapping[str, Any]) -> FamilyCard:
    compare_at, released, moment = row["compare_at_price"], row["released_at"], now()
    return FamilyCard(
        family_id=row["family_id"],
        product_id=row["product_id"],
        sku=row["sku"],
        slug=row["slug"],
        title=row["title"],
        brand=row["brand"],
        price=Money.rounded(row["price"], row["currency"]),
        compare_at_price=None if compare_at is None else Money.rounded(compare_at, row["currency"]),
        price_varies=row["dearest"] > row["price"],
        variant_count=row["variant_count"],
        rating=row["rating"],
        review_count=row["review_count"],
        is_new=released is not None and moment - NEW_FOR <= released <= moment,
        picture=picture_of(
            file=row["file"] or "", alt=row["alt"] or "", title=row["title"], category_path=row["category_path"]
        ),
        category_name=row["category_name"],
    )
