"""Parts of every page that come from the catalogue."""

from django import template

from catalog import selectors
from catalog.types import Department

register = template.Library()


@register.simple_tag
def departments() -> tuple[Department, ...]:
    """The departments, for the navigation. One query."""
    return selectors.departments()
