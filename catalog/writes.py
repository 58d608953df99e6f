"""Products written many at a time: `COPY` into a staging table, and one statement from there."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from catalog.models import ProductAttribute, ProductMedia
from catalog.records import ProductRecord
from core.copying import copy_rows

_FAMILY_COLUMNS = ("code", "title", "category_id", "brand_id", "seller_id", "variation_axes", "is_active")
_PRODUCT_COLUMNS = (
    "sku",
    "slug",
    "family_id",
    "title",
    "description",
    "eans",
    "price",
    "compare_at_price",
    "currency",
    "tax_class",
    "weight_grams",
    "rating",
    "review_count",
    "max_per_order",
    "position",
    "released_at",
    "is_active",
)


def write_families(
    *, records: Sequence[ProductRecord], places: Mapping[str, Mapping[str, int]], now: datetime
) -> dict[str, int]:
    """Add or change the families of ``records``, the last record of each decides; their ids by code.

    ``places`` has the ids of categories by path, and of brands and sellers by name.
    """
    rows = {
        record.family_code: (
            record.family_code,
            record.family_title,
            places["category"][record.category],
            places["brand"][record.brand],
            places["seller"][record.seller],
            list(record.variation_axes),
            record.family_active,
        )
        for record in records
    }
    return _upsert("catalog_productfamily", "code", _FAMILY_COLUMNS, rows.values(), now)


def write_products(
    *, records: Sequence[ProductRecord], slugs: Mapping[str, str], families: Mapping[str, int], now: datetime
) -> dict[str, int]:
    """Add or change products; their ids by SKU. Each SKU comes once."""
    rows = (
        (
            record.sku,
            slugs[record.sku],
            families[record.family_code],
            record.title,
            record.description,
            list(record.eans),
            record.price.amount,
            record.compare_at_price,
            record.price.currency,
            record.tax_class,
            record.weight_grams,
            record.rating,
            record.review_count,
            record.max_per_order,
            record.position,
            record.released_at,
            record.is_active,
        )
        for record in records
    )
    return _upsert("catalog_product", "sku", _PRODUCT_COLUMNS, rows, now)


def write_attributes(
    *, records: Sequence[ProductRecord], ids: Mapping[str, int], attributes: Mapping[str, int], known: Iterable[int]
) -> None:
    """Give products the values of ``records``, in place of what the ``known`` ones among them had."""
    ProductAttribute.objects.filter(product__pk__any_of=known).delete()
    copy_rows(
        "catalog_productattribute",
        ("product_id", "attribute_id", "value", "number", "position"),
        (
            (ids[record.sku], attributes[value.code], value.value, value.number, position)
            for record in records
            for position, value in enumerate(record.attributes)
        ),
    )


def write_pictures(*, records: Sequence[ProductRecord], ids: Mapping[str, int], known: Iterable[int]) -> None:
    """Give products the pictures of ``records``, in place of what the ``known`` ones among them had."""
    ProductMedia.objects.filter(product__pk__any_of=known).delete()
    copy_rows(
        "catalog_productmedia",
        ("product_id", "file", "source_url", "alt", "position"),
        (
            (ids[record.sku], picture.file, picture.source_url, picture.alt, position)
            for record in records
            for position, picture in enumerate(record.pictures)
        ),
    )


def _upsert(
    table: str, key: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], now: datetime
) -> dict[str, int]:
    """Add ``rows`` or change those that are there, in the order of their ``key``, so that two at once can not deadlock."""
    names = ", ".join(columns)
    changed = ", ".join(f"{name} = EXCLUDED.{name}" for name in columns if name != key)
    with connection.cursor() as cursor:
        # A table of the session: made once, emptied by every commit.
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS staged_{table} ON COMMIT DELETE ROWS AS SELECT {names} FROM {table} LIMIT 0"  # noqa: S608 - names of our own
        )
        cursor.execute(f"TRUNCATE staged_{table}")
        copy_rows(f"staged_{table}", columns, rows)
        cursor.execute(
            f"INSERT INTO {table} ({names}, created_at, updated_at) "  # noqa: S608 - names of our own
            f"SELECT {names}, %s, %s FROM staged_{table} ORDER BY {key} "
            f"ON CONFLICT ({key}) DO UPDATE SET {changed}, updated_at = EXCLUDED.updated_at RETURNING {key}, id",
            [now, now],
        )
        return dict(cursor.fetchall())
