"""`{% cart_count %}`: how many things are in the shopper's cart."""

from typing import Any

from django import template

from cart import selectors
from core.shopper import shopper_of

register = template.Library()


@register.simple_tag(takes_context=True)
def cart_count(context: dict[str, Any]) -> int:
    """Units in the cart. No query for who has none: neither a log-in nor a token."""
    shopper = shopper_of(context["request"])
    return selectors.item_count(shopper=shopper) if shopper.user_id or shopper.cart_token else 0
