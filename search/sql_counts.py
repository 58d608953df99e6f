"""The statement that counts facets in PostgreSQL, each without its own filter."""
# ruff: noqa: S608 - made of the constants of this module

from catalog.types import ListingFilters
from search.conditions import Conditions, Statement, conditions
from search.types import EXACT_TO, PRICE_STEPS, RATING_STEPS, SearchRequest

# So many families of a view are counted; of more, those that are shown first stand for all, and of the variants of those the ones
# of the first SAMPLE for the others.
COUNTED, SAMPLE = EXACT_TO, 2500
MANY = 3 * COUNTED
_STEPS = [int(step) for step in PRICE_STEPS if step is not None]
_BUCKET = f"width_bucket(v.price, ARRAY{_STEPS}::numeric[])::text"


def counts(request: SearchRequest) -> Statement:
    """Rows of view, facet, value and number: of all that is found, and each facet that is chosen from without its own filter."""
    found = conditions(request)
    chosen = [*found.documents, *found.variants] if request.with_facets else []
    views = {"": 0, **{name: place for place, name in enumerate(chosen, 1)}}
    arms = [
        *(f"SELECT 'families', '{place}', count(*)::numeric FROM view_{place}" for place in views.values()),
        "SELECT 'average', '', avg(rating) FROM view_0 WHERE review_count > 0",
    ]
    if request.with_facets:
        arms += [*_of_documents(views), *_of_variants(views, request.filters)]
        found.parameters |= {"chosen": [code for code, _values in request.filters.attributes]}
        found.parameters |= {f"code_{place}": code for place, (code, _) in enumerate(request.filters.attributes)}
    # What is found by words is looked up once for all views. Without words, or by words that very many have, each walks along the
    # index of what is shown first, until it has enough.
    many = not request.words or (request.meant.families or 0) > MANY
    once = "NOT" if many else ""
    return Statement(
        f"""
        WITH found AS {once} MATERIALIZED (
            SELECT d.family_id, d.brand, d.categories, d.rating, d.review_count, d.in_stock, d.popularity
            FROM search_searchdocument d WHERE {found.base}
        ), {", ".join(_view(found, name, place) for name, place in views.items())}
        {" UNION ALL ".join(arms)}
        """,
        found.parameters,
    )


def _view(found: Conditions, name: str, place: int) -> str:
    """The families that all filters but this one leave, COUNTED and one more at most, and those of their variants that fit."""
    return f"""
        view_{place} AS MATERIALIZED (
            SELECT d.family_id, d.brand, d.categories, d.rating, d.review_count
            FROM found d WHERE {found.filtered(without=(name,))}
            ORDER BY d.in_stock DESC, d.popularity DESC, d.family_id DESC LIMIT {COUNTED + 1}
        ), scale_{place} AS MATERIALIZED (
            SELECT CASE WHEN count(*) > {COUNTED} THEN {SAMPLE} ELSE {COUNTED} END AS looked_at,
                CASE WHEN count(*) > {COUNTED} THEN {(COUNTED + 1) / SAMPLE} ELSE 1 END AS times FROM view_{place}
        ), variants_{place} AS (
            SELECT v.document_id, v.price, v.in_stock, v.attributes
            FROM (
                SELECT family_id FROM view_{place} LIMIT (SELECT looked_at FROM scale_{place})
            ) d JOIN search_searchvariant v ON v.document_id = d.family_id
            WHERE {found.fitting("v", without=(name,))}
        )
    """


def _of_documents(views: dict[str, int]) -> list[str]:
    brand, category, rating = (f"view_{views.get(name, 0)} d" for name in ("brand", "category", "rating"))
    return [
        f"SELECT 'brand', d.brand, count(*) FROM {brand} GROUP BY 2",
        f"SELECT 'category', c, count(*) FROM {category}, unnest(d.categories) c GROUP BY 2",
        *(f"SELECT 'rating', '{step}', count(*) FROM {rating} WHERE d.rating >= {step}" for step in RATING_STEPS),
    ]


def _of_variants(views: dict[str, int], filters: ListingFilters) -> list[str]:
    """Each pair of family and value once: first made different, then counted, which is far less work than count(DISTINCT)."""

    def counted(facet: str, name: str, value: str, where: str, more: str = "") -> str:
        place = views.get(name, 0)
        return f"""
            SELECT '{facet}', value, round(count(*) * (SELECT times FROM scale_{place})) FROM (
                SELECT DISTINCT v.document_id, {value} AS value FROM variants_{place} v{more} WHERE {where}
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
