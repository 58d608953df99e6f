"""What an import or the demo hands over to be written."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from catalog.types import AttributeKind, TaxClass
from core.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeRecord:
    """One value of a product to be written; ``unit``, ``kind`` and ``is_filter`` count where the attribute is new."""

    code: str
    name: str
    value: str
    kind: str = AttributeKind.TEXT
    number: Decimal | None = None
    unit: str = ""
    is_filter: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecord:
    """A picture to be written: the name of a file in storage, or the address it was announced under."""

    file: str = ""
    source_url: str = ""
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryRecord:
    """A category to be written. ``path`` is its slug path; what is above it comes before it."""

    path: str
    name: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductRecord:
    """A product to be written, found again by its SKU. ``family_code`` gathers variants, ``category`` is a slug path.

    Without a ``slug`` it keeps the address it has, or gets one made of its title.
    """

    sku: str
    title: str
    brand: str
    seller: str
    category: str
    price: Money
    family_code: str
    family_title: str
    family_active: bool = True
    slug: str = ""
    description: str = ""
    compare_at_price: Decimal | None = None
    eans: tuple[str, ...] = ()
    tax_class: str = TaxClass.STANDARD
    weight_grams: int = 0
    rating: Decimal = Decimal(0)
    review_count: int = 0
    max_per_order: int = 30
    position: int = 0
    released_at: datetime | None = None
    is_active: bool = True
    variation_axes: tuple[str, ...] = ()
    attributes: tuple[AttributeRecord, ...] = ()
    pictures: tuple[PictureRecord, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredProduct:
    """A product as it is in the shop."""

    id: int
    family_id: int
    record: ProductRecord
