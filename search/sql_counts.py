"""The statements that count what is found in PostgreSQL, and its facets, each without its own filter."""
# ruff: noqa: S608 - made of the constants of this module

from catalog.types import ListingFilters
from search.conditions import Conditions, Statement, conditions
from search.sampling import SLOTS, shares_of, slots_of
from search.types import EXACT_TO, PRICE_STEPS, RATING_STEPS, SearchRequest

# So many families of a view are counted at most; of more, those that are shown first stand for all.
COUNTED = EXACT_TO
# Of a family, from 0 up to SLOTS: neighbours are far from each other, and an index has it.
SLOT = f"((d.family_id * 40503) & {SLOTS - 1})"
_STEPS = [int(step) for step in PRICE_STEPS if step is not None]
_BUCKET = f"width_bucket(v.price, ARRAY{_STEPS}::numeric[])::text"


def total(request: SearchRequest) -> Statement:
    """How many families are found, at most one more than are counted."""
    found = conditions(request)
    return Statement(
        f"""
        SELECT count(*) FROM (
            SELECT FROM search_searchdocument d WHERE {found.base} AND {found.filtered()} LIMIT {COUNTED + 1}
        ) d
        """,
        found.parameters,
    )


def counts(request: SearchRequest, *, sampled: bool = True) -> Statement:
    """Rows of view, facet, value and number: of all that is found, and each facet that is chosen from without its own filter.

    Where ``sampled``, of very many families only `search.sampling.shares_of` them are counted. The numbers of facets make up for
    that; those of families in a view do not.
    """
    found = conditions(request)
    shares = shares_of(request) if sampled else {}
    views = {name: place for place, name in enumerate(views_of(found, request))}
    times = {name: 1 / shares.get(name, 1) for name in views}
    arms = [
        *(f"SELECT 'families', '{place}', count(*)::numeric FROM view_{place}" for place in views.values()),
        "SELECT 'average', '', avg(rating) FROM view_0 WHERE review_count > 0",
    ]
    if request.with_facets:
        arms += [*_of_documents(views, times), *_of_variants(views, times, request.filters)]
        found.parameters |= {"chosen": [code for code, _values in request.filters.attributes]}
        found.parameters |= {f"code_{place}": code for place, (code, _) in enumerate(request.filters.attributes)}
    # What is found by words is looked up once for all views. Without words, or of a sample, each has an index of its own.
    once = "" if request.words and not shares else "NOT"
    return Statement(
        f"""
        WITH found AS {once} MATERIALIZED (
            SELECT d.family_id, d.brand, d.categories, d.rating, d.review_count, d.in_stock, d.popularity
            FROM search_searchdocument d WHERE {found.base}
        ), {", ".join(_view(found, name, place, shares.get(name)) for name, place in views.items())}
        {" UNION ALL ".join(arms)}
        """,
        found.parameters,
    )


def views_of(found: Conditions, request: SearchRequest) -> list[str]:
    """All that is found, named "", and what is found without the filter of each facet that is chosen from."""
    return ["", *found.documents, *found.variants] if request.with_facets else [""]


def _view(found: Conditions, name: str, place: int, share: float | None) -> str:
    """The families that all filters but this one leave, COUNTED and one more at most, and those of their variants that fit."""
    of_part = "true" if share is None else f"{SLOT} < {slots_of(share)}"
    return f"""
        view_{place} AS MATERIALIZED (
            SELECT d.family_id, d.brand, d.categories, d.rating, d.review_count
            FROM found d WHERE {of_part} AND {found.filtered(without=(name,))}
            {_FIRST if share is None else ""} LIMIT {COUNTED + 1}
        ), variants_{place} AS (
            SELECT v.document_id, v.price, v.in_stock, v.attributes
            FROM view_{place} d JOIN search_searchvariant v ON v.document_id = d.family_id
            WHERE {found.fitting("v", without=(name,))}
        )
    """


_FIRST = "ORDER BY d.in_stock DESC, d.popularity DESC, d.family_id DESC"


def _of_documents(views: dict[str, int], times: dict[str, float]) -> list[str]:
    def counted(facet: str) -> str:
        return f"round(count(*) * {times.get(facet, times['']):.6f})"

    brand, category, rating = (f"view_{views.get(name, 0)} d" for name in ("brand", "category", "rating"))
    return [
        f"SELECT 'brand', d.brand, {counted('brand')} FROM {brand} GROUP BY 2",
        f"SELECT 'category', c, {counted('category')} FROM {category}, unnest(d.categories) c GROUP BY 2",
        *(
            f"SELECT 'rating', '{step}', {counted('rating')} FROM {rating} WHERE d.rating >= {step}"
            for step in RATING_STEPS
        ),
    ]


def _of_variants(views: dict[str, int], times: dict[str, float], filters: ListingFilters) -> list[str]:
    """Each pair of family and value once: first made different, then counted, which is far less work than count(DISTINCT)."""

    def counted(facet: str, name: str, value: str, where: str, more: str = "") -> str:
        return f"""
            SELECT '{facet}', value, round(count(*) * {times.get(name, times[""]):.6f}) FROM (
                SELECT DISTINCT v.document_id, {value} AS value FROM variants_{views.get(name, 0)} v{more} WHERE {where}
            ) g GROUP BY 2
        """

    tokens = ", unnest(v.attributes) token"
    own = [
        counted("attribute", f"attr.{code}", "token", f"split_part(token, '=', 1) = %(code_{place})s", tokens)
        for place, (code, _values) in enumerate(filters.attributes)
    ]
    others = "split_part(token, '=', 1) <> ALL(%(chosen)s::text[])" if own else "true"
    return [
        counted("price", "price", _BUCKET, "true"),
        counted("in_stock", "in_stock", "''", "v.in_stock"),
        counted("attribute", "", "token", others, tokens),
        *own,
    ]
