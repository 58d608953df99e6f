"""Brands by a seed: a few make much, most make little, and each sells in its own departments."""

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from django.utils.text import slugify

from catalog.generated.skew import ranks
from catalog.generated.words import words

FEWEST, MOST = 60, 5000
PRODUCTS_EACH = 200
_EXPONENT = 1.05
_SHARE_BROAD = 0.06  # of the largest brands sell in several departments
_BROAD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """A brand to be. ``tier`` is how dear it is, 1 for the middle."""

    name: str
    slug: str
    departments: tuple[int, ...]
    tier: float


class Shelf:
    """The brands of a department, to draw from by how much they make."""

    def __init__(self, places: Sequence[int], weights: Sequence[float]) -> None:
        self._places = places
        self._reached = list(accumulate(weights))

    def draw(self, rng: Random) -> int:
        """The place of a brand in the list of all."""
        return self._places[min(bisect(self._reached, rng.random() * self._reached[-1]), len(self._places) - 1)]


def brand_count(products: int) -> int:
    """How many brands so many products have."""
    return min(max(products // PRODUCTS_EACH, FEWEST), MOST)


def make_brands(*, seed: int, count: int) -> tuple[Brand, ...]:
    """``count`` brands, the largest first; the same for the same seed and count."""
    rng = Random(f"{seed} brands")  # noqa: S311 - the same for everybody is what is wanted
    departments = words().departments
    first = rng.sample(range(departments), departments)  # one of the largest in each
    taken: set[str] = set()
    brands = []
    for place in range(count):
        name = next(name for name in iter(lambda: _name(rng), "") if slugify(name) not in taken)
        taken.add(slugify(name))
        home = first[place] if place < departments else rng.randrange(departments)
        others = rng.sample(range(departments), _BROAD - 1) if place < count * _SHARE_BROAD else []
        brands.append(
            Brand(
                name=name,
                slug=slugify(name),
                departments=tuple(dict.fromkeys([home, *others])),
                tier=rng.lognormvariate(0, 0.3),
            )
        )
    return tuple(brands)


def shelves(brands: Sequence[Brand]) -> tuple[Shelf, ...]:
    """The brands of each department."""
    return tuple(_shelves(brands))


def _shelves(brands: Sequence[Brand]) -> Iterator[Shelf]:
    weights = ranks(len(brands), _EXPONENT)
    for department in range(words().departments):
        places = [place for place, brand in enumerate(brands) if department in brand.departments]
        yield Shelf(places, [weights[place] for place in places])


def invented(rng: Random) -> str:
    """A word that means nothing, as names of brands and of product lines do."""
    known = words()
    middle = "".join(rng.choice(known.syllables) for _ in range(rng.choice((1, 1, 1, 2))))
    return f"{middle}{rng.choice(known.endings)}".capitalize()


def _name(rng: Random) -> str:
    return " ".join(filter(None, (invented(rng), rng.choice(words().brand_tails))))
