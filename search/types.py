"""What pages, API and both engines say to each other about a search."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import pairwise
from typing import Any, Protocol
from uuid import UUID

from catalog.types import Facets, FamilyCard, ListingFilters
from search.stop_words import STOP_WORDS

PAGE_SIZE = 20
LAST_PAGE = 500
EXACT_TO = 10_000
# The seed's ranges of prices, in the shop's currency: from the first, up to but without the second.
PRICE_STEPS = (None, Decimal(25), Decimal(50), Decimal(100), Decimal(200), None)
RATING_STEPS = (4, 3, 2, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How words are looked for. Each of ``slots`` must be found, in one of its ways; a way is words that belong together.

    ``families`` is how many may have the rarest of them, None where that is not known; ``rarity``, of each word, what finding
    it in title, names, details and description is worth; ``importance`` what a word of the query is worth in the mean; ``kinds``
    what being in a category is worth, because the query names what lies there; ``lengths`` the usual lengths of the four texts,
    in words.
    """

    slots: tuple[tuple[tuple[str, ...], ...], ...]
    families: int | None = None
    rarity: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    importance: float = 1.0
    kinds: Mapping[str, float] = field(default_factory=dict)
    lengths: tuple[float, ...] = (10.0,) * 4

    @staticmethod
    def side_by_side(way: tuple[str, ...]) -> bool:
        """Whether words of a way must stand together: a number and its unit, or the parts of a model's name."""
        return len(way) > 1 and any(word.isdigit() for word in way)

    @property
    def words(self) -> tuple[str, ...]:
        """All words in it, each once, in their order."""
        return tuple(dict.fromkeys(word for slot in self.slots for way in slot for word in way))

    @property
    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Neighbours as they were typed."""
        return tuple(pairwise(word for slot in self.slots for word in slot[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How many families there are in a category and everywhere, about; None where that is not known."""

    category: int | None = None
    everywhere: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """What an engine is asked: ``words`` are those of `search.text`, ``code`` the query as a SKU or an EAN.

    ``plan`` is what is known of the words; without one each is looked for as it is.

    ``after`` is where a walk by cursor goes on, in the words of the engine that began it; ``offset`` otherwise.
    """

    filters: ListingFilters
    words: tuple[str, ...] = ()
    code: str = ""
    offset: int = 0
    size: int = PAGE_SIZE
    after: Mapping[str, Any] | None = None
    with_facets: bool = True
    plan: Plan | None = None
    sizes: Sizes = Sizes()
    # Families that come first, in this order, whatever they have of the words; and families that come last.
    pinned: tuple[int, ...] = ()
    buried: tuple[int, ...] = ()

    @property
    def meant(self) -> Plan:
        """The plan, or the plainest for these words."""
        return self.plan or Plan(slots=tuple(((word,),) for word in self.words if word not in STOP_WORDS))


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

    def suggest(self, words: tuple[str, ...], *, size: int, seconds: float) -> tuple[Hit, ...]:
        """The most liked families in whose names are words that begin like each of ``words``. Raises as `search`."""
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
    # Where nothing has all the words typed: what was searched in their place, and which of that had to be left out.
    searched: str = ""
    left_out: tuple[str, ...] = ()
    # Where little has them: what may have been meant.
    did_you_mean: str = ""
    # Where staff would have shoppers go instead; results are there all the same.
    redirect_to: str = ""
