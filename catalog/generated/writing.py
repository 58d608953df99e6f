"""A generated catalogue written into the database: what products belong to first, then block by block."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from django.db import connection
from django.utils.text import slugify

from catalog import models, operations
from catalog.generated.brands import brand_count, invented, make_brands
from catalog.generated.plan import BLOCK, Places, Plan
from catalog.generated.products import FAMILY_COLUMNS, PRODUCT_COLUMNS, VALUE_COLUMNS, VALUES_EACH, Lines
from catalog.generated.words import attributes, words
from core.copying import copy_text, reserve_span
from core.transactions import require_transaction

TABLES = ("catalog_productfamily", "catalog_product", "catalog_productattribute")
_SELLERS = 40
_LAST = r"SELECT max(sku) FROM catalog_product WHERE sku ~ '^G\d{8}$'"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    name: str
    slug: str


def has_products() -> bool:
    """Whether the shop sells anything. Two queries."""
    return models.Product.objects.exists() or models.ProductFamily.objects.exists()


def make_plan(*, seed: int, products: int, shop: str, currency: str, now: datetime) -> Plan:
    """What to generate, with ids of its own; adds categories, brands and attributes that are not there yet.

    Products go on after the last that was generated before. Nobody else may write to TABLES meanwhile: lock them first.
    """
    require_transaction("catalog.generated.writing.make_plan")
    operations.upsert_categories(categories=_missing_categories())
    brands = [_Named(name=brand.name, slug=brand.slug) for brand in make_brands(seed=seed, count=brand_count(products))]
    places = Places(
        categories=dict(models.Category.objects.values_list("slug_path", "pk")),
        brands=_install(models.Brand, brands),
        sellers=_install(models.Seller, _sellers(seed, shop)),
        attributes=_install_attributes(),
    )
    return Plan(
        seed=seed,
        products=products,
        first=_next_number(),
        now=now,
        currency=currency,
        places=places,
        family_ids=reserve_span("catalog_productfamily", products),
        product_ids=reserve_span("catalog_product", products),
        value_ids=reserve_span("catalog_productattribute", products * VALUES_EACH),
    )


def write_lines(lines: Lines) -> None:
    """Add a block. Publishes nothing."""
    require_transaction("catalog.generated.writing.write_lines")
    copy_text("catalog_productfamily", FAMILY_COLUMNS, lines.families)
    copy_text("catalog_product", PRODUCT_COLUMNS, lines.products)
    copy_text("catalog_productattribute", VALUE_COLUMNS, lines.values)


def _missing_categories() -> "list[Any]":
    """Those that are there keep the names that staff gave them."""
    known = set(models.Category.objects.values_list("slug_path", flat=True))
    return [record for record in words().categories if record.path not in known]


def _next_number() -> int:
    """The first number of a block that has none yet."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST)
        (last,) = cursor.fetchone() or (None,)
    return -(-int(last[1:]) // BLOCK) * BLOCK if last else 0


def _sellers(seed: int, shop: str) -> list[_Named]:
    rng = Random(f"{seed} sellers")  # noqa: S311 - the same for everybody is what is wanted
    names = [shop, *(f"{invented(rng)} Trading" for _ in range(_SELLERS - 1))]
    return [_Named(name=name, slug=slugify(name)) for name in names]


def _install(model: Any, wanted: Sequence[_Named]) -> tuple[int, ...]:
    """The ids of brands or sellers in the order of ``wanted``; where only the address is taken, whoever has it will do."""
    model.objects.bulk_create(
        [model(name=record.name, slug=record.slug) for record in wanted], ignore_conflicts=True, batch_size=1000
    )
    found = model.objects.filter(slug__any_of=[record.slug for record in wanted])
    by_slug = dict(found.values_list("slug", "pk"))
    by_name = dict(model.objects.filter(name__any_of=[record.name for record in wanted]).values_list("name", "pk"))
    return tuple(by_name.get(record.name) or by_slug[record.slug] for record in wanted)


def _install_attributes() -> dict[str, int]:
    models.Attribute.objects.bulk_create(
        [
            models.Attribute(
                code=record.code, name=record.name, kind=record.kind, unit=record.unit, is_filter=record.is_filter
            )
            for record in attributes().values()
        ],
        ignore_conflicts=True,
    )
    return dict(models.Attribute.objects.filter(code__any_of=list(attributes())).values_list("code", "pk"))
