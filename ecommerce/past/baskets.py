"""What people bought together, and when: pure decisions, drawn by a seed.

Some products are bought far more often than others; what is in a basket goes together; the shop grows, has its hours and its
December. A basket depends on the seed and on its own number alone, so that a run that was interrupted goes on with the same ones.
"""

import random
from bisect import bisect
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import accumulate

DAYS = 730
FIRST = 24
_HOURS = (2, 1, 1, 1, 1, 2, 4, 7, 9, 10, 11, 11, 12, 11, 10, 10, 11, 13, 15, 18, 20, 17, 11, 6)
_WEEKDAYS = (10, 9, 9, 10, 11, 13, 14)
_DECEMBER, _NOVEMBER = 2.0, 1.5
_GROWTH = 1.4  # how much more is sold at the end than in the beginning
_SIZES, _SIZE_WEIGHTS = (1, 2, 3, 4, 5, 6, 8), (46, 24, 13, 8, 5, 3, 1)
_PARTNER, _COMPANION, _SAME = 0.45, 0.3, 0.12
_PARTNERS = 2
_ATTEMPTS = 50
# What goes with what, beside what lies in the same department; addresses of the demo's categories, both ways.
COMPANIONS = (
    ("kitchen-dining/coffee-tea", "kitchen-dining/tableware"),
    ("kitchen-dining/cookware", "kitchen-dining/knives"),
    ("kitchen-dining/cookware", "kitchen-dining/food-storage"),
    ("home-living/bedding", "home-living/cushions-throws"),
    ("home-living/lamps", "home-living/furniture"),
    ("home-living/candles", "home-living/cushions-throws"),
    ("home-living/candles", "kitchen-dining/tableware"),
    ("clothing/jackets", "clothing/hats-socks"),
    ("clothing/trousers", "clothing/shirts-t-shirts"),
    ("clothing/sweaters", "clothing/hats-socks"),
    ("bags-travel/backpacks", "bags-travel/bottles-flasks"),
    ("bags-travel/suitcases", "bags-travel/wallets"),
    ("bags-travel/umbrellas", "clothing/jackets"),
    ("sports-outdoors/tents", "sports-outdoors/sleeping-bags"),
    ("sports-outdoors/tents", "bags-travel/backpacks"),
    ("sports-outdoors/running-shoes", "clothing/hats-socks"),
    ("sports-outdoors/yoga", "bags-travel/bottles-flasks"),
    ("sports-outdoors/cycling", "bags-travel/bottles-flasks"),
    ("toys-games/puzzles", "toys-games/board-games"),
    ("toys-games/building-blocks", "toys-games/soft-toys"),
    ("stationery-art/notebooks", "stationery-art/pens-pencils"),
    ("stationery-art/art-supplies", "stationery-art/pens-pencils"),
    ("stationery-art/calendars-cards", "stationery-art/desk-organisers"),
    ("garden/plant-pots", "garden/hand-tools"),
    ("garden/watering", "garden/plant-pots"),
    ("garden/birds-insects", "garden/garden-lanterns"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sold:
    """A product that can be in a basket; ``demand`` is how often, beside the others."""

    id: int
    family: int
    category: str
    demand: float
    released: datetime | None = None

    def existed(self, at: datetime) -> bool:
        """Whether it could be bought then."""
        return self.released is None or self.released <= at


@dataclass(frozen=True, slots=True, kw_only=True)
class Basket:
    """What was bought: when, by which shopper (None for a guest), and so many of each product (id, quantity)."""

    number: int
    at: datetime
    shopper: int | None
    lines: tuple[tuple[int, int], ...]


class Assortment:
    """The products, ready to be drawn from."""

    def __init__(self, products: Sequence[Sold], *, seed: int) -> None:
        self._seed = seed
        self._all = _Urn(products)
        by_category: dict[str, list[Sold]] = defaultdict(list)
        for product in products:
            by_category[product.category].append(product)
        self._categories = {path: _Urn(found) for path, found in sorted(by_category.items())}
        self._companions = self._pairs()

    def draw(self, chance: random.Random, size: int, at: datetime) -> list[Sold]:
        """``size`` different products that somebody may have bought together then; fewer where it finds no more."""
        first = self._first(chance, at)
        basket = {first.family: first} if first else {}
        for _attempt in range(size * 3):
            if first is None or len(basket) >= size:
                break
            found = self._next_to(first, chance)
            if found.existed(at):
                basket.setdefault(found.family, found)
        return list(basket.values())

    def _first(self, chance: random.Random, at: datetime) -> Sold | None:
        drawn = (self._all.draw(chance) for _attempt in range(_ATTEMPTS))
        return next((product for product in drawn if product.existed(at)), None)

    def _next_to(self, first: Sold, chance: random.Random) -> Sold:
        fate = chance.random()
        if fate < _PARTNER:
            return self._partner(first, chance.randrange(_PARTNERS))
        if fate < _PARTNER + _COMPANION:
            return self._categories[chance.choice(self._companions[first.category])].draw(chance)
        return (self._categories[first.category] if fate < _PARTNER + _COMPANION + _SAME else self._all).draw(chance)

    def _partner(self, first: Sold, which: int) -> Sold:
        """One of the few products that this family is bought with time and again."""
        chance = random.Random(f"{self._seed} partner {first.family} {which}")  # noqa: S311 - as in `people`
        return self._categories[chance.choice(self._companions[first.category])].draw(chance)

    def _pairs(self) -> dict[str, list[str]]:
        """The categories that go with each: those of COMPANIONS that there are, or else those of the same department."""
        paths = list(self._categories)
        found: dict[str, list[str]] = defaultdict(list)
        for one, other in COMPANIONS:
            if one in self._categories and other in self._categories:
                found[one].append(other)
                found[other].append(one)
        for path in paths:
            if path not in found:
                near = [other for other in paths if other.partition("/")[0] == path.partition("/")[0] and other != path]
                found[path] = near[:3] or [path]
        return found


class _Urn:
    """Products to draw from, by their demand."""

    def __init__(self, products: Sequence[Sold]) -> None:
        self._products = products
        self._sums = list(accumulate(product.demand for product in products))

    def draw(self, chance: random.Random) -> Sold:
        return self._products[min(bisect(self._sums, chance.random() * self._sums[-1]), len(self._products) - 1)]


@dataclass(frozen=True)
class Calendar:
    """The two years up to ``now``, of which some days sell more than others."""

    now: datetime

    @cached_property
    def _sums(self) -> list[float]:
        return list(accumulate(self._weight(day) for day in range(DAYS)))

    def moment(self, share: float, chance: random.Random) -> datetime:
        """When the order was placed before which there were ``share`` of all (0 to 1)."""
        day = min(bisect(self._sums, share * self._sums[-1]), DAYS - 1)
        (hour,) = chance.choices(range(24), weights=_HOURS)
        begin = self._day(day).replace(hour=hour, minute=chance.randrange(60), second=chance.randrange(60))
        return min(begin, self.now - timedelta(minutes=1))

    def _weight(self, day: int) -> float:
        date = self._day(day)
        season = {12: _DECEMBER, 11: _NOVEMBER}.get(date.month, 1.0)
        return (1 + _GROWTH * day / DAYS) * _WEEKDAYS[date.weekday()] * season

    def _day(self, day: int) -> datetime:
        return self.now.replace(microsecond=0) - timedelta(days=DAYS - 1 - day)


def basket(
    *, number: int, total: int, seed: int, assortment: Assortment, calendar: Calendar, activity: Sequence[float]
) -> Basket:
    """Basket ``number`` of ``total``. ``activity`` has the running sums of how much each shopper buys."""
    chance = random.Random(f"{seed} basket {number}")  # noqa: S311 - as in `people`
    at = calendar.moment((number + chance.random()) / total, chance)
    shopper = bisect(activity, chance.random() * activity[-1]) if chance.random() > 0.05 else None
    (size,) = chance.choices(_SIZES, weights=_SIZE_WEIGHTS)
    lines = tuple((product.id, _quantity(chance)) for product in assortment.draw(chance, size, at))
    return Basket(number=number, at=at, shopper=shopper, lines=lines)


def activity(*, count: int, total: int, seed: int) -> list[float]:
    """How much each of ``count`` shoppers buys, as running sums: a few every week, many twice a year.

    The first, whom everybody logs in as, has about FIRST of ``total`` orders.
    """
    chance = random.Random(f"{seed} activity")  # noqa: S311 - as in `people`
    weights = [min(chance.paretovariate(1.3), 30.0) for _ in range(count)]
    weights[0] = sum(weights[1:]) * FIRST / max(total, FIRST * 2)
    return list(accumulate(weights))


def demand(*, sku: str, reviews: int, seed: int) -> float:
    """How often a product is bought: what is much reviewed more, and the rest is chance."""
    chance = random.Random(f"{seed} demand {sku}")  # noqa: S311 - as in `people`
    return (reviews + 3) * chance.lognormvariate(0, 0.8)


def _quantity(chance: random.Random) -> int:
    return chance.choices((1, 2, 3, 4), weights=(84, 11, 3, 2))[0]
