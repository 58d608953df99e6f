"""The pages of the catalogue."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog import selectors
from core.answers import moved_to
from core.errors import NotFound


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The front page."""
    return render(request, "catalog/home.html", {"home": selectors.home()})


@require_safe
def product(request: HttpRequest, slug: str) -> HttpResponse:
    """One product, with its variants."""
    try:
        found = selectors.product_page(slug=slug)
    except NotFound:
        moved = selectors.moved_product(slug=slug)
        if moved is None:
            raise
        return moved_to(request, reverse("product", args=[moved]))
    here = found.breadcrumbs[0].path if found.breadcrumbs else ""
    return render(request, "catalog/product.html", {"product": found, "here": here})
