"""Carts in Valkey, for reading: ten reads come to one write. PostgreSQL has the truth, and writes and checkout read nothing here.

An entry carries the cart's version: `core.versioned` lets no older one overwrite a newer one. Whoever changes a cart forgets its
entry at the commit, the event of the change forgets it again, and no entry outlives a minute.
"""

import hashlib

import msgspec

from cart.types import CartRecord
from core import versioned
from core.shopper import Shopper

LIFE_SECONDS = 60
LAYOUT = 1  # of an entry: a release that changes CartRecord counts it up, and reads no entry of another release
_decode = msgspec.json.Decoder(CartRecord).decode
_encode = msgspec.json.Encoder().encode


def read(shopper: Shopper) -> CartRecord | None:
    """The shopper's cart as Valkey has it; None where it has none, or is away."""
    if shopper.user_id is None and not shopper.cart_token:
        return None
    body = versioned.read(_key(shopper.user_id, shopper.cart_token))
    try:
        return _decode(body) if body else None
    except msgspec.DecodeError:
        return None


def store(shopper: Shopper, record: CartRecord) -> None:
    """Keep what was just read of the shopper's cart."""
    key = _key(shopper.user_id, shopper.cart_token)
    versioned.store(key, version=record.version, body=_encode(record), seconds=LIFE_SECONDS)


def forget(user_id: int | None, token: str, version: int) -> None:
    """Let go of what is older than ``version`` of a user's, or else a guest's, cart."""
    versioned.forget(_key(user_id, token), version=version, seconds=LIFE_SECONDS)


def _key(user_id: int | None, token: str) -> str:
    # The token opens the cart: whoever can look into Valkey is not to have it.
    owner = f"user:{user_id}" if user_id is not None else f"guest:{hashlib.sha256(token.encode()).hexdigest()}"
    return f"cart:{LAYOUT}:{owner}"
