"""What of the documents a request finds, as SQL. Everything a shopper typed is a parameter, never a part of the text."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from search.ranking import asked
from search.types import SearchRequest

ASKED = "to_tsquery('english', %(asked)s)"
NAMED = "d.codes @> ARRAY[%(code)s]::varchar[]"
PINNED = "d.family_id = ANY(%(pinned)s::bigint[])"
MATCHES = f"(d.words @@ {ASKED} OR {NAMED})"


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL and its parameters."""

    text: str
    parameters: dict[str, Any]


@dataclass(slots=True)
class Conditions:
    """Conditions by what they narrow, over documents ``d`` and over variants, with their parameters."""

    base: str
    documents: dict[str, str] = field(default_factory=dict)
    variants: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)

    def filtered(self, *, without: Collection[str] = (), of_variants: bool = True) -> str:
        """That a family fits all filters, and one of its variants all those on variants."""
        where = ["true", *_left(self.documents, without)]
        left = [name for name in self.variants if name not in without] if of_variants else []
        if left == ["in_stock"]:
            where.append("d.in_stock")  # of one of its variants, as it is in the family's own row
        elif left:
            fits = self.fitting("v", without=without)
            where.append(f"EXISTS (SELECT FROM search_searchvariant v WHERE v.document_id = d.family_id AND {fits})")
        return " AND ".join(where)

    def fitting(self, variant: str, *, without: Collection[str] = ()) -> str:
        """That the variant of this name fits."""
        return " AND ".join(f"({text.format(v=variant)})" for text in _left(self.variants, without)) or "true"


def _base(request: SearchRequest) -> str:
    """What is found before any filter."""
    if request.words:
        return f"d.is_live AND ({MATCHES} OR {PINNED})" if request.pinned else f"d.is_live AND {MATCHES}"
    return "false" if request.code else "d.is_live"


def conditions(request: SearchRequest) -> Conditions:
    """All conditions of a request, with their parameters."""
    filters = request.filters
    found = Conditions(
        _base(request), parameters={"asked": asked(request.meant), "code": request.code, "pinned": list(request.pinned)}
    )
    if filters.category:
        found.documents["category"] = "d.categories @> ARRAY[%(category)s]::varchar[]"
        found.parameters["category"] = filters.category
    if filters.brands:
        found.documents["brand"] = "d.brand = ANY(%(brands)s::varchar[])"
        found.parameters["brands"] = list(filters.brands)
    if filters.rating is not None:
        found.documents["rating"] = "d.rating >= %(rating)s"
        found.parameters["rating"] = filters.rating
    bounds = [("price_min", ">=", filters.price_min), ("price_max", "<=", filters.price_max)]
    prices = [f"{{v}}.price {sign} %({name})s" for name, sign, amount in bounds if amount is not None]
    if prices:
        found.variants["price"] = " AND ".join(prices)
        found.parameters |= {name: amount for name, _sign, amount in bounds if amount is not None}
    if filters.in_stock:
        found.variants["in_stock"] = "{v}.in_stock"
    for place, (code, values) in enumerate(filters.attributes):
        found.variants[f"attr.{code}"] = f"{{v}}.attributes && %(attribute_{place})s::text[]"
        found.parameters[f"attribute_{place}"] = [f"{code}={value}" for value in values]
    return found


def _left(conditions: dict[str, str], without: Collection[str]) -> list[str]:
    return [condition for name, condition in conditions.items() if name not in without]
