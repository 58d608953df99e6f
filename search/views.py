"""The pages that list what was found: search results, and categories."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from catalog import selectors as catalog
from catalog.types import ListingFilters, SortOrder
from core.answers import moved_to
from core.clock import now
from core.errors import NotFound
from search import logbook, selectors, suggesting
from search.params import listing_filters, page_number
from search.sessions import session_of
from search.types import SearchPage

PAGES_SHOWN = 2
ENGINE_HEADER = "X-Search-Engine"


@require_safe
def category(request: HttpRequest, slug_path: str) -> HttpResponse:
    """A category's products, with filters and sort order."""
    try:
        here = catalog.category(slug_path=slug_path)
    except NotFound:
        moved = catalog.moved_category(slug_path=slug_path)
        if moved is None:
            raise
        return moved_to(request, reverse("category", args=[moved]))
    context = {"heading": here.name, "category": here, "here": here.path.partition("/")[0]}
    return _listing(request, listing_filters(request.GET, category=here.path), context)


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The products that fit the words typed, with filters and sort order."""
    filters = listing_filters(request.GET)
    heading = _("Results for “%(query)s”") % {"query": filters.query} if filters.query else _("All products")
    return _listing(request, filters, {"heading": heading})


@require_safe
def suggestions(request: HttpRequest) -> HttpResponse:
    """What goes below the search box while somebody types."""
    found = suggesting.suggestions(typed=request.GET.get("q", ""))
    total = sum(map(len, (found.products, found.categories, found.brands, found.queries)))
    return render(request, "search/suggestions.html", {"found": found, "total": total})


def _listing(request: HttpRequest, filters: ListingFilters, context: dict[str, Any]) -> HttpResponse:
    """What both kinds of list show. ``carried`` is what the form of the sort order must not lose."""
    cursor = request.GET.get("cursor")
    listing = selectors.search(filters=filters, page=page_number(request.GET), cursor=cursor)
    moment = now()
    logbook.note_search(listing=listing, filters=filters, session=session_of(request, now=moment), now=moment)
    if listing.redirect_to and set(request.GET) == {"q"}:
        return redirect(listing.redirect_to)
    shown = {
        "filters": filters,
        "listing": listing,
        "query": filters.query,
        "sorts": SortOrder.choices,
        "carried": [
            (name, value)
            for name, values in request.GET.lists()
            if name not in ("sort", "page", "cursor")
            for value in values
        ],
        "page_numbers": [] if cursor else page_numbers(listing),
        "by_cursor": bool(cursor) or listing.page == listing.pages,
    }
    page = render(request, "search/listing.html", {**shown, **context})
    page[ENGINE_HEADER] = listing.engine
    return page


def page_numbers(listing: SearchPage) -> list[int | None]:
    """The pages to offer: the first, the last, and those around the one shown; None where some are left out."""
    near = {1, listing.pages, *range(listing.page - PAGES_SHOWN, listing.page + PAGES_SHOWN + 1)}
    shown: list[int | None] = []
    for number in sorted(number for number in near if 1 <= number <= listing.pages):
        last = shown[-1] if shown else 0
        if last is not None and number > last + 1:
            shown.append(None)
        shown.append(number)
    return shown
