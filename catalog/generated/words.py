"""The words that products are made of, read from the files beside this one and made ready to draw from."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from django.utils.text import slugify

from catalog.generated.skew import spread, weighed
from catalog.records import AttributeRecord, CategoryRecord
from catalog.types import AttributeKind, TaxClass

REDUCED = frozenset({"book", "food"})  # kinds that most countries tax less
NULL = r"\N"  # as COPY reads it


@dataclass(frozen=True, slots=True)
class Value:
    """A value of an attribute as it is shown, and its number as COPY reads it."""

    shown: str
    number: str = NULL


@dataclass(frozen=True, slots=True)
class Spec:
    """An attribute and its values to draw from; None where a product has none."""

    code: str
    values: tuple[Value | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How products of a kind are described. All tuples but ``axes`` and ``sizes`` are tables to draw from."""

    adjectives: tuple[str, ...]
    materials: tuple[str, ...]
    has_topics: bool
    axes: tuple[str, ...]
    sizes: tuple[str, ...]
    specs: tuple[Spec, ...]
    uses: tuple[str, ...]
    features: tuple[str, ...]
    openings: tuple[str, ...]
    middles: tuple[str, ...]
    tax_class: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A category that products are in. ``price`` is the middle of what they cost, ``nouns`` a table to draw from."""

    path: str
    department: int
    nouns: tuple[str, ...]
    price: float
    weight: int
    kind: Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Everything to draw from."""

    categories: tuple[CategoryRecord, ...]
    departments: int
    leaves: tuple[Leaf, ...]
    colours: tuple[str, ...]
    closings: tuple[str, ...]
    qualities: tuple[str, ...]
    places: tuple[str, ...]
    syllables: tuple[str, ...]
    endings: tuple[str, ...]
    brand_tails: tuple[str, ...]


@cache
def words() -> Words:
    """All words. Raises ValueError for one that COPY would not take as it is."""
    shared = _read("words")
    kinds = {
        name: _kind(name, written, shared)
        for name, written in _read("kinds").items()
        if name not in ("attributes", "filters")
    }
    departments = _read("departments")["departments"]
    return Words(
        categories=tuple(_categories(departments)),
        departments=len(departments),
        leaves=tuple(_leaves(departments, kinds)),
        colours=_listed(shared["colours"]),
        closings=spread(_lines(shared["closings"]), 0.7),
        qualities=spread(_listed(shared["qualities"])),
        places=spread(_listed(shared["places"])),
        syllables=tuple(shared["syllables"].split()),
        endings=tuple(shared["endings"].split()),
        brand_tails=_listed(shared["brand_tails"]),
    )


@cache
def attributes() -> Mapping[str, AttributeRecord]:
    """The attributes that products have, by code; the values of the records are of no use."""
    written = _read("kinds")
    filters = set(written["filters"]["codes"].split())
    return {
        code: AttributeRecord(
            code=code, name=name, value="-", kind=_attribute_kind(unit), unit=_unit(unit), is_filter=code in filters
        )
        for code, (name, unit) in written["attributes"].items()
    }


def _read(name: str) -> dict[str, Any]:
    text = Path(__file__).with_name(f"{name}.toml").read_text(encoding="ascii")
    if "\\" in text or "\t" in text:
        raise ValueError(f"{name}.toml: COPY takes neither backslashes nor tabs for what they are")
    return tomllib.loads(text)


def _attribute_kind(unit: str) -> str:
    if unit == "flag":
        return AttributeKind.FLAG
    return AttributeKind.NUMBER if unit else AttributeKind.TEXT


def _unit(unit: str) -> str:
    return "" if unit == "flag" else unit


def _kind(name: str, written: dict[str, Any], shared: dict[str, Any]) -> Kind:
    has_topics = written.get("topics", False)

    def sentences(key: str) -> tuple[str, ...]:
        return spread([line for line in _lines(shared[key]) if not (has_topics and "{material}" in line)], 0.7)

    return Kind(
        adjectives=spread(_listed(written["adjectives"])),
        materials=spread(_listed(written["materials"])),
        has_topics=has_topics,
        axes=tuple(written["axes"]),
        sizes=_listed(written["sizes"]) if "size" in written["axes"] else (),
        specs=tuple(_spec(line) for line in written["specs"]),
        uses=spread(_listed(written["uses"])),
        features=spread(_listed(written["features"])),
        openings=sentences("openings"),
        middles=sentences("middles"),
        tax_class=TaxClass.REDUCED if name in REDUCED else TaxClass.STANDARD,
    )


def _spec(line: str) -> Spec:
    code, _, written = line.partition(" ")
    if written.startswith("?"):
        share = float(written[1:])
        return Spec(code, weighed((Value("Yes"), Value("No")), (share, 1 - share)))
    is_number = attributes()[code].kind == AttributeKind.NUMBER
    if "/" in written:
        span, _, step = written.partition("/")
        first, _, last = span.partition("-")
        values = [f"{number.normalize():f}" for number in _range(first, last, step)]
        return Spec(code, spread([Value(value, value) for value in values], 0.5))
    choices = [None if value == "none" else Value(value, value if is_number else NULL) for value in written.split("|")]
    return Spec(code, spread(choices))


def _range(first: str, last: str, step: str) -> Iterator[Decimal]:
    number = Decimal(first)
    while number <= Decimal(last):
        yield number
        number += Decimal(step)


def _categories(departments: list[dict[str, Any]]) -> Iterator[CategoryRecord]:
    for department in departments:
        root = slugify(department["name"])
        yield CategoryRecord(path=root, name=department["name"])
        for category in department["categories"]:
            above = f"{root}/{slugify(category['name'])}"
            yield CategoryRecord(path=above, name=category["name"])
            for name in category["leaves"]:
                yield CategoryRecord(path=f"{above}/{slugify(name)}", name=name)


def _leaves(departments: list[dict[str, Any]], kinds: Mapping[str, Kind]) -> Iterator[Leaf]:
    for number, department in enumerate(departments):
        root = slugify(department["name"])
        for category in department["categories"]:
            for name, nouns in category["leaves"].items():
                path = f"{root}/{slugify(category['name'])}/{slugify(name)}"
                yield Leaf(
                    path=path,
                    department=number,
                    nouns=spread(_listed(nouns)),
                    # The same whatever the seed: what a kettle costs is no matter of chance.
                    price=category["price"] * Random(path).lognormvariate(0, 0.45),  # noqa: S311 - as above
                    weight=category["weight"],
                    kind=kinds[category["kind"]],
                )


def _listed(written: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in written.split(","))


def _lines(written: str) -> list[str]:
    return [line for line in written.splitlines() if line]
