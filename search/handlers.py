"""What the search does about events: it notes whose document is to be rebuilt. Each runs in the consumer's transaction."""

from collections.abc import Sequence
from datetime import datetime

from catalog import selectors as catalog
from catalog.events import PartChanged
from core.event_types import read
from core.types import Event
from orders import selectors as orders
from search import operations


def products_changed(events: Sequence[Event], *, now: datetime) -> None:
    """Products, or what is in stock of them, are not what they were."""
    operations.note_products(product_ids=[int(event.data["product_id"]) for event in events])


def part_changed(event: Event, *, now: datetime) -> None:
    """Something that many products share is not what it was."""
    part = read(event, PartChanged)
    operations.note_families(family_ids=catalog.families_with(kind=part.kind, part_id=part.id))


def order_paid(event: Event, *, now: datetime) -> None:
    """So many more of some products were sold."""
    operations.note_products(product_ids=orders.products_of(number=event.key))
