"""Rows of Icecat's file as products, one JSON object a line: each is good, or refused with a reason; none stops the others."""

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from django.utils.text import slugify

from catalog.icecat.categories import category_of
from catalog.records import AttributeRecord, PictureRecord, ProductRecord
from catalog.types import AttributeKind
from core.money import Money

CURRENCY = "USD"
SELLER = "Harbour"
LONGEST_LINE = 1_000_000
HIGHEST_PRICE = 10**9  # in cents
MOST_DIGITS = 17  # before the point; what the column takes
FILTERS = frozenset(
    {
        "brand-compatibility",
        "cable-colour",
        "cable-length",
        "connector-1",
        "connector-2",
        "connector-gender",
        "display-diagonal",
        "display-resolution",
        "form-factor",
        "internal-memory",
        "ink-type",
        "print-technology",
        "printing-colours",
        "processor-family",
        "product-colour",
        "quantity-per-pack",
        "type",
    }
)
UNITS = {
    "cable-length": "m",
    "depth": "mm",
    "display-diagonal": "in",
    "height": "mm",
    "internal-memory": "GB",
    "package-weight": "g",
    "processor-frequency": "GHz",
    "weight": "g",
    "width": "mm",
}
_KINDS = {"attr_t_": AttributeKind.TEXT, "attr_n_": AttributeKind.NUMBER, "attr_b_": AttributeKind.FLAG}
_EAN = re.compile(r"\d{8,14}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_IN_BRACKETS = re.compile(r"__(.+?)_(?=_|$)")


class RefusedRowError(ValueError):
    """A row can not be a product; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the file: the product it makes, or the reason why it makes none."""

    line: int
    product: ProductRecord | None
    reason: str = ""


def read_rows(path: Path) -> Iterator[Row]:
    """Every line of ``path``, plain or gzip. A file that breaks off ends with a refused row. Raises OSError for no file."""
    seen: dict[str, int] = {}
    number = 0
    with _open(path) as file:
        while True:
            number += 1
            try:
                line = _next_line(file)
                if line is None:
                    return
                product = product_of(line)
                if product.sku in seen:
                    _refuse(f"the id {product.sku} was in line {seen[product.sku]} already")
            except RefusedRowError as refusal:
                yield Row(line=number, product=None, reason=str(refusal))
            except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
                yield Row(line=number, product=None, reason=f"the file breaks off here: {problem}")
                return
            else:
                seen[product.sku] = number
                yield Row(line=number, product=product)


def count_rows(path: Path) -> int | None:
    """How many lines ``path`` has, for a progress bar; None where that can not be told."""
    with suppress(OSError, EOFError, zlib.error), _open(path) as file:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: file.read(1 << 20), b""))
    return None


def product_of(line: bytes) -> ProductRecord:
    """The product of one line. Raises RefusedRowError."""
    row = _parse(line)
    sku = _text(row, "id", 64)
    title = _text(row, "title", 500)
    attributes = tuple(_attributes(row))
    technology = row.get("attr_t_print_technology", "")
    return ProductRecord(
        sku=sku,
        title=title,
        brand=_text(row, "supplier", 200),
        seller=SELLER,
        category=category_of(title, print_technology=technology if isinstance(technology, str) else ""),
        price=_price(row),
        family_code=f"icecat-{sku}",
        family_title=title,
        description=_text(row, "short_description", 10_000, required=False),
        eans=_eans(row),
        weight_grams=_grams(row),
        released_at=_released(row),
        attributes=attributes,
        pictures=_pictures(row, title),
    )


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return cast(IO[bytes], gzip.open(path)) if zipped else path.open("rb")


def _next_line(file: IO[bytes]) -> bytes | None:
    """The next line without its end, None after the last. A line too long is read past and refused."""
    line = file.readline(LONGEST_LINE)
    if not line:
        return None
    if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
        while (rest := file.readline(LONGEST_LINE)) and not rest.endswith(b"\n"):
            pass
        _refuse(f"the line is longer than {LONGEST_LINE} bytes")
    return line


def _parse(line: bytes) -> dict[str, Any]:
    no_number: Callable[[str], Any] = lambda word: _refuse(f"{word} is not a number")  # noqa: E731 - two uses of one line
    try:
        row = json.loads(line.decode("utf-8"), parse_float=Decimal, parse_constant=no_number)
    except UnicodeDecodeError:
        _refuse("the line is not UTF-8")
    except RefusedRowError:
        raise
    except (ValueError, InvalidOperation, RecursionError):
        _refuse("the line is not JSON")
    if not isinstance(row, dict):
        _refuse("the line is not a JSON object")
    return row


def _text(row: dict[str, Any], name: str, longest: int, *, required: bool = True) -> str:
    value = row.get(name)
    if value is None and not required:
        return ""
    if not isinstance(value, str):
        _refuse(f"{name} is missing" if value is None else f"{name} is not a text")
    return _clean(name, value, longest, required=required)


def _clean(name: str, value: str, longest: int, *, required: bool = True) -> str:
    text = value.strip()
    if required and not text:
        _refuse(f"{name} is empty")
    if _UNSTORABLE.search(text):
        _refuse(f"{name} has a character that can not be stored")
    if len(text) > longest:
        _refuse(f"{name} is longer than {longest} characters")
    return text


def _price(row: dict[str, Any]) -> Money:
    units = row.get("price")
    if isinstance(units, bool) or not isinstance(units, int):
        _refuse("price is missing" if units is None else f"price {str(units)[:30]} is not a whole number of cents")
    if not 0 <= units <= HIGHEST_PRICE:
        _refuse(f"price {str(units)[:30]} is not between 0 and {HIGHEST_PRICE} cents")
    return Money.from_minor(units, CURRENCY)


def _eans(row: dict[str, Any]) -> tuple[str, ...]:
    codes = row.get("ean", [])
    if not isinstance(codes, list) or not all(isinstance(code, str) and _EAN.fullmatch(code) for code in codes):
        _refuse("ean is not a list of 8 to 14 digits")
    return tuple(dict.fromkeys(codes))


def _released(row: dict[str, Any]) -> datetime | None:
    written = row.get("date_released")
    if written is None:
        return None
    try:
        released = datetime.fromisoformat(written)
    except (TypeError, ValueError):
        _refuse(f"date_released {str(written)[:30]} is not a date")
    return released if released.tzinfo else released.replace(tzinfo=UTC)


def _grams(row: dict[str, Any]) -> int:
    """The weight to ship, 0 where none is told. Implausible ones are no reason to refuse a product."""
    for name in ("attr_n_package_weight", "attr_n_weight"):
        grams = row.get(name)
        if isinstance(grams, Decimal) and 0 < grams < 1_000_000:
            return round(grams)
    return 0


def _pictures(row: dict[str, Any], title: str) -> tuple[PictureRecord, ...]:
    address = _text(row, "img_high", 1000, required=False)
    if not address:
        return ()
    if not address.startswith(("http://", "https://")):
        _refuse("img_high is not an address")
    return (PictureRecord(source_url=address, alt=title),)


def _attributes(row: dict[str, Any]) -> Iterator[AttributeRecord]:
    seen = set()
    for key, value in row.items():
        kind = _KINDS.get(key[:7])
        if kind is None or value is None or value == "":
            continue
        code, name = _named(key[7:])
        record = _attribute(code, name, kind, value)
        if code and (code, record.value) not in seen:
            seen.add((code, record.value))
            yield record


@lru_cache(maxsize=10_000)
def _named(key: str) -> tuple[str, str]:
    """Code and name of an attribute: ``thermal_design_power__tdp_`` is "Thermal design power (tdp)"."""
    name = _IN_BRACKETS.sub(r" (\1)", key).replace("_", " ").strip()
    return slugify(name)[:100], name[:1].upper() + name[1:200]


def _attribute(code: str, name: str, kind: AttributeKind, value: Any) -> AttributeRecord:
    if kind == AttributeKind.FLAG:
        if not isinstance(value, bool):
            _refuse(f"{name} is not true or false")
        return AttributeRecord(code=code, name=name, kind=kind, value="Yes" if value else "No")
    if kind == AttributeKind.NUMBER:
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            _refuse(f"{name} is not a number")
        number = Decimal(value)
        if number.adjusted() >= MOST_DIGITS:
            _refuse(f"{name} is too large a number")
        number = number.quantize(Decimal("0.000001")) + 0  # a zero has no sign
        shown = f"{number.normalize():f}"
        return AttributeRecord(code=code, name=name, kind=kind, value=shown, number=number, unit=UNITS.get(code, ""))
    if not isinstance(value, str):
        _refuse(f"{name} is not a text")
    return AttributeRecord(code=code, name=name, kind=kind, value=_clean(name, value, 10_000))


def _refuse(reason: str) -> NoReturn:
    raise RefusedRowError(reason)
