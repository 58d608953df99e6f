"""What other apps see of the catalogue."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.money import Money


class TaxClass(models.TextChoices):
    """How a product is taxed; `pricing.TaxRate` says what that means in a country."""

    STANDARD = "standard", _("Standard")
    REDUCED = "reduced", _("Reduced")
    ZERO = "zero", _("Zero")


class SortOrder(models.TextChoices):
    """How a list is ordered. Relevance is closeness to the query, popularity where there is none."""

    RELEVANCE = "relevance", _("Most relevant")
    PRICE_ASC = "price_asc", _("Price: low to high")
    PRICE_DESC = "price_desc", _("Price: high to low")
    RATING = "rating", _("Best rated")
    NEWEST = "newest", _("Newest")
    BEST_SELLING = "best_selling", _("Best selling")


class PartKind(StrEnum):
    """What many products share, and what they change with."""

    CATEGORY = "category"
    BRAND = "brand"
    SELLER = "seller"
    ATTRIBUTE = "attribute"


class AttributeKind(models.TextChoices):
    """What an attribute's values are."""

    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    FLAG = "flag", _("Yes or no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture of a product: addresses of its three sizes, a text for those who do not see it."""

    card_url: str
    page_url: str
    line_url: str
    alt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeValue:
    """One row of a specification table, ready to show."""

    code: str
    name: str
    value: str
    number: Decimal | None
    unit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryLink:
    """A category as a link: ``path`` is what follows /c/."""

    id: int
    name: str
    path: str
    count: int | None = None

    @property
    def depth(self) -> int:
        """How many categories are above it."""
        return self.path.count("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class SellableProduct:
    """What cart, pricing and orders need to know of a product, read fresh; never to be cached for money."""

    id: int
    sku: str
    slug: str
    title: str
    price: Money
    tax_class: str
    weight_grams: int
    max_per_order: int
    is_active: bool
    picture: Picture | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedProduct:
    """A product on sale, as those need it who look at all of them. ``category`` is a slug path."""

    id: int
    family_id: int
    sku: str
    title: str
    price: Money
    tax_class: str
    weight_grams: int
    category: str
    review_count: int
    released_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantAttribute:
    """One value of an attribute of a variant; ``is_filter`` where shoppers may narrow lists by it."""

    code: str
    name: str
    value: str
    unit: str
    is_filter: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantFacts:
    """A product on sale with all that is said of it; ``picture`` is the name of a file, empty where there is none."""

    id: int
    sku: str
    eans: tuple[str, ...]
    slug: str
    title: str
    description: str
    price: Money
    rating: Decimal
    review_count: int
    position: int
    released_at: datetime | None
    picture: str
    attributes: tuple[VariantAttribute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyFacts:
    """A family with all of it that is on sale. ``category`` is a slug path, ``category_names`` lead from the root to it."""

    id: int
    title: str
    brand: str
    brand_name: str
    category_id: int
    category: str
    category_names: tuple[str, ...]
    variants: tuple[VariantFacts, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyCard:
    """A family in a list: its first sellable product, and from what price on its variants are to be had."""

    family_id: int
    product_id: int
    sku: str
    slug: str
    title: str
    brand: str
    price: Money
    compare_at_price: Money | None
    price_varies: bool
    variant_count: int
    rating: Decimal
    review_count: int
    is_new: bool
    picture: Picture | None
    category_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantChoice:
    """One choice of the variant switcher: an axis' value and the product that has it, with the other axes kept where possible."""

    value: str
    slug: str
    selected: bool
    exact: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantAxis:
    """One row of the variant switcher, such as Colour."""

    code: str
    name: str
    choices: tuple[VariantChoice, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductPage:
    """Everything the product page and the API's product detail show."""

    id: int
    family_id: int
    sku: str
    eans: tuple[str, ...]
    slug: str
    title: str
    description: str
    brand: str
    brand_slug: str
    seller: str
    price: Money
    compare_at_price: Money | None
    rating: Decimal
    review_count: int
    max_per_order: int
    released_at: datetime | None
    is_active: bool
    breadcrumbs: tuple[CategoryLink, ...]
    pictures: tuple[Picture, ...]
    attributes: tuple[AttributeValue, ...]
    axes: tuple[VariantAxis, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingFilters:
    """What a list is narrowed to. Several values of one name widen it, names narrow each other.

    ``category`` is a slug path such as ``kitchen/knives``, ``brands`` are slugs, prices are amounts of the shop's currency, both
    ends included, ``rating`` is the least one, ``attributes`` pairs an attribute's code with the values wanted.
    """

    category: str = ""
    query: str = ""
    brands: tuple[str, ...] = ()
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    rating: Decimal | None = None
    in_stock: bool = False
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    sort: str = SortOrder.RELEVANCE

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but category and query narrows the list, so that "clear filters" has something to do."""
        prices = self.price_min is not None or self.price_max is not None
        return bool(self.brands or prices or self.rating is not None or self.in_stock or self.attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """One choice of a facet: ``value`` goes into the address, ``label`` is shown, ``count`` is families."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRange:
    """One range of prices of the shop's currency, from ``minimum`` to below ``maximum``; None is open."""

    key: str
    minimum: Decimal | None
    maximum: Decimal | None
    count: int
    selected: bool

    @property
    def highest(self) -> Decimal | None:
        """The highest price within: what a filter, which includes its bounds, is given."""
        return None if self.maximum is None else self.maximum - Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeFacet:
    """The values of one attribute, the most frequent first; ``attr.CODE`` in addresses."""

    code: str
    name: str
    unit: str
    values: tuple[FacetValue, ...]

    @property
    def parameter(self) -> str:
        """What its choices are called in addresses."""
        return f"attr.{self.code}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceNames:
    """Names of brands by slug, names and units of attributes by code, and categories with their counts."""

    brands: Mapping[str, str]
    attributes: Mapping[str, tuple[str, str]]
    categories: tuple[CategoryLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """What a list can be narrowed by. Each count tells what would be listed with that choice and all other filters."""

    categories: tuple[CategoryLink, ...]
    brands: tuple[FacetValue, ...]
    price_ranges: tuple[PriceRange, ...]
    ratings: tuple[FacetValue, ...]
    in_stock: int
    attributes: tuple[AttributeFacet, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """A category at the root, as the shop's navigation shows it."""

    id: int
    name: str
    path: str
    description: str
    picture_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryPage:
    """A category with the way to it (itself last) and what is right below it."""

    id: int
    name: str
    path: str
    description: str
    breadcrumbs: tuple[CategoryLink, ...]
    children: tuple[CategoryLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryNode:
    """A category with everything below it."""

    id: int
    name: str
    slug: str
    path: str
    children: tuple["CategoryNode", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePage:
    """What the front page shows."""

    departments: tuple[Department, ...]
    popular: tuple[FamilyCard, ...]
    newest: tuple[FamilyCard, ...]
    deals: tuple[FamilyCard, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductHit:
    """A product that may be meant."""

    id: int
    sku: str
    slug: str
    title: str
    price: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class BrandLink:
    """A brand, with the slug that lists are narrowed by."""

    slug: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestions:
    """What may be meant by what has been typed so far."""

    products: tuple[ProductHit, ...]
    categories: tuple[CategoryLink, ...]
    brands: tuple[BrandLink, ...]
    queries: tuple[str, ...]
