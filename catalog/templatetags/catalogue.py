"""Parts of every page that come from the catalogue."""

from functools import lru_cache

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from catalog import selectors
from catalog.types import Department, FamilyCard

register = template.Library()
# By all that is on them, so nothing is ever old. A process keeps the last ones.
CARDS_KEPT, NAVIGATIONS_KEPT = 2000, 200


@register.simple_tag
def department_links(here: str = "") -> SafeString:
    """The departments, for the navigation; ``here`` is the address of the one that the page is in. One query."""
    return _navigation(selectors.departments(), here, get_language())


@register.simple_tag
def product_card(card: FamilyCard) -> SafeString:
    """A card of a list. Drawing one takes longer than finding it, so a process keeps some."""
    return _drawn(card, get_language())


@lru_cache(maxsize=CARDS_KEPT)
def _drawn(card: FamilyCard, _language: str | None) -> SafeString:
    return render_to_string("includes/card.html", {"card": card})


@lru_cache(maxsize=NAVIGATIONS_KEPT)
def _navigation(departments: tuple[Department, ...], here: str, _language: str | None) -> SafeString:
    return render_to_string("includes/departments.html", {"departments": departments, "here": here})
