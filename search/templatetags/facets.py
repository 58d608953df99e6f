"""The choices of a facet, made in one go: a page has some two hundred."""

from collections.abc import Iterable

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from catalog.types import FacetValue

register = template.Library()
_CHOICE = '<li><label><input type="{}" name="{}" value="{}"{}><span>{}</span><span class="n">{}</span></label></li>'
_CHECKED = SafeString(" checked")


@register.simple_tag
def choices(values: Iterable[FacetValue], name: str, kind: str = "checkbox") -> SafeString:
    """The items of a list of inputs called ``name``, with how many products each is good for."""
    checked = {True: _CHECKED, False: ""}
    return format_html_join(
        "", _CHOICE, ((kind, name, each.value, checked[each.selected], each.label, each.count) for each in values)
    )
