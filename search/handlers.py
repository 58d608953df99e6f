"""What the search does about events: it notes whose document is to be rebuilt. Each runs in the consumer's transaction."""

from datetime import datetime

from core.types import Event
from orders import selectors as orders
from search import operations


def product_changed(event: Event, *, now: datetime) -> None:
    """A product, or what is in stock of it, is not what it was."""
    operations.note_products(product_ids=[int(event.data["product_id"])])


def order_paid(event: Event, *, now: datetime) -> None:
    """So many more of some products were sold."""
    operations.note_products(product_ids=orders.products_of(number=event.key))
