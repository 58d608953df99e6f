"""What other apps see of the catalogue."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.money import Money


class TaxClass(models.TextChoices):
    """How a product is taxed; `pricing.TaxRate` says what that means in a country."""

    STANDARD = "standard", _("Standard")
    REDUCED = "reduced", _("Reduced")
    ZERO = "zero", _("Zero")


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
class FamilyCard:
    """A family in a list: its first sellable product, and from what price on its variants are to be had."""

    family_id: int
    product_id: int
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
