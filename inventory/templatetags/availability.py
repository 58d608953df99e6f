"""`{% availability product.id %}`: whether a product is to be had, without the catalogue knowing of stock."""

from typing import Any

from django import template

from inventory import selectors

register = template.Library()
SHOWN_EXACTLY = 5


@register.inclusion_tag("inventory/availability.html")
def availability(product_id: int) -> dict[str, Any]:
    """The stock line of a product page. One query."""
    found = selectors.availability(product_ids=[product_id]).get(product_id)
    return {"stock": found, "few": found.available if found and 0 < found.available <= SHOWN_EXACTLY else None}
