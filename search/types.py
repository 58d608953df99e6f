"""What pages, API and both engines say to each other about a search."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from catalog.types import Facets, FamilyCard, ListingFilters

PAGE_SIZE = 20
LAST_PAGE = 500
EXACT_TO = 10_000
# The seed's ranges of prices, in the shop's currency: from the first, up to but without the second.
PRICE_STEPS = (None, Decimal(25), Decimal(50), Decimal(100), Decimal(200), None)
RATING_STEPS = (4, 3, 2, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What an engine is asked: ``words`` are those of `search.text`, ``code`` the query as a SKU or an EAN.

    ``after`` is where a walk by cursor goes on, in the words of the engine that began it; ``offset`` otherwise.
    """

    filters: ListingFilters
    words: tuple[str, ...] = ()
    code: str = ""
    offset: int = 0
    size: int = PAGE_SIZE
    after: Mapping[str, Any] | None = None
    with_facets: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A family that was found, and the one of its variants that fits best."""

    family_id: int
    product_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Families by choice, each facet without its own filter. Categories are counted at every level; ``approximate`` where not all
    that was found was looked at."""

    categories: Mapping[str, int] = field(default_factory=dict)
    brands: Mapping[str, int] = field(default_factory=dict)
    price_ranges: tuple[int, ...] = (0,) * (len(PRICE_STEPS) - 1)
    ratings: tuple[int, ...] = (0,) * len(RATING_STEPS)
    in_stock: int = 0
    attributes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    approximate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an engine answers. ``total`` is exact up to EXACT_TO; ``after`` leads on, and is None behind the very last hit."""

    hits: tuple[Hit, ...]
    total: int
    total_is_exact: bool
    counts: Counts
    average_rating: Decimal | None
    after: Mapping[str, Any] | None


class Engine(Protocol):
    """Something that searches. ``seconds`` are what is left of the query's deadline."""

    name: str

    def search(self, request: SearchRequest, *, seconds: float) -> Found:
        """Answer ``request``. Raises what `search.errors` names when it can not."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPage:
    """A page of results as it is shown. ``page`` and ``pages`` are of the numbered pages; a walk by ``cursor`` has none.

    ``search_id`` names the page in the log; ``first_position`` is the first card's place in the whole list, from 1.
    """

    search_id: UUID
    first_position: int
    cards: tuple[FamilyCard, ...]
    total: int
    total_is_exact: bool
    page: int
    pages: int
    cursor: str | None
    average_rating: Decimal | None
    facets: Facets
    facets_approximate: bool
    engine: str
    fallback: bool
    stale: bool
    latency_ms: float
