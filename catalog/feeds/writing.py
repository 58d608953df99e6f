"""Products as rows of a file that `reading` and `fields` take back: what comes out goes in again and changes nothing."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from catalog.feeds import fields, parquet
from catalog.feeds.mapping import OWN_STOCK
from catalog.feeds.reading import Format
from catalog.feeds.refusals import FeedProblem
from catalog.feeds.values import LIST_SEPARATOR
from catalog.records import AttributeRecord, PictureRecord, ProductRecord
from catalog.types import AttributeKind
from core.money import round_amount

Row = dict[str, Any]
Write = Callable[[Row], None]
NAMES = tuple(fields.COLUMNS)
_SUFFIXES = {
    ".csv": Format.CSV,
    ".jsonl": Format.JSON_LINES,
    ".ndjson": Format.JSON_LINES,
    ".parquet": Format.PARQUET,
}
_ATTRIBUTE = "STRUCT(code VARCHAR, name VARCHAR, value VARCHAR, kind VARCHAR, number DECIMAL(24, 6), unit VARCHAR)"
_KINDS = {
    **dict.fromkeys(NAMES, "VARCHAR"),
    **dict.fromkeys(("family_active", "active"), "BOOLEAN"),
    **dict.fromkeys(("weight_grams", "review_count", "max_per_order", "position"), "BIGINT"),
    **dict.fromkeys(("price", "compare_at_price"), "DECIMAL(14, 3)"),
    **dict.fromkeys(("axes", "eans"), "VARCHAR[]"),
    "rating": "DECIMAL(3, 2)",
    "attributes": f"{_ATTRIBUTE}[]",
    "media": "STRUCT(url VARCHAR, file VARCHAR, alt VARCHAR)[]",
    "stock": "MAP(VARCHAR, BIGINT)",
}


def row_of(record: ProductRecord, stock: Mapping[str, int]) -> Row:
    """Everything that a file says of a product."""
    currency = record.price.currency
    before = record.compare_at_price
    return {
        "sku": record.sku,
        "title": record.title,
        "brand": record.brand,
        "seller": record.seller,
        "category": record.category,
        "price": str(record.price.amount),
        "currency": currency,
        "compare_at_price": None if before is None else str(round_amount(before, currency)),
        "family": record.family_code,
        "family_title": record.family_title,
        "family_active": record.family_active,
        "axes": list(record.variation_axes),
        "slug": record.slug,
        "description": record.description,
        "eans": list(record.eans),
        "tax_class": record.tax_class,
        "weight_grams": record.weight_grams,
        "rating": str(record.rating),
        "review_count": record.review_count,
        "max_per_order": record.max_per_order,
        "position": record.position,
        "released_at": record.released_at.isoformat() if record.released_at else None,
        "active": record.is_active,
        "attributes": [_attribute(value) for value in record.attributes],
        "media": [_picture(picture) for picture in record.pictures],
        "stock": dict(stock),
    }


def format_for(path: Path) -> Format:
    """How a file of this name is written. Raises FeedProblem for a name that does not tell."""
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix not in _SUFFIXES or (path.suffix == ".gz" and suffix == ".parquet"):
        raise FeedProblem(
            f"{path.name} does not tell how to write it: call it .csv, .jsonl (both also .gz) or .parquet."
        )
    return _SUFFIXES[suffix]


@contextmanager
def open_table(path: Path, *, names: Sequence[str] = NAMES, warehouses: Sequence[str] = ()) -> Iterator[Write]:
    """Write rows to ``path``, of each the columns ``names``; a CSV has a column for the stock of each of ``warehouses``.

    The file appears when the block ends well; otherwise there is none, or the one of before. Raises FeedProblem and OSError.
    """
    kind = format_for(path)
    part = path.with_name(f".{path.name}.part")
    lines = part.with_suffix(".lines") if kind == Format.PARQUET else part
    try:
        with _open(lines, zipped=path.suffix == ".gz") as file:
            yield _csv(file, names, warehouses) if kind == Format.CSV else _json_lines(file, names)
        if kind == Format.PARQUET:
            parquet.write(source=lines, target=part, kinds=[(name, _KINDS.get(name, "VARCHAR")) for name in names])
        part.replace(path)
    finally:
        for left in {part, lines}:
            with suppress(OSError):
                left.unlink(missing_ok=True)


@contextmanager
def _open(path: Path, *, zipped: bool) -> Iterator[IO[str]]:
    with path.open("wb") as raw:
        if not zipped:
            with io.TextIOWrapper(raw, encoding="utf-8", newline="") as text:
                yield text
            return
        # Without a name and a time in it, the same products make the same file.
        packed = gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0)
        with packed, io.TextIOWrapper(packed, encoding="utf-8", newline="") as text:
            yield text


def _json_lines(file: IO[str], names: Sequence[str]) -> Write:
    def write(row: Row) -> None:
        file.write(json.dumps({name: row[name] for name in names}, ensure_ascii=False) + "\n")

    return write


def _csv(file: IO[str], names: Sequence[str], warehouses: Sequence[str]) -> Write:
    plain = [name for name in names if name != "stock"]
    shelves = list(warehouses) if "stock" in names else []
    # The line ends of RFC 4180; with others Python would leave a lone carriage return in a cell unquoted.
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([*plain, *(f"{OWN_STOCK}{code}" for code in shelves)])

    def write(row: Row) -> None:
        stock = row.get("stock", {})
        writer.writerow([*(_cell(name, row[name]) for name in plain), *(stock.get(code) for code in shelves)])

    return write


def _cell(name: str, value: Any) -> Any:
    if name in ("attributes", "media"):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, list):
        return LIST_SEPARATOR.join(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _attribute(value: AttributeRecord) -> dict[str, Any]:
    written: dict[str, Any] = {"code": value.code, "name": value.name, "value": value.value, "kind": value.kind}
    if value.number is not None or value.kind == AttributeKind.NUMBER:
        written["number"] = None if value.number is None else f"{value.number.normalize():f}"
    if value.unit:
        written["unit"] = value.unit
    return written


def _picture(picture: PictureRecord) -> dict[str, str]:
    told = {"url": picture.source_url, "file": picture.file, "alt": picture.alt}
    return {name: value for name, value in told.items() if value}
