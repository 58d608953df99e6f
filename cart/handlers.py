"""What carts do about events."""

from datetime import datetime
from functools import partial

from django.db import transaction

from cart import cached, selectors
from core.types import Event


def forget_cached(event: Event, *, now: datetime) -> None:
    """Let Valkey forget the cart once more: whoever changed it may have died, or not reached Valkey, right after the commit."""
    owner = selectors.owner_of(cart_id=int(event.data["cart_id"]))
    if owner is not None:
        transaction.on_commit(partial(cached.forget, owner.user_id, owner.token, int(event.data["version"])))
