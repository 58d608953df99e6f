"""From what catalogue, stock and orders know of a family to its document: pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import chain
from typing import Any

from catalog.types import FamilyFacts, VariantFacts
from inventory.types import Availability
from search.policies import popularity
from search.text import normalized

DESCRIPTION_LIMIT = 20_000
DETAILS_LIMIT = 20_000
VALUE_LIMIT = 200
_FLAGS = ("Yes", "No")


def live_document(
    facts: FamilyFacts, *, stock: Mapping[int, Availability], units_sold: Mapping[int, int]
) -> dict[str, Any]:
    """The document of a family with something on sale, as Elasticsearch gets it; stock and units sold are by product."""
    variants = facts.variants
    shown = next((row for row in variants if _in_stock(row, stock)), variants[0])
    cheapest = min(variants, key=lambda row: (row.price.amount, row.position))
    reviews = sum(row.review_count for row in variants)
    rating = _rating(variants, reviews)
    ancestors = facts.category.split("/")
    released = max((row.released_at for row in variants if row.released_at), default=None)
    return {
        "family_id": facts.id,
        "product_id": shown.id,
        "sku": shown.sku,
        "slug": shown.slug,
        "title": facts.title,
        "description": "\n".join(dict.fromkeys(row.description for row in variants))[:DESCRIPTION_LIMIT],
        "details": _details(facts)[:DETAILS_LIMIT],
        "brand": facts.brand,
        "brand_name": facts.brand_name,
        "product_type": facts.category_names[-1],
        "category_id": str(facts.category_id),
        "category_path": ["/".join(ancestors[: depth + 1]) for depth in range(len(ancestors))],
        "category_names": list(facts.category_names),
        "names": f"{facts.brand_name}\n{facts.category_names[-1]}",
        "kind": facts.category,
        "codes": sorted({code.upper() for row in variants for code in (row.sku, *row.eans)}),
        "image": shown.picture,
        "price": float(cheapest.price.amount),
        "price_max": float(max(row.price.amount for row in variants)),
        "currency": cheapest.price.currency,
        "rating": float(rating),
        "review_count": reviews,
        "units_sold": sum(units_sold.get(row.id, 0) for row in variants),
        "popularity": popularity(rating=rating, review_count=reviews),
        "in_stock": any(_in_stock(row, stock) for row in variants),
        "released_at": _instant(released),
        "is_live": True,
        "variants": [_variant(row, stock) for row in variants],
    }


def dead_document(family_id: int) -> dict[str, Any]:
    """The document of a family of which nothing is on sale: it hides what was there."""
    return {"family_id": family_id, "is_live": False}


def searched_text(document: Mapping[str, Any]) -> dict[str, str]:
    """The words of ``document`` by weight, as PostgreSQL gets them."""
    return {
        "title": normalized(document.get("title", "")),
        "names": normalized(document.get("names", "")),
        "details": normalized(document.get("details", "")),
        "description": normalized(document.get("description", "")),
        "beginnings": normalized(" ".join(document.get(name, "") for name in ("title", "brand_name", "product_type"))),
    }


def _details(facts: FamilyFacts) -> str:
    """What is said of the variants, each once: what they are called, where that is not the family's name, and their attributes.

    Without "Yes" and "No", which say something to those only who read what is asked.
    """
    said = chain.from_iterable(
        (row.title, *(f"{item.value} {item.unit}".strip() for item in row.attributes if item.value not in _FLAGS))
        for row in facts.variants
    )
    return "\n".join(text for text in dict.fromkeys(said) if text != facts.title)


def _rating(variants: Iterable[VariantFacts], reviews: int) -> Decimal:
    """The average of all reviews of all variants."""
    if not reviews:
        return Decimal(0)
    total = sum((row.rating * row.review_count for row in variants), Decimal(0))
    return round(total / reviews, 2)


def _variant(row: VariantFacts, stock: Mapping[int, Availability]) -> dict[str, Any]:
    filters = dict.fromkeys(
        (item.code, item.value) for item in row.attributes if item.is_filter and len(item.value) <= VALUE_LIMIT
    )
    return {
        "product_id": row.id,
        "position": row.position,
        "price": float(row.price.amount),
        "in_stock": _in_stock(row, stock),
        "attributes": [{"name": code, "value": value} for code, value in filters],
    }


def _in_stock(row: VariantFacts, stock: Mapping[int, Availability]) -> bool:
    found = stock.get(row.id)
    return found is not None and found.in_stock


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
