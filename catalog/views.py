"""The pages of the catalogue."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from catalog import selectors
from catalog.params import listing_filters, page_number
from catalog.types import Listing, ListingFilters, SortOrder
from core.errors import NotFound

PAGES_SHOWN = 2


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front page."""
    return render(request, "catalog/home.html", {"home": selectors.home()})


@require_safe
def category(request: HttpRequest, slug_path: str) -> HttpResponse:
    """A category's products, with filters and sort order."""
    try:
        here = selectors.category(slug_path=slug_path)
    except NotFound:
        moved = selectors.moved_category(slug_path=slug_path)
        if moved is None:
            raise
        return _moved(request, reverse("category", args=[moved]))
    filters = listing_filters(request.GET, category=here.path)
    listing = selectors.family_cards(filters=filters, page=page_number(request.GET))
    context = {"heading": here.name, "category": here, "here": here.path.partition("/")[0]}
    return render(request, "catalog/listing.html", {**_listing(request, filters, listing), **context})


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """The products that fit the words typed, with filters and sort order."""
    filters = listing_filters(request.GET)
    listing = selectors.family_cards(filters=filters, page=page_number(request.GET))
    heading = _("Results for “%(query)s”") % {"query": filters.query} if filters.query else _("All products")
    return render(request, "catalog/listing.html", {**_listing(request, filters, listing), "heading": heading})


@require_safe
def product(request: HttpRequest, slug: str) -> HttpResponse:
    """One product, with its variants."""
    try:
        found = selectors.product_page(slug=slug)
    except NotFound:
        moved = selectors.moved_product(slug=slug)
        if moved is None:
            raise
        return _moved(request, reverse("product", args=[moved]))
    here = found.breadcrumbs[0].path if found.breadcrumbs else ""
    return render(request, "catalog/product.html", {"product": found, "here": here})


def _moved(request: HttpRequest, path: str) -> HttpResponse:
    """To where the page is now, with whatever followed the question mark."""
    query = request.META.get("QUERY_STRING", "")
    # Browsers keep a 301 for ever otherwise, and once an address is taken back two of them lead in a circle.
    return HttpResponsePermanentRedirect(f"{path}?{query}" if query else path, headers={"Cache-Control": "no-cache"})


def _listing(request: HttpRequest, filters: ListingFilters, listing: Listing) -> dict[str, Any]:
    """What both kinds of list show. ``carried`` is what the form of the sort order must not lose."""
    return {
        "filters": filters,
        "listing": listing,
        "query": filters.query,
        "sorts": SortOrder.choices,
        "carried": [
            (name, value) for name, values in request.GET.lists() if name not in ("sort", "page") for value in values
        ],
        "page_numbers": page_numbers(listing.page, listing.pages),
    }


def page_numbers(page: int, pages: int) -> list[int | None]:
    """The pages to offer: the first, the last, and those around ``page``; None where some are left out."""
    near = {1, pages, *range(page - PAGES_SHOWN, page + PAGES_SHOWN + 1)}
    shown: list[int | None] = []
    for number in sorted(number for number in near if 1 <= number <= pages):
        if shown and shown[-1] is not None and number > shown[-1] + 1:
            shown.append(None)
        shown.append(number)
    return shown
