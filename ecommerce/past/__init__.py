"""A past for a shop that is tried out: shoppers, and what they bought over two years, the same for the same seed."""

from ecommerce.past.writing import write_past_orders

__all__ = ["write_past_orders"]
