"""What is to be generated, with everything that a process needs to know: it asks no database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

BLOCK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Ids of what products belong to: categories by path, brands and sellers by their place in the list, attributes by code."""

    categories: Mapping[str, int]
    brands: tuple[int, ...]
    sellers: tuple[int, ...]
    attributes: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``products`` by ``seed``. The first has the number ``first``, a multiple of BLOCK, in the sequence that a seed stands for.

    Ids follow from numbers, so that blocks can be made in any order and by any process: ``product_ids`` and so on are what is
    added to the number of a product within the plan.
    """

    seed: int
    products: int
    first: int
    now: datetime
    currency: str
    places: Places
    family_ids: int
    product_ids: int
    value_ids: int

    @property
    def blocks(self) -> int:
        """How many blocks the products are made in."""
        return -(-self.products // BLOCK)

    def size(self, block: int) -> int:
        """How many products a block has."""
        return min(BLOCK, self.products - block * BLOCK)
