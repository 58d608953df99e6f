"""What pages, API and other apps search with."""

import time
from dataclasses import replace
from uuid import uuid4

from django.utils.translation import gettext as _

from catalog import selectors as catalog
from catalog.types import ListingFilters
from core.errors import InvalidInput
from search.answering import Answer, answer
from search.cursors import cursor_of, read_cursor
from search.errors import PageTooDeep
from search.facets import facets_of
from search.mending import FEW, better_words, mend
from search.merchandising import Said, said_of
from search.sampling import sizes_of
from search.text import code_of, query_words
from search.types import LAST_PAGE, PAGE_SIZE, SearchPage, SearchRequest, Sizes
from search.understanding import understand

ATTRIBUTES_LIMIT = 10


def search(
    *, filters: ListingFilters, page: int = 1, cursor: str | None = None, preview: int | None = None
) -> SearchPage:
    """A page of the families that ``filters`` leave, by number or where a ``cursor`` leads, with the facets of all of them.

    ``preview`` is a query rule to go by although it is not active. A category's former address is as good as the one it has.
    Raises InvalidInput, PageTooDeep, SearchUnavailable.
    """
    begin = time.perf_counter()
    _check(filters, page)
    words = query_words(filters.query)
    said = said_of(words, preview=preview) if words else Said(synonyms={})
    request = SearchRequest(
        filters=filters,
        words=words,
        plan=understand(words, synonyms=said.synonyms) if words else None,
        sizes=sizes_of(filters.category) if filters.category or not words else Sizes(),
        pinned=said.pinned,
        buried=said.buried,
        code=code_of(filters.query),
        offset=(page - 1) * PAGE_SIZE,
        after=read_cursor(cursor, filters) if cursor else None,
    )
    given = answer(request)
    if filters.category and not given.found.total:
        moved = catalog.moved_category(slug_path=filters.category)
        if moved:
            return search(filters=replace(filters, category=moved), page=page)
    mended = mend(words) if words and not given.found.total else None
    if mended is not None:
        request = replace(request, words=mended.words, code="", plan=understand(mended.words))
        given = answer(request)
    meant = better_words(words) if words and 0 < given.found.total < FEW and mended is None else None
    return replace(
        _page(given, request, page, time.perf_counter() - begin),
        searched=" ".join(mended.words) if mended else "",
        left_out=mended.left_out if mended else (),
        did_you_mean=" ".join(meant or ()),
        redirect_to=said.redirect_to,
    )


def _check(filters: ListingFilters, page: int) -> None:
    if page < 1:
        raise InvalidInput(_("Pages are counted from 1."))
    if page > LAST_PAGE:
        raise PageTooDeep(
            _("Pages go from 1 to %(last)d; a cursor leads on from there.") % {"last": LAST_PAGE},
            params={"last_page": LAST_PAGE},
        )
    if len(filters.attributes) > ATTRIBUTES_LIMIT:
        raise InvalidInput(_("At most %(most)d attributes can be chosen at once.") % {"most": ATTRIBUTES_LIMIT})


def _page(given: Answer, request: SearchRequest, page: int, seconds: float) -> SearchPage:
    found = given.found
    seen = int((request.after or {}).get("seen", request.offset))
    return SearchPage(
        search_id=uuid4(),
        first_position=seen + 1,
        cards=catalog.cards_of(chosen=[(hit.family_id, hit.product_id) for hit in found.hits]),
        total=found.total,
        total_is_exact=found.total_is_exact,
        page=page,
        pages=min(-(-found.total // PAGE_SIZE), LAST_PAGE),
        cursor=cursor_of(found.after, request.filters),
        average_rating=found.average_rating,
        facets=facets_of(found.counts, request.filters),
        facets_approximate=found.counts.approximate,
        engine=given.engine,
        fallback=given.fallback,
        stale=given.stale,
        latency_ms=round(seconds * 1000, 1),
    )
