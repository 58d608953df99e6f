"""What other apps see of the stock."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinates:
    """A place on earth, in degrees."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """That a cart line shall hold ``quantity`` units until ``expires_at``, whatever it holds now."""

    cart_line_id: int
    product_id: int
    quantity: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What a cart line holds, over all warehouses, and until when all of it is held."""

    cart_line_id: int
    quantity: int
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderMove:
    """Units that go from a cart line's hold to an order line's, or back."""

    cart_line_id: int
    order_line_id: int
    product_id: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LineMerge:
    """That the hold of one cart line joins another's of the same product, which shall then hold at most ``quantity``.

    ``expires_at`` is the latest that the joined hold may end: a merge prolongs nothing.
    """

    from_line_id: int
    to_line_id: int
    product_id: int
    quantity: int
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleLine:
    """Units of an order line."""

    order_line_id: int
    product_id: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseAvailability:
    """How many units an active warehouse can promise."""

    code: str
    name: str
    available: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Availability:
    """How many units of a product can be promised: in all, and by active warehouse. Low stock is stock, but little."""

    product_id: int
    available: int
    in_stock: bool
    low_stock: bool
    warehouses: tuple[WarehouseAvailability, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLevel:
    """A product's stock in a warehouse after a change."""

    product_id: int
    warehouse_id: int
    quantity: int
    reserved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedHolds:
    """What one run of the expiry gave back."""

    holds: int
    units: int
    carts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockDifference:
    """A row whose ``field`` says ``found`` where ledger or holds say ``expected``; ``repaired`` once it was set right.

    For ``field`` "holder" the row is a reservation of ``found`` units whose cart or order line does not exist.
    """

    field: str
    row_id: int
    product_id: int
    warehouse_id: int
    found: int
    expected: int
    repaired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryReport:
    """What `check_inventory` found in one snapshot. Oversold counts rows that promised more than there is."""

    rows: int
    differences: tuple[StockDifference, ...]
    oversold: int
