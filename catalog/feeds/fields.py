"""The columns of a file of products: how each is read into what a product is made of. `writing` has the way back.

What is not given is kept where the product is known, and has the default below where it is new.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from django.conf import settings

from catalog.feeds import values
from catalog.feeds.refusals import Code, refuse
from catalog.feeds.values import Parser
from catalog.records import AttributeRecord, PictureRecord
from catalog.types import AttributeKind, TaxClass
from core.money import MAX_AMOUNT, round_amount

LONGEST_TEXT = 100_000
LONGEST_VALUE = 10_000
MOST_ATTRIBUTES = 1000
MOST_PICTURES = 100
HEAVIEST = 10_000_000  # grams
_SIX_DECIMALS = Decimal("0.000001")
_SLUG = re.compile(r"[-a-zA-Z0-9_]{1,100}")
_EAN = re.compile(r"\d{8,14}", re.ASCII)
_FILE = re.compile(r"[^/\\\x00][^\\\x00]*\.(jpe?g|png|webp|avif)", re.IGNORECASE)
Given = dict[str, Any]


def parse(row: Mapping[str, Any]) -> Given:
    """What ``row``, by our own column names, says of a product: values ready for `ProductRecord`, by the record's names.

    Columns that are not there are left out; a cell that is empty has its default. Raises RefusedRow.
    """
    given: Given = {}
    for name, value in row.items():
        target, parser, default = COLUMNS[name]
        if values.is_given(value):
            given[target] = parser(name, value)
        elif default is REQUIRED and value is not None:
            refuse(Code.MISSING, name, f"{name} is empty")
        elif default is not REQUIRED and default is not KEPT:
            given[target] = default
    if "sku" not in given:
        refuse(Code.MISSING, "sku", "sku is missing")
    _check_currency(given.pop("currency", ""))
    return given


def attribute(
    code: str, name: str, kind: str, value: Any, *, unit: str = "", is_filter: bool = False
) -> AttributeRecord:
    """One attribute of a product; numbers are shown without needless zeros. Raises RefusedRow."""
    exact = None
    if not code:
        refuse(Code.INVALID, "attributes", f"{name or 'an attribute'} makes no code")
    if kind == AttributeKind.FLAG:
        shown = "Yes" if values.flag(name, value) else "No"
    elif kind == AttributeKind.NUMBER:
        exact = _stored(values.number(name, value))
        shown = f"{exact.normalize():f}"
    else:
        shown = values.text(name, value, longest=LONGEST_VALUE)
    return AttributeRecord(
        code=code,
        name=name,
        kind=kind,
        value=shown,
        number=exact,
        unit=unit if exact is not None else "",
        is_filter=is_filter,
    )


def _stored(number: Decimal) -> Decimal:
    """A number as the column keeps it."""
    return number.quantize(_SIX_DECIMALS) + 0


def _text(longest: int) -> Parser:
    return partial(values.text, longest=longest)


def _amount(name: str, value: Any) -> Decimal:
    amount = values.number(name, value)
    if amount < 0:
        refuse(Code.INVALID, name, f"{name} {values.short(value)} is below zero")
    if amount > MAX_AMOUNT:
        refuse(Code.INVALID, name, f"{name} {values.short(value)} is more than {MAX_AMOUNT}")
    coined = round_amount(amount, settings.CURRENCY)
    if coined != amount:
        refuse(Code.INVALID, name, f"{name} {values.short(value)} is finer than the smallest coin")
    return coined


def _grams(name: str, value: Any) -> int:
    grams = values.number(name, value)
    if not 0 <= grams <= HEAVIEST:
        refuse(Code.INVALID, name, f"{name} {values.short(value)} is not between 0 and {HEAVIEST:,}")
    return round(grams)


def _rating(name: str, value: Any) -> Decimal:
    rating = values.number(name, value)
    if not 0 <= rating <= 5:
        refuse(Code.INVALID, name, f"{name} {values.short(value)} is not between 0 and 5")
    return round(rating, 2)


def _check_currency(currency: str) -> None:
    if currency and currency.upper() != settings.CURRENCY:
        detail = f"the price is in {currency}, but this shop sells in {settings.CURRENCY}"
        refuse(Code.INVALID, "currency", detail)


def _tax_class(name: str, value: Any) -> str:
    if value not in TaxClass.values:
        refuse(Code.INVALID, name, f"{name} {values.short(value)} is none of {', '.join(TaxClass.values)}")
    return str(value)


def _slug(name: str, value: Any) -> str:
    slug = values.text(name, value, longest=500)
    if not re.fullmatch(r"[-a-zA-Z0-9_]+", slug):
        refuse(Code.INVALID, name, f"{name} has other characters than letters, digits, - and _")
    return slug


def _attributes(name: str, value: Any) -> tuple[AttributeRecord, ...]:
    found = [_written_attribute(item) for item in values.objects(name, value)]
    if len(found) > MOST_ATTRIBUTES:
        refuse(Code.TOO_LONG, name, f"more than {MOST_ATTRIBUTES} attributes")
    return tuple({(record.code, record.value): record for record in found}.values())


def _written_attribute(item: dict[str, Any]) -> AttributeRecord:
    code = item.get("code")
    if not isinstance(code, str) or not _SLUG.fullmatch(code):
        refuse(Code.INVALID, "attributes", "an attribute's code is not made of letters, digits, - and _")
    kind = item.get("kind") or AttributeKind.TEXT
    if kind not in AttributeKind.values:
        refuse(Code.INVALID, "attributes", f"the kind of {code} is none of {', '.join(AttributeKind.values)}")
    value = values.text(code, item.get("value"), longest=LONGEST_VALUE)
    if not value:
        refuse(Code.MISSING, "attributes", f"{code} has no value")
    # An attribute that is a number elsewhere may be a text here: then its number is there, and null.
    exact = item.get("number", value if kind == AttributeKind.NUMBER else None)
    return AttributeRecord(
        code=code,
        name=values.text("name", item.get("name") or code.replace("-", " ").capitalize(), longest=200),
        kind=kind,
        value=value,
        number=None if exact is None else _stored(values.number(code, exact)),
        unit=values.text("unit", item.get("unit") or "", longest=20),
    )


def _pictures(name: str, value: Any) -> tuple[PictureRecord, ...]:
    parts: Any = value
    if isinstance(value, str) and not value.lstrip().startswith("["):
        parts = [{"url": address} for address in value.split(values.LIST_SEPARATOR)]
    found = tuple(_picture(name, item) for item in values.objects(name, parts))
    if len(found) > MOST_PICTURES:
        refuse(Code.TOO_LONG, name, f"more than {MOST_PICTURES} pictures")
    return found


def _picture(name: str, item: dict[str, Any]) -> PictureRecord:
    alt = values.text(name, item.get("alt") or "", longest=500)
    address = values.text(name, item.get("url") or "", longest=1000)
    file = values.text(name, item.get("file") or "", longest=100)
    if address and not re.fullmatch(r"https?://[^\s/]+\S*", address):
        refuse(Code.INVALID, name, f"{values.short(address)} is not an address of the web")
    if file and (not _FILE.fullmatch(file) or ".." in file.split("/")):
        refuse(Code.INVALID, name, f"{values.short(file)} is not the name of a picture in the shop's storage")
    if not address and not file:
        refuse(Code.MISSING, name, f"a picture of {name} has neither url nor file")
    return PictureRecord(file=file, source_url=address, alt=alt)


def _stock(name: str, value: Any) -> dict[str, int]:
    if not isinstance(value, dict):
        refuse(Code.INVALID, name, f"{name} is not an object of warehouses and units")
    return {
        str(code): values.whole(f"{name}.{code}", units, most=1_000_000_000)
        for code, units in value.items()
        if values.is_given(units)
    }


REQUIRED: Any = object()  # an empty cell is refused
KEPT: Any = object()  # an empty cell is as good as none
_EANS = partial(values.words, pattern=_EAN, what="a list of 8 to 14 digits")
_AXES = partial(values.words, pattern=_SLUG, what="a list of attribute codes")
# Our column: the record's field, how it is read, and what an empty cell stands for.
COLUMNS: dict[str, tuple[str, Parser, Any]] = {
    "sku": ("sku", _text(64), REQUIRED),
    "title": ("title", _text(500), REQUIRED),
    "brand": ("brand", _text(200), REQUIRED),
    "seller": ("seller", _text(200), KEPT),
    "category": ("category", _text(500), REQUIRED),
    "price": ("price", _amount, REQUIRED),
    "currency": ("currency", _text(10), ""),
    "compare_at_price": ("compare_at_price", _amount, None),
    "family": ("family_code", _text(100), KEPT),
    "family_title": ("family_title", _text(500), KEPT),
    "family_active": ("family_active", values.flag, True),
    "axes": ("variation_axes", _AXES, ()),
    "slug": ("slug", _slug, ""),
    "description": ("description", _text(LONGEST_TEXT), ""),
    "eans": ("eans", _EANS, ()),
    "tax_class": ("tax_class", _tax_class, TaxClass.STANDARD.value),
    "weight_grams": ("weight_grams", _grams, 0),
    "rating": ("rating", _rating, Decimal(0)),
    "review_count": ("review_count", values.whole, 0),
    "max_per_order": ("max_per_order", partial(values.whole, least=1), 30),
    "position": ("position", values.whole, 0),
    "released_at": ("released_at", values.moment, None),
    "active": ("is_active", values.flag, True),
    "attributes": ("attributes", _attributes, ()),
    "media": ("pictures", _pictures, ()),
    "stock": ("stock", _stock, {}),
}
NEEDED_WHEN_NEW = ("title", "brand", "category", "price")
