"""Stock of a generated catalogue: decided by a seed, and written with the movement that brought each unit."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from django.db import connection

from core.copying import copy_text
from core.transactions import require_transaction

TABLES = ("inventory_inventory", "inventory_stockmovement")
SHELVES_EACH = 3  # ids for shelves of a product
SHARE_SOLD_OUT, SHARE_LOW = 0.06, 0.1
_STOCK_COLUMNS = ("id", "product_id", "warehouse_id", "quantity", "reserved", "low_stock_threshold")
_MOVEMENT_COLUMNS = ("inventory_id", "kind", "quantity", "reason", "reference", "at")
_KEPT = (0.9, 0.6, 0.45)  # how likely the first, second and third warehouse keeps a product
_USUAL, _PER_REVIEW = 14.0, 0.12


@dataclass(frozen=True, slots=True, kw_only=True)
class StockPlan:
    """What blocks of stock are made of. ``warehouses`` are ids, the largest first, at most SHELVES_EACH of them."""

    seed: int
    warehouses: tuple[int, ...]
    shelf_ids: int
    reference: str
    at: str


@dataclass(frozen=True, slots=True)
class StockLines:
    """A block of shelves and of movements, as text for COPY."""

    shelves: bytes
    movements: bytes


def stock_lines(plan: StockPlan, *, block: int, first: int, product_ids: int, reviews: Sequence[int]) -> StockLines:
    """Stock of the products that have so many ``reviews``, the first of which has the number ``first`` in the plan.

    The id of a product is its number added to ``product_ids``, and those of its shelves follow from it. Some products are sold
    out, some nearly, and what is much wanted is kept in numbers.
    """
    rng = Random(f"{plan.seed} stock {block}")  # noqa: S311 - the same for everybody is what is wanted
    shelves: list[str] = []
    movements: list[str] = []
    for number, wanted in enumerate(reviews, start=first):
        for place, quantity in enumerate(_quantities(rng, wanted, len(plan.warehouses))):
            if quantity < 0:
                continue
            shelf = plan.shelf_ids + number * SHELVES_EACH + place
            shelves.append(f"{shelf}\t{product_ids + number}\t{plan.warehouses[place]}\t{quantity}\t0\t5\n")
            if quantity:
                movements.append(f"{shelf}\treceived\t{quantity}\t\t{plan.reference}\t{plan.at}\n")
    return StockLines("".join(shelves).encode(), "".join(movements).encode())


def write_stock(lines: StockLines) -> None:
    """Add a block. Publishes nothing."""
    require_transaction("inventory.generated.write_stock")
    copy_text("inventory_inventory", _STOCK_COLUMNS, lines.shelves)
    copy_text("inventory_stockmovement", _MOVEMENT_COLUMNS, lines.movements)


def warehouse_ids() -> dict[str, int]:
    """The ids of all warehouses, by code. One query."""
    # Without the models: processes that only make lines know nothing of Django.
    with connection.cursor() as cursor:
        cursor.execute("SELECT code, id FROM inventory_warehouse")
        return dict(cursor.fetchall())


def _quantities(rng: Random, wanted: int, warehouses: int) -> list[int]:
    """How many units each warehouse has; -1 where it keeps none of this product. One of them keeps it at least."""
    fate = rng.random()
    kept = [rng.random() < share for share in _KEPT[:warehouses]]
    if not any(kept):
        kept[0] = True
    if fate < SHARE_SOLD_OUT:
        return [0 if here else -1 for here in kept]
    if fate < SHARE_SOLD_OUT + SHARE_LOW:
        rest = iter([rng.randint(1, 3)])
        return [next(rest, 0) if here else -1 for here in kept]
    usual = 1 / (_USUAL + _PER_REVIEW * wanted)
    return [1 + int(rng.expovariate(usual)) if here else -1 for here in kept]
