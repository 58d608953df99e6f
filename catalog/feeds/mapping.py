"""What a file's columns are called with us: a mapping in TOML, or the names of our own where none is needed.

A mapping file has these tables and keys, all of them optional:

    recognise = ["id", "supplier"]     # columns by which a file is told to be of this kind
    currency_in = "minor"              # prices are whole cents rather than amounts
    categories = "icecat"              # rules that choose the category, by a row's own columns
    stock_seed = 2026                  # products without stock get some, by chance and always the same
    filters = ["colour"]               # attributes that shoppers may narrow by, where they are new
    lenient = ["weight_grams"]         # what is wrong in these is left out instead of refused

    [columns]                          # ours = theirs, or several of theirs, of which the first that says something counts
    sku = "id"
    [constants]                        # ours = what all rows have
    seller = "Harbour"
    [attributes]                       # beginnings of their columns that are attributes, and of which kind
    "attr_n_" = "number"
    [units]                            # of attributes that are numbers
    weight = "g"
"""

import re
import tomllib
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.text import slugify

from catalog.feeds import fields, values
from catalog.feeds.refusals import Code, FeedProblem, RefusedRow, refuse
from catalog.icecat.categories import category_of, icecat_categories
from catalog.records import AttributeRecord, CategoryRecord
from catalog.types import AttributeKind
from core.money import exponent

KNOWN_VALUES = 200_000
SHIPPED = Path(__file__).with_name("mappings")
OWN_ATTRIBUTE, OWN_STOCK = "attr.", "stock."
_LISTS = ("recognise", "filters", "lenient")
_OR_LIST = {True: " or a list of texts", False: ""}
_IN_BRACKETS = re.compile(r"__(.+?)_(?=_|$)")


@dataclass(frozen=True, slots=True)
class Rules:
    """A way to find the category of a row, and the categories it may choose."""

    choose: Callable[[Mapping[str, Any]], str]
    categories: Callable[[], Sequence[CategoryRecord]]


RULES = {"icecat": Rules(category_of, icecat_categories)}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedMapping:
    """How rows of one kind of file become rows of ours."""

    name: str = ""
    columns: Mapping[str, Sequence[str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    recognise: frozenset[str] = frozenset()
    filters: frozenset[str] = frozenset()
    lenient: frozenset[str] = frozenset()
    rules: Rules | None = None
    stock_seed: int | None = None
    minor_units: bool = False
    _prefixes: tuple[str, ...] = field(init=False, default=())
    _known: dict[tuple[str, type, Any], AttributeRecord] = field(init=False, default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_prefixes", tuple(self.attributes))

    def given(self, row: Mapping[str, Any]) -> fields.Given:
        """What ``row`` says of a product. Raises RefusedRow."""
        ours: dict[str, Any] = {**self.constants, **self._renamed(row)}
        if self.minor_units and "price" in ours:
            ours["price"] = _from_minor(ours["price"])
        given = fields.parse(ours)
        if self.rules and "title" in given:
            given["category"] = self.rules.choose(row)
        if self.attributes:
            given["attributes"] = tuple(self._attributes(row))
        return given

    def check(self, columns: Sequence[str]) -> None:
        """Raise FeedProblem where ``columns`` of a file lack the SKU, or say what nobody understands."""
        theirs = self.columns.get("sku", ["sku"])
        if columns and "sku" not in self.constants and not set(theirs) & set(columns):
            raise FeedProblem(
                f"The column {' or '.join(theirs)} is missing, by which products are found. "
                f"There are: {', '.join(map(values.short, columns[:20]))}."
            )
        if self.name:
            return
        strange = [
            name for name in columns if name not in fields.COLUMNS and not name.startswith((OWN_ATTRIBUTE, OWN_STOCK))
        ]
        if strange:
            raise FeedProblem(
                f"Nothing is known of the column {values.short(strange[0])}: leave it out, "
                "call attributes attr.NAME, or say with --mapping what it is."
            )

    def _renamed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        if not self.name:
            return _own(row)
        found: dict[str, Any] = {}
        for ours, theirs in self.columns.items():
            value = next((row[name] for name in theirs if values.is_given(row.get(name))), None)
            present = value is not None or any(name in row for name in theirs)
            if present and not (ours in self.lenient and not _is_good(ours, value)):
                found[ours] = value
        return found

    def _attributes(self, row: Mapping[str, Any]) -> Iterator[AttributeRecord]:
        seen = set()
        for key, value in row.items():
            if not key.startswith(self._prefixes) or not values.is_given(value):
                continue
            record = self._attribute(key, value)
            if record.value and (record.code, record.value) not in seen:
                seen.add((record.code, record.value))
                yield record

    def _attribute(self, key: str, value: Any) -> AttributeRecord:
        """One attribute. Most values come again and again, and are read once."""
        known = self._known.get((key, value.__class__, value)) if isinstance(value, Hashable) else None
        if known is None:
            code, name, kind = _described(key, self._prefixes, tuple(self.attributes.values()))
            known = fields.attribute(
                code, name, kind, value, unit=self.units.get(code, ""), is_filter=code in self.filters
            )
            if len(self._known) < KNOWN_VALUES:
                self._known[key, value.__class__, value] = known
        return known


OWN = FeedMapping()


def choose(name: str | None, columns: Sequence[str]) -> FeedMapping:
    """The mapping called ``name`` (one of ours, or a file), or else one that knows ``columns``, or none at all.

    Raises FeedProblem for one that is not there or is not right, and OSError where its file can not be read.
    """
    if name is not None:
        return load(shipped() | {name: Path(name)} if name not in shipped() else shipped(), name)
    if "sku" not in columns:
        for known in sorted(shipped()):
            mapping = load(shipped(), known)
            if mapping.recognise and mapping.recognise <= set(columns):
                return mapping
    return OWN


@cache
def shipped() -> dict[str, Path]:
    """The mappings that come with the shop, by name."""
    return {path.stem: path for path in SHIPPED.glob("*.toml")}


def load(paths: Mapping[str, Path], name: str) -> FeedMapping:
    """The mapping called ``name``. Raises FeedProblem with the first thing that is wrong with it, and OSError."""
    path = paths[name]
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise FeedProblem(f"The mapping {path} is not TOML: {problem}") from problem
    tables = {table: written.pop(table, {}) for table in ("columns", "constants", "attributes", "units")}
    _check_tables(path, tables)
    _check_options(path, written)
    return FeedMapping(
        name=path.stem,
        columns={ours: [theirs] if isinstance(theirs, str) else theirs for ours, theirs in tables["columns"].items()},
        constants=tables["constants"],
        attributes=tables["attributes"],
        units=tables["units"],
        recognise=frozenset(written.get("recognise", ())),
        filters=frozenset(written.get("filters", ())),
        lenient=frozenset(written.get("lenient", ())),
        rules=RULES[written["categories"]] if "categories" in written else None,
        stock_seed=written.get("stock_seed"),
        minor_units=written.get("currency_in") == "minor",
    )


def _check_tables(path: Path, tables: Mapping[str, Any]) -> None:
    for table, rows in tables.items():
        if not isinstance(rows, dict):
            raise FeedProblem(f"The mapping {path}: {table} is not a table.")
        for name, value in rows.items():
            several = table == "columns" and _is_texts(value)
            if not isinstance(value, str) and not several:
                raise FeedProblem(f"The mapping {path}: {name} in {table} is not a text{_OR_LIST[table == 'columns']}.")
    _check_names(path, "columns", tables["columns"], fields.COLUMNS)
    _check_names(path, "constants", tables["constants"], fields.COLUMNS)
    _check_names(path, "attributes", tables["attributes"].values(), AttributeKind.values)


def _check_options(path: Path, written: Mapping[str, Any]) -> None:
    _check_names(path, "file", written, (*_LISTS, "currency_in", "categories", "stock_seed"))
    for name in _LISTS:
        if not _is_texts(written.get(name, [])):
            raise FeedProblem(f"The mapping {path}: {name} is not a list of texts.")
    _check_names(path, "lenient", written.get("lenient", ()), fields.COLUMNS)
    _check_names(path, "currency_in", [written.get("currency_in", "amounts")], ("amounts", "minor"))
    _check_names(path, "categories", [written[name] for name in ("categories",) if name in written], RULES)
    if not isinstance(written.get("stock_seed", 0), int):
        raise FeedProblem(f"The mapping {path}: stock_seed is not a whole number.")


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _check_names(path: Path, table: str, found: Iterable[Any], known: Collection[str]) -> None:
    for name in found:
        if not isinstance(name, str) or name not in known:
            raise FeedProblem(f"The mapping {path} has {name!r} in {table}, but known are: {', '.join(sorted(known))}.")


def _own(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row by our own names, where attributes and stock may have columns of their own."""
    found: dict[str, Any] = {}
    attributes: list[dict[str, Any]] = []
    stock: dict[str, Any] = {}
    has_own = False
    for key, value in row.items():
        if key in fields.COLUMNS:
            found[key] = value
        elif key.startswith(OWN_STOCK):
            stock[key.removeprefix(OWN_STOCK)] = value
        elif key.startswith(OWN_ATTRIBUTE):
            has_own = True
            if values.is_given(value):
                attributes.append(_own_attribute(key, value))
        else:
            refuse(Code.UNKNOWN, values.short(key), f"nothing is known of {values.short(key)}")
    if stock:
        found["stock"] = stock
    if has_own:
        written = found.get("attributes")
        found["attributes"] = [
            *(values.objects("attributes", written) if values.is_given(written) else ()),
            *attributes,
        ]
    return found


def _own_attribute(key: str, value: Any) -> dict[str, Any]:
    code = key.removeprefix(OWN_ATTRIBUTE)
    if isinstance(value, bool):
        return {"code": code, "value": "Yes" if value else "No", "kind": AttributeKind.FLAG.value}
    if not isinstance(value, str | int | float | Decimal):
        refuse(Code.INVALID, key, f"{key} is not a single value")
    return {"code": code, "value": str(value)}


def _is_good(ours: str, value: Any) -> bool:
    try:
        fields.COLUMNS[ours][1](ours, value)
    except RefusedRow:
        return False
    return True


def _from_minor(value: Any) -> Any:
    if not values.is_given(value):
        return value
    # A price that is no whole number would be an amount, and a hundred times too small.
    units = values.whole("price", value, least=-(10**15), most=10**15)
    return values.number("price", units).scaleb(-exponent(settings.CURRENCY))


@lru_cache(maxsize=20_000)
def _described(key: str, prefixes: tuple[str, ...], kinds: tuple[str, ...]) -> tuple[str, str, str]:
    """Code, name and kind of an attribute: ``thermal_design_power__tdp_`` is "Thermal design power (tdp)"."""
    prefix, kind = next((prefix, kind) for prefix, kind in zip(prefixes, kinds, strict=True) if key.startswith(prefix))
    name = _IN_BRACKETS.sub(r" (\1)", key.removeprefix(prefix)).replace("_", " ").strip()
    name = values.text("a column's name", name, longest=1000)
    return slugify(name)[:100], name[:1].upper() + name[1:200], kind
