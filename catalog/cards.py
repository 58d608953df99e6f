"""Families as the cards a list shows."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import JSONObject

from catalog.matching import ACTIVE
from catalog.models import Product, ProductMedia
from catalog.pictures import picture_of
from catalog.types import FamilyCard, Picture
from core.clock import now
from core.money import Money

NEW_FOR = timedelta(days=45)
FIRST_PICTURE = Subquery(
    ProductMedia.objects.filter(product=OuterRef("pk"))
    .exclude(file="")
    .order_by("position")
    .values(data=JSONObject(file="file", alt="alt"))[:1]
)
_FIELDS = (
    "pk",
    "family_id",
    "sku",
    "slug",
    "price",
    "compare_at_price",
    "currency",
    "rating",
    "review_count",
    "released_at",
    "picture",
    "position",
)
_NAMES = {
    "family_title": F("family__title"),
    "brand": F("family__brand__name"),
    "category_name": F("family__category__name"),
    "category_path": F("family__category__slug_path"),
}


def cards(chosen: Sequence[tuple[int, int]]) -> tuple[FamilyCard, ...]:
    """The cards of ``chosen``, pairs of a family and the product to show for it, in that order. One query."""
    if not chosen:
        return ()
    rows = (
        Product.objects.filter(ACTIVE, family_id__in=[family for family, _ in chosen])
        .annotate(picture=FIRST_PICTURE)
        .values(*_FIELDS, **_NAMES)
    )
    variants: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        variants[row["family_id"]].append(row)
    made = (_card(variants[family], shown) for family, shown in chosen if family in variants)
    return tuple(card for card in made if card is not None)


def _stored_picture(picture: dict[str, str] | None, title: str, category_path: str) -> Picture:
    """What FIRST_PICTURE found, or the department's drawing."""
    found = picture or {"file": "", "alt": ""}
    return picture_of(file=found["file"], alt=found["alt"], title=title, category_path=category_path)


def _card(variants: list[dict[str, Any]], shown: int) -> FamilyCard | None:
    product = next((row for row in variants if row["pk"] == shown), None)
    if product is None:  # switched off between the two queries
        return None
    cheapest = min(variants, key=lambda row: (row["price"], row["position"]))
    dearest = max(row["price"] for row in variants)
    compare_at = cheapest["compare_at_price"]
    released = product["released_at"]
    moment = now()
    title = product["family_title"]
    return FamilyCard(
        family_id=product["family_id"],
        product_id=shown,
        sku=product["sku"],
        slug=product["slug"],
        title=title,
        brand=product["brand"],
        price=Money.rounded(cheapest["price"], cheapest["currency"]),
        compare_at_price=None if compare_at is None else Money.rounded(compare_at, cheapest["currency"]),
        price_varies=dearest > cheapest["price"],
        variant_count=len(variants),
        rating=product["rating"],
        review_count=product["review_count"],
        is_new=released is not None and moment - NEW_FOR <= released <= moment,
        picture=_stored_picture(product["picture"], title, product["category_path"]),
        category_name=product["category_name"],
    )
