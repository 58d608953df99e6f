"""Families as the words and the seed would have them: what they are called, what they cost, and which variants there are."""

from dataclasses import dataclass
from random import Random

from django.utils.text import slugify

from catalog.generated.brands import Brand, invented, make_brands, shelves
from catalog.generated.skew import BITS, spread, weighed
from catalog.generated.texts import describe, model_number, title_of
from catalog.generated.words import Leaf, Value, words

SIZES = weighed((1, 2, 3, 4, 5, 6, 8, 9, 12), (48, 13, 11, 9, 4, 6, 4, 2, 3))
LINES = 12_000  # of products, such as Velora; the last of them is as rare as words can be
SHARE_ON_SALE = 0.15
SHARE_UNREVIEWED = 0.18
# How many colours times how many sizes make so many variants of a family that differs by both.
_GRIDS = {4: (2, 2), 6: (2, 3), 8: (2, 4), 9: (3, 3), 12: (3, 4)}
_SHARE_BOTH = 0.7
_MATERIAL, _COLOUR = 0.55, 0.5  # shares of products that tell
_SPECS, _FEWEST_VALUES = (1, 2, 2, 3), 3


@dataclass(frozen=True, slots=True)
class Variant:
    """What sets a product apart from its siblings. ``step`` is its place among the sizes."""

    colour: str
    size: str
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family to be written. ``demand`` is how much it is wanted, 1 for the least; the middle is twice that."""

    leaf: Leaf
    brand: int
    seller: int
    title: str
    slug: str
    description: str
    axes: tuple[str, ...]
    variants: tuple[Variant, ...]
    values: tuple[tuple[str, Value], ...]
    price: float
    on_sale: bool
    demand: float
    quality: float
    weight: int
    age: int


class Families:
    """Draws families for a seed; made once in each process."""

    def __init__(self, *, seed: int, brands: int, sellers: int) -> None:
        rng = Random(f"{seed} families")  # noqa: S311 - the same for everybody is what is wanted
        known = words()
        self._leaves = spread(rng.sample(known.leaves, len(known.leaves)), 0.7)
        self._brands: tuple[Brand, ...] = make_brands(seed=seed, count=brands)
        self._shelves = shelves(self._brands)
        self._sellers = spread(range(sellers))
        self._lines = [invented(rng) for _ in range(LINES)]
        self._colours = spread(known.colours, 0.8)

    def draw(self, rng: Random, *, room: int) -> Family:
        """The next family of at most ``room`` products."""
        bits = rng.getrandbits
        leaf = self._leaves[bits(BITS)]
        kind = leaf.kind
        place = self._shelves[leaf.department].draw(rng)
        brand = self._brands[place]
        line = self._lines[int(LINES ** rng.random()) - 1]
        noun, adjective, material = leaf.nouns[bits(BITS)], kind.adjectives[bits(BITS)], kind.materials[bits(BITS)]
        model = model_number(rng)
        axes, variants = self._variants(rng, leaf, min(SIZES[bits(BITS)], room))
        title = title_of(
            rng, brand=brand.name, line=line, adjective=adjective, material=material, noun=noun, model=model
        )
        return Family(
            leaf=leaf,
            brand=place,
            seller=self._sellers[bits(BITS)],
            title=title,
            slug=slugify(title),
            description=describe(
                rng, kind, brand=brand.name, line=line, adjective=adjective, material=material, noun=noun, model=model
            ),
            axes=axes,
            variants=variants,
            values=tuple(self._values(rng, leaf, axes, material)),
            price=leaf.price * brand.tier * rng.lognormvariate(0, 0.5),
            on_sale=rng.random() < SHARE_ON_SALE,
            demand=rng.paretovariate(1.05),
            quality=rng.gauss(4.25, 0.4),
            weight=max(int(leaf.weight * rng.lognormvariate(0, 0.4)), 5),
            age=int(1500 * rng.random() ** 2) + 1,
        )

    def _variants(self, rng: Random, leaf: Leaf, count: int) -> tuple[tuple[str, ...], tuple[Variant, ...]]:
        """The axes and variants of a family of ``count``; less where there are not so many sizes."""
        sizes, has_colours = leaf.kind.sizes, "colour" in leaf.kind.axes
        if count == 1 or not leaf.kind.axes:
            return (), (Variant("", "", 0),)
        if sizes and has_colours and count in _GRIDS and rng.random() < _SHARE_BOTH:
            colours, steps = _GRIDS[count]
            axes: tuple[str, ...] = ("colour", "size")
        elif sizes and (not has_colours or rng.random() < 0.5):
            colours, steps, axes = 0, min(count, len(sizes)), ("size",)
        else:
            colours, steps, axes = min(count, 6), 0, ("colour",)
        first = rng.randrange(len(sizes) - steps + 1) if steps else 0
        return axes, tuple(
            Variant(colour, sizes[first + step] if steps else "", step)
            for colour in (self._some_colours(rng, colours) if colours else [""])
            for step in range(max(steps, 1))
        )

    def _some_colours(self, rng: Random, count: int) -> list[str]:
        found: dict[str, None] = {}
        while len(found) < count:
            found[self._colours[rng.getrandbits(BITS)]] = None
        return list(found)

    def _values(self, rng: Random, leaf: Leaf, axes: tuple[str, ...], material: str) -> "list[tuple[str, Value]]":
        """What all variants have in common: colour and material where told, and some of the kind's specifications."""
        kind = leaf.kind
        found: list[tuple[str, Value]] = []
        if "colour" not in axes and "colour" in kind.axes and rng.random() < _COLOUR:
            found.append(("colour", Value(self._colours[rng.getrandbits(BITS)])))
        if not kind.has_topics and rng.random() < _MATERIAL:
            found.append(("material", Value(material.capitalize())))
        most = len(found) + max(rng.choice(_SPECS), _FEWEST_VALUES - len(axes) - len(found))
        for spec in rng.sample(kind.specs, len(kind.specs)):
            value = spec.values[rng.getrandbits(BITS)]
            if len(found) < most and value is not None:
                found.append((spec.code, value))
        return found
