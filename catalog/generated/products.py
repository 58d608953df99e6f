"""Blocks of products as lines that COPY reads: the same for the same plan, whoever makes them and in whatever order."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from functools import cache
from random import Random

from django.utils.text import slugify

from catalog.generated.families import SHARE_UNREVIEWED, Families, Family, Variant
from catalog.generated.plan import BLOCK, Plan
from catalog.generated.words import NULL

VALUES_EACH = 8  # ids for values of a product; it has at most six
FAMILY_COLUMNS = (
    "id",
    "title",
    "category_id",
    "brand_id",
    "seller_id",
    "variation_axes",
    "code",
    "is_active",
    "created_at",
    "updated_at",
)
PRODUCT_COLUMNS = (
    "id",
    "family_id",
    "sku",
    "eans",
    "slug",
    "title",
    "description",
    "price",
    "compare_at_price",
    "currency",
    "tax_class",
    "weight_grams",
    "rating",
    "review_count",
    "max_per_order",
    "position",
    "is_active",
    "released_at",
    "created_at",
    "updated_at",
)
VALUE_COLUMNS = ("id", "product_id", "attribute_id", "value", "number", "position")
_MOST_REVIEWS = 60_000
_SIZE_STEP = 0.09  # each size costs so much more than the one before
_ENDINGS = ("99", "99", "99", "99", "99", "49", "95", "00")
_FEW_PER_ORDER = 0.02


@dataclass(frozen=True, slots=True)
class Lines:
    """A block as text for COPY, and how many reviews each of its products has: what is much reviewed is much bought."""

    families: bytes
    products: bytes
    values: bytes
    reviews: tuple[int, ...]


class Catalogue:
    """Makes the blocks of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._families = Families(seed=plan.seed, brands=len(plan.places.brands), sellers=len(plan.places.sellers))
        midnight = plan.now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        self._days = [str(midnight - timedelta(days=days)) for days in range(1502)]
        self._now = str(plan.now)

    def block(self, number: int) -> Lines:
        """Block ``number`` of the plan, which begins with 0."""
        plan = self._plan
        rng = Random(f"{plan.seed} block {plan.first // BLOCK + number}")  # noqa: S311 - the same for everybody is what is wanted
        families: list[str] = []
        products: list[str] = []
        values: list[str] = []
        reviews: list[int] = []
        size = plan.size(number)
        while len(products) < size:
            place = number * BLOCK + len(products)
            family = self._families.draw(rng, room=size - len(products))
            families.append(self._family_line(family, place))
            self._add_products(rng, family, place, products, reviews)
            self._add_values(family, place, values)
        return Lines(
            families="".join(families).encode(),
            products="".join(products).encode(),
            values="".join(values).encode(),
            reviews=tuple(reviews),
        )

    def _family_line(self, family: Family, place: int) -> str:
        plan, places = self._plan, self._plan.places
        return (
            f"{plan.family_ids + place}\t{family.title}\t{places.categories[family.leaf.path]}\t"
            f"{places.brands[family.brand]}\t{places.sellers[family.seller]}\t{{{','.join(family.axes)}}}\t"
            f"F{plan.first + place + 1:08}\tt\t{self._now}\t{self._now}\n"
        )

    def _add_products(self, rng: Random, family: Family, place: int, lines: list[str], reviews: list[int]) -> None:
        plan, family_id = self._plan, self._plan.family_ids + place
        common = f"{plan.currency}\t{family.leaf.kind.tax_class}\t{family.weight}"
        released = self._days[family.age]
        for position, variant in enumerate(family.variants):
            index = place + position
            number = plan.first + index + 1
            price, before = _prices(rng, family, variant)
            count, rating = _reviews(rng, family)
            reviews.append(count)
            suffix, slug = _suffixes(variant)
            most = 5 if rng.random() < _FEW_PER_ORDER else 30
            lines.append(
                f"{plan.product_ids + index}\t{family_id}\tG{number:08}\t{{{_ean(number)}}}\t"
                f"{family.slug}{slug}-g{number}\t{family.title}{suffix}\t{family.description}\t{price}\t{before}\t"
                f"{common}\t{rating}\t{count}\t{most}\t{position}\tt\t{released}\t{self._now}\t{self._now}\n"
            )

    def _add_values(self, family: Family, place: int, lines: list[str]) -> None:
        attributes = self._plan.places.attributes
        colour, size = attributes["colour"], attributes["size"]
        shared = list(_numbered(family, attributes))
        for position, variant in enumerate(family.variants):
            product_id = self._plan.product_ids + place + position
            next_id = self._plan.value_ids + (place + position) * VALUES_EACH
            if variant.colour:
                lines.append(f"{next_id}\t{product_id}\t{colour}\t{variant.colour}\t{NULL}\t0\n")
            if variant.size:
                lines.append(f"{next_id + 1}\t{product_id}\t{size}\t{variant.size}\t{NULL}\t1\n")
            for place_of_value, rest in shared:
                lines.append(f"{next_id + place_of_value}\t{product_id}\t{rest}")


def _numbered(family: Family, attributes: Mapping[str, int]) -> Iterator[tuple[int, str]]:
    """The values that all variants share, with their places, those of the two axes being first."""
    for place, (code, value) in enumerate(family.values, start=2):
        yield place, f"{attributes[code]}\t{value.shown}\t{value.number}\t{place}\n"


def _prices(rng: Random, family: Family, variant: Variant) -> tuple[str, str]:
    """What a variant costs, and what it cost before where it is on sale."""
    amount = max(int(family.price * (1 + _SIZE_STEP * variant.step)), 1)
    price = f"{amount}.{_ENDINGS[rng.getrandbits(3)]}"
    return price, f"{int(amount * (1.1 + 0.5 * rng.random())) + 1}.99" if family.on_sale else NULL


def _reviews(rng: Random, family: Family) -> tuple[int, str]:
    """How many reviews a variant has, and their mean."""
    if rng.random() < SHARE_UNREVIEWED:
        return 0, "0"
    count = min(int(family.demand * rng.expovariate(0.2)), _MOST_REVIEWS)
    if not count:
        return 0, "0"
    return count, f"{min(max(family.quality + rng.gauss(0, 0.15), 1.0), 5.0):.2f}"


@cache
def _suffixes(variant: Variant) -> tuple[str, str]:
    """What a variant adds to title and address; there are few different ones."""
    parts = [part for part in (variant.colour, variant.size) if part]
    return "".join(f", {part}" for part in parts), "".join(f"-{slugify(part)}" for part in parts)


def _ean(number: int) -> str:
    """A number of the range that is for use inside a shop, with its check digit."""
    digits = f"20{number:010}"
    odd, even = sum(map(int, digits[::2])), sum(map(int, digits[1::2]))
    return f"{digits}{-(odd + 3 * even) % 10}"
