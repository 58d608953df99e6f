"""The demo's products, from the texts in `shop/`: seeded, so that every clone of the shop sells the same things."""

import random
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product as combinations
from pathlib import Path
from typing import Any

from django.utils.text import slugify

from catalog.records import AttributeRecord, CategoryRecord, PictureRecord, ProductRecord
from catalog.types import AttributeKind
from core.money import Money

SEED = 2026
CURRENCY = "USD"
SELLER = "Harbour"
FILTERS = frozenset(
    {
        "age",
        "burn-time",
        "capacity",
        "colour",
        "diameter",
        "fit",
        "format",
        "frost-proof",
        "height",
        "material",
        "neckline",
        "nib",
        "pages",
        "paper-weight",
        "pieces",
        "players",
        "ruling",
        "scent",
        "size",
        "suitable-for",
        "surface",
        "thickness",
        "tip",
    }
)
_MEASURE = re.compile(r"(-?\d+(?:\.\d+)?) (\S+)")
_SHARE_ON_SALE = 0.16
_SHARE_NEW = 0.12
_REVIEWED = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureOrder:
    """A picture that products name by ``file`` and that is drawn once for all of them."""

    file: str
    kind: str
    colour: str
    ground: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoShop:
    """Everything the demo sells."""

    categories: tuple[CategoryRecord, ...]
    products: tuple[ProductRecord, ...]
    pictures: tuple[PictureOrder, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    """A family as written in `shop/`, with where it was found."""

    code: str
    category: str
    picture: str
    written: dict[str, Any]


def read_demo(*, now: datetime) -> DemoShop:
    """Read the texts and decide prices, ratings and dates by the seed; releases count back from the day of ``now``."""
    categories: list[CategoryRecord] = []
    entries: list[_Entry] = []
    for number, path in enumerate(sorted(Path(__file__).with_name("shop").glob("*.toml")), start=1):
        department = tomllib.loads(path.read_text(encoding="utf-8"))
        categories += _categories(department)
        entries += _entries(department, number)
    units = _units(entries)
    products = [record for entry in entries for record in _variants(entry, units, now)]
    orders = {order.file: order for entry in entries for order in _pictures(entry)}
    return DemoShop(categories=tuple(categories), products=tuple(products), pictures=tuple(orders.values()))


def _categories(department: dict[str, Any]) -> Iterator[CategoryRecord]:
    root = slugify(department["name"])
    yield CategoryRecord(path=root, name=department["name"], description=department["description"])
    for category in department["categories"]:
        yield CategoryRecord(path=f"{root}/{slugify(category['name'])}", name=category["name"])


def _entries(department: dict[str, Any], number: int) -> Iterator[_Entry]:
    root = slugify(department["name"])
    for row, category in enumerate(department["categories"], start=1):
        for place, family in enumerate(category["families"], start=1):
            yield _Entry(
                code=f"HB{number}{row}{place:02}",
                category=f"{root}/{slugify(category['name'])}",
                picture=family.get("picture", category["picture"]),
                written=family,
            )


def _units(entries: list[_Entry]) -> dict[str, str]:
    """The unit of each specification that is a number with the same unit wherever it is given."""
    seen: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        for name, value in entry.written["specs"].items():
            measure = _MEASURE.fullmatch(value)
            seen[name].add(measure[2] if measure else "")
    return {name: min(units) for name, units in seen.items() if len(units) == 1 and "" not in units}


def _variants(entry: _Entry, units: dict[str, str], now: datetime) -> Iterator[ProductRecord]:
    family = entry.written
    axes: dict[str, list[str]] = family.get("axes", {})
    chance = random.Random(f"{SEED} {entry.code}")  # noqa: S311 - the same for everybody is what is wanted
    on_sale = chance.random() < _SHARE_ON_SALE
    age = timedelta(days=chance.randint(1, 40) if chance.random() < _SHARE_NEW else chance.randint(60, 900))
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    quality = chance.gauss(4.3, 0.35)
    for position, values in enumerate(combinations(*axes.values())):
        chosen = dict(zip(axes, values, strict=True))
        sku = f"{entry.code}-{position + 1:02}"
        price = _price(family, axes, chosen)
        reviews = int(chance.expovariate(1 / 40)) if chance.random() < _REVIEWED else 0
        rating = min(max(quality + chance.gauss(0, 0.15), 2.0), 5.0) if reviews else 0.0
        yield ProductRecord(
            sku=sku,
            title=", ".join([family["title"], *values]),
            brand=family["brand"],
            seller=SELLER,
            category=entry.category,
            price=Money(price, CURRENCY),
            compare_at_price=_rounded(price * Decimal("1.25")) if on_sale else None,
            family_code=entry.code,
            family_title=family["title"],
            description=family["text"],
            eans=(_ean(sku),),
            weight_grams=family["weight"],
            rating=Decimal(f"{rating:.2f}"),
            review_count=reviews,
            position=position,
            released_at=midnight - age,
            variation_axes=tuple(axes),
            attributes=tuple(_attributes(family, chosen, units)),
            pictures=(PictureRecord(file=_picture(entry, _colour(family, chosen)).file, alt=_alt(family, chosen)),),
        )


def _price(family: dict[str, Any], axes: dict[str, list[str]], chosen: dict[str, str]) -> Decimal:
    """The price of a size: each one costs a step more than the one before."""
    steps = axes["size"].index(chosen["size"]) if "step" in family else 0
    return Decimal(family["price"]) + steps * Decimal(family.get("step", "0"))


def _rounded(amount: Decimal) -> Decimal:
    """A price as shops write it, ending in a full amount."""
    return amount.quantize(Decimal(1)).quantize(Decimal("0.01"))


def _colour(family: dict[str, Any], chosen: dict[str, str]) -> str:
    colour: str = chosen.get("colour") or family["colour"]
    return colour


def _alt(family: dict[str, Any], chosen: dict[str, str]) -> str:
    return f"{family['title']}, {_colour(family, chosen).lower()}"


def _attributes(family: dict[str, Any], chosen: dict[str, str], units: dict[str, str]) -> Iterator[AttributeRecord]:
    for axis, value in {"colour": _colour(family, chosen), **chosen}.items():
        yield AttributeRecord(code=axis, name=axis.capitalize(), value=value)
    for name, value in family["specs"].items():
        if name in units:
            number = value.removesuffix(f" {units[name]}")
            yield AttributeRecord(
                code=slugify(name),
                name=name,
                value=number,
                number=Decimal(number),
                kind=AttributeKind.NUMBER,
                unit=units[name],
            )
        else:
            yield AttributeRecord(code=slugify(name), name=name, value=value)


def _pictures(entry: _Entry) -> Iterator[PictureOrder]:
    axes = entry.written.get("axes", {})
    for colour in axes.get("colour", [entry.written.get("colour")]):
        yield _picture(entry, colour)


def _picture(entry: _Entry, colour: str) -> PictureOrder:
    ground = random.Random(f"{entry.picture} {colour}").randrange(6)  # noqa: S311 - as above
    return PictureOrder(
        file=f"products/demo/{entry.picture}-{colour.lower()}.webp", kind=entry.picture, colour=colour, ground=ground
    )


def _ean(sku: str) -> str:
    """A number of the range that is for use inside a shop, with its check digit."""
    digits = f"200{int(re.sub(r'[^0-9]', '', sku)):09}"
    odd, even = (sum(int(digit) for digit in digits[start::2]) for start in (0, 1))
    return f"{digits}{-(odd + 3 * even) % 10}"
