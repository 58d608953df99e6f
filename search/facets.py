"""Counts of values, as engines have them, to facets that people read: names, order, and what is chosen."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from catalog import selectors as catalog
from catalog.types import AttributeFacet, Facets, FacetValue, ListingFilters, PriceRange
from search.types import PRICE_STEPS, RATING_STEPS, Counts

BRANDS_SHOWN, ATTRIBUTES_SHOWN, VALUES_SHOWN = 20, 12, 15


def facets_of(counts: Counts, filters: ListingFilters) -> Facets:
    """All facets. One query for the names."""
    brands, attributes = _first(counts.brands, filters.brands, BRANDS_SHOWN), _offered(counts, filters)
    names = catalog.choice_names(
        brands=brands, attributes=attributes, categories=_categories(counts.categories, filters.category)
    )
    return Facets(
        categories=names.categories,
        brands=tuple(
            FacetValue(
                value=slug,
                label=names.brands.get(slug, slug),
                count=counts.brands.get(slug, 0),
                selected=slug in filters.brands,
            )
            for slug in brands
        ),
        price_ranges=_price_ranges(counts.price_ranges, filters),
        ratings=tuple(
            FacetValue(value=str(step), label=str(step), count=count, selected=filters.rating == step)
            for step, count in zip(RATING_STEPS, counts.ratings, strict=True)
        ),
        in_stock=counts.in_stock,
        attributes=tuple(
            _attribute(code, names.attributes[code], counts.attributes[code], dict(filters.attributes).get(code, ()))
            for code in attributes
            if code in names.attributes
        ),
    )


def _first(counts: Mapping[str, int], chosen: Collection[str], most: int) -> list[str]:
    """The most frequent values, and those chosen however rare."""
    by_count = sorted(counts, key=lambda value: (-counts[value], value))
    return [value for place, value in enumerate(by_count) if place < most or value in chosen]


def _categories(counts: Mapping[str, int], chosen: str) -> dict[str, int]:
    """The tree as far as it is open: what is at the root, and below each category on the way to the one chosen."""
    way = chosen.split("/") if chosen else []
    open_ = {"", *("/".join(way[: depth + 1]) for depth in range(len(way)))}
    return {path: count for path, count in counts.items() if path.rpartition("/")[0] in open_}


def _price_ranges(counts: tuple[int, ...], filters: ListingFilters) -> tuple[PriceRange, ...]:
    ranges = (
        PriceRange(key=_key(low, high), minimum=low, maximum=high, count=count, selected=False)
        for (low, high), count in zip(pairwise(PRICE_STEPS), counts, strict=True)
        if count
    )
    return tuple(
        replace(one, selected=filters.price_min == one.minimum and filters.price_max in (one.highest, one.maximum))
        for one in ranges
    )


def _key(low: Decimal | None, high: Decimal | None) -> str:
    """What the seed calls a range; clients rely on it, so it is in no language but that of the API."""
    if low is None:
        return f"Under ${high}"
    return f"Over ${low}" if high is None else f"${low}-${high}"


def _offered(counts: Counts, filters: ListingFilters) -> list[str]:
    """Attributes with something to choose from, the widest first."""
    chosen = dict(filters.attributes)
    widths = {code: sum(values.values()) for code, values in counts.attributes.items()}
    offered = [code for code, values in counts.attributes.items() if len(values) > 1 or code in chosen]
    offered.sort(key=lambda code: (-widths[code], code))
    return [code for place, code in enumerate(offered) if place < ATTRIBUTES_SHOWN or code in chosen]


def _attribute(code: str, name: tuple[str, str], counts: Mapping[str, int], chosen: Collection[str]) -> AttributeFacet:
    return AttributeFacet(
        code=code,
        name=name[0],
        unit=name[1],
        values=tuple(
            FacetValue(value=value, label=value, count=counts[value], selected=value in chosen)
            for value in _first(counts, chosen, VALUES_SHOWN)
        ),
    )
