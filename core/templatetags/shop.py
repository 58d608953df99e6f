"""How values look on a page: money, icons, stars, addresses with a changed parameter."""

from decimal import Decimal
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlencode

from babel.numbers import format_currency
from django import template
from django.conf import settings
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django_countries import countries

from core.money import Money

register = template.Library()
ICONS = settings.BASE_DIR / "static" / "vendor" / "icons"


@register.filter
def money(value: Money) -> str:
    """An amount as the reader's language writes it: $49.95."""
    return _written(value, (get_language() or "en").replace("-", "_"))


@lru_cache(maxsize=5000)
def _written(value: Money, locale: str) -> str:
    return str(format_currency(value.amount, value.currency, locale=locale))


@register.filter
def round_price(amount: Decimal) -> str:
    """A whole amount of the shop's currency, without cents: $50."""
    locale = (get_language() or "en").replace("-", "_")
    return format_currency(amount, settings.CURRENCY, "¤#,##0", locale=locale, currency_digits=False)


@register.filter
def country_name(code: str) -> str:
    """A country's name in the reader's language, from its ISO 3166 code."""
    return str(countries.name(code)) or code


@register.simple_tag
def icon(name: str) -> SafeString:
    """A vendored icon, inline, hidden from screen readers: the words beside it say what it means."""
    return _icon(name)


@cache
def _icon(name: str) -> SafeString:
    drawing = (ICONS / f"{name}.svg").read_text()
    inside = drawing.partition(">")[2].rpartition("</svg>")[0].strip()
    # The file is one of ours, committed with its hash.
    return mark_safe(  # noqa: S308 - nothing of it comes from outside
        f'<svg class="icon" viewBox="0 0 16 16" fill="currentColor" aria-hidden="true" focusable="false">{inside}</svg>'
    )


@register.simple_tag
def stars(rating: Decimal, count: int) -> SafeString:
    """Stars to the nearest half and the number of reviews; nothing for a product without any."""
    if not count:
        return SafeString("")
    halves = round(rating * 2)
    names = ["star-fill" if halves >= 2 * n else "star-half" if halves == 2 * n - 1 else "star" for n in range(1, 6)]
    text = _("%(rating)s of 5 stars, %(count)d reviews") % {"rating": rating.normalize(), "count": count}
    drawn = SafeString("".join(_icon(name) for name in names))
    shape = '<span class="stars" role="img" aria-label="{}">{}<span class="muted" aria-hidden="true">({})</span></span>'
    return format_html(shape, text, drawn, count)


@register.simple_tag(takes_context=True)
def address_with(context: dict[str, Any], **changes: Any) -> str:
    """The present address' parameters with some changed, or taken away when empty. Changing anything else goes back to page 1."""
    params: QueryDict = context["request"].GET.copy()
    params.pop("page", None)
    params.pop("cursor", None)
    for name, value in changes.items():
        params.pop(name, None)
        if value not in (None, ""):
            params[name] = str(value)
    return f"?{urlencode(sorted((key, value) for key, values in params.lists() for value in values))}"
