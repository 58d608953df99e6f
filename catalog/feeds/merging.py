"""What a row makes of a product: pure decisions, told apart from reading and writing."""

from collections.abc import Mapping
from dataclasses import fields as fields_of
from dataclasses import replace
from typing import Any

from django.conf import settings

from catalog.feeds.fields import NEEDED_WHEN_NEW, Given
from catalog.feeds.refusals import Code, refuse
from catalog.records import AttributeRecord, PictureRecord, ProductRecord
from core.money import Money

DEFAULT_SELLER = "Harbour"
FAMILY_FIELDS = ("family_title", "category", "brand", "seller", "variation_axes", "family_active")
OWN_FAMILY = "sku:"  # the family of a product without siblings, where the file names none
ALL_FIELDS = tuple(field.name for field in fields_of(ProductRecord))


def merge(*, given: Given, current: ProductRecord | None, families: Mapping[str, ProductRecord]) -> ProductRecord:
    """The product as it should be: what is ``given``, then what is there, then defaults.

    ``families`` has a product of each family that is known, by its code: a product that joins one is as its siblings are.
    Raises RefusedRow for a new product without what each needs, and for a compare-at price that is not above the price.
    """
    known: dict[str, Any] = (
        {name: getattr(current, name) for name in ALL_FIELDS} if current else {"seller": DEFAULT_SELLER}
    )
    code = given.get("family_code") or known.get("family_code") or f"{OWN_FAMILY}{given['sku']}"
    family = families.get(code)
    if family is not None:
        known |= {name: getattr(family, name) for name in FAMILY_FIELDS}
    told = {name: value for name, value in given.items() if name in ALL_FIELDS}
    merged = {**known, **told, "family_code": code}
    for name in NEEDED_WHEN_NEW:
        if name not in merged:
            refuse(Code.MISSING, name, f"{name} is missing, and {given['sku']} is a new product")
    if "family_title" not in told and _named_alike(current, family):
        merged["family_title"] = merged["title"]
    if not merged.get("slug") and current:
        merged["slug"] = current.slug
    merged["price"] = _money(merged["price"])
    merged["pictures"] = kept_pictures(merged.get("pictures", ()), current)
    return _with_fair_price(ProductRecord(**merged), given)


def changes(current: ProductRecord, final: ProductRecord) -> dict[str, tuple[Any, Any]]:
    """What ``final`` changes, by field: what was, and what will be."""
    found = {}
    for name in ALL_FIELDS:
        was, will_be = getattr(current, name), getattr(final, name)
        if name == "attributes":
            was, will_be = _values_of(was), _values_of(will_be)
        if was != will_be and not (name == "slug" and not will_be):
            found[name] = (was, will_be)
    return found


def kept_pictures(wanted: tuple[PictureRecord, ...], current: ProductRecord | None) -> tuple[PictureRecord, ...]:
    """The pictures a product is to have: what staff uploaded gives way to files only, never to addresses."""
    there = current.pictures if current else ()
    has_files = any(picture.file for picture in there)
    return there if has_files and not any(picture.file for picture in wanted) else wanted


def _named_alike(current: ProductRecord | None, family: ProductRecord | None) -> bool:
    """Whether the family's title follows the product's: it is new, or has had the same until now."""
    return family is None or (current is not None and family.family_title == current.title)


def _money(price: Any) -> Money:
    return price if isinstance(price, Money) else Money(price, settings.CURRENCY)


def _with_fair_price(record: ProductRecord, given: Given) -> ProductRecord:
    before = record.compare_at_price
    if before is None or before > record.price.amount:
        return record
    if given.get("compare_at_price") is not None:
        detail = f"compare_at_price {before} is not above the price {record.price.amount}"
        refuse(Code.INVALID, "compare_at_price", detail)
    return replace(record, compare_at_price=None)  # the price has risen past what it was compared with


def _values_of(attributes: tuple[AttributeRecord, ...]) -> tuple[Any, ...]:
    return tuple((record.code, record.value, record.number) for record in attributes)
