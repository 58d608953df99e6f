"""Facts about the catalogue that others act on."""

from dataclasses import dataclass

from catalog.types import PartKind
from core.event_types import event
from core.events import CATALOG_EVENTS


@event("product.changed", topic=CATALOG_EVENTS, key="the product's id")
@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChanged:
    """A product, or what its family is called and where it lies, is not what it was."""

    product_id: int


@event("catalog.part_changed", topic=CATALOG_EVENTS, key="kind and id, as in `brand-7`")
@dataclass(frozen=True, slots=True, kw_only=True)
class PartChanged:
    """A category, brand, seller or attribute is not what it was."""

    kind: PartKind
    id: int
