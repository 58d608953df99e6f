"""Changes of a locked cart's rows that are cheaper, and no harder to read, as one statement.

Each counts the cart's version up and writes the event that says so; what Valkey has of the cart is forgotten at the commit.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from cart import cached
from cart.events import CartChanged
from cart.models import Cart
from core.events import insertion, insertion_parameters
from core.money import Money

# The start of a hold counts until the limit is over and a rest of the same length has passed: then it begins anew.
_START = """
    INSERT INTO cart_holdstart (cart_id, product_id, first_held_at) VALUES (%(cart)s, %(product)s, %(now)s)
    ON CONFLICT (cart_id, product_id) DO UPDATE SET first_held_at = CASE
        WHEN cart_holdstart.first_held_at <= %(forgotten)s THEN EXCLUDED.first_held_at ELSE cart_holdstart.first_held_at END
    RETURNING first_held_at
"""
# Lines that guests of this address may hold: a hold is no older than the last change of its cart.
_CROWD = """
    SELECT count(*) AS lines FROM cart_cartitem i JOIN cart_cart c ON c.id = i.cart_id
    WHERE c.guest_address = %(address)s AND c.guest_address <> '' AND c.updated_at > %(held_since)s AND c.id <> %(cart)s
"""
_TOUCHED = """
    UPDATE cart_cart SET version = version + 1, updated_at = %(now)s, guest_address = %(address)s
    WHERE id = %(cart)s RETURNING id, version, user_id, token
"""
_TOLD = insertion(data="jsonb_build_object('cart_id', id, 'version', version)", source="touched")
_REST = f"""
    start AS ({_START}), crowd AS ({_CROWD}), touched AS ({_TOUCHED}), told AS ({_TOLD})
    SELECT line.id, line.quantity, start.first_held_at, crowd.lines, touched.user_id, touched.token, touched.version
    FROM line, start, crowd, touched
"""  # noqa: S608 - made of constants
_ADD = f"""
    WITH line AS (
        INSERT INTO cart_cartitem (cart_id, product_id, quantity, seen_price, currency, added_at)
        SELECT %(cart)s, %(product)s, %(quantity)s, %(price)s, %(currency)s, %(now)s
        WHERE (SELECT count(*) FROM cart_cartitem WHERE cart_id = %(cart)s AND product_id <> %(product)s) < %(lines)s
        ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = cart_cartitem.quantity + EXCLUDED.quantity,
            seen_price = EXCLUDED.seen_price, currency = EXCLUDED.currency
            WHERE cart_cartitem.quantity + EXCLUDED.quantity <= %(limit)s
        RETURNING id, quantity
    ), {_REST}
"""  # noqa: S608 - made of constants
_SET = f"""
    WITH line AS (
        UPDATE cart_cartitem SET quantity = %(quantity)s, seen_price = %(price)s, currency = %(currency)s
        WHERE id = %(line)s RETURNING id, quantity
    ), {_REST}
"""  # noqa: S608 - made of constants
_TOUCH_WITH = f"""
    touched AS (
        UPDATE cart_cart SET version = version + 1, updated_at = %(now)s WHERE id = %(cart)s
        RETURNING id, version, user_id, token
    ), told AS ({_TOLD})
    SELECT user_id, token, version FROM touched
"""  # noqa: S608 - made of constants
_TOUCH = f"WITH {_TOUCH_WITH}"
_EMPTY = f"WITH gone AS (DELETE FROM cart_cartitem WHERE cart_id = %(cart)s), {_TOUCH_WITH}"  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenLine:
    """A line as it stands now, since when this cart has held its product, and how many lines other guests of the address have."""

    id: int
    quantity: int
    first_held_at: datetime
    crowd: int


def add_to_line(
    *, cart: Cart, product_id: int, quantity: int, price: Money, limit: int, address: str, now: datetime
) -> WrittenLine | None:
    """Put so many more of a product into a cart. None beyond ``limit`` units or the limit of lines: then roll back."""
    rest = {"quantity": quantity, "limit": limit, "lines": settings.CART_LINES_LIMIT}
    return _written(_ADD, {**_shared(cart, product_id, price, address, now), **rest})


def set_line(
    *, cart: Cart, line_id: int, product_id: int, quantity: int, price: Money, address: str, now: datetime
) -> WrittenLine | None:
    """Make a line so many units at the price seen now; None if there is no such line: then roll back."""
    return _written(_SET, {**_shared(cart, product_id, price, address, now), "quantity": quantity, "line": line_id})


def empty(*, cart_id: int, now: datetime) -> None:
    """Take all lines out of a locked cart."""
    _touch(_EMPTY, cart_id, now)


def touch(*, cart_id: int, now: datetime) -> None:
    """Count a change of a locked cart that other statements make; a cart that is gone has none."""
    _touch(_TOUCH, cart_id, now)


def _touch(sql: str, cart_id: int, now: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"cart": cart_id, "now": now, **_event(cart_id, now)})
        row = cursor.fetchone()
    if row:
        transaction.on_commit(partial(cached.forget, *row))


def take_over_hold_starts(*, from_cart_id: int, to_cart_id: int) -> None:
    """Let a cart count its holds from the earlier of its own and another cart's first moments."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO cart_holdstart (cart_id, product_id, first_held_at)
            SELECT %s, product_id, first_held_at FROM cart_holdstart WHERE cart_id = %s
            ON CONFLICT (cart_id, product_id)
                DO UPDATE SET first_held_at = least(cart_holdstart.first_held_at, EXCLUDED.first_held_at)
            """,
            [to_cart_id, from_cart_id],
        )


def _shared(cart: Cart, product_id: int, price: Money, address: str, now: datetime) -> dict[str, Any]:
    return {
        "cart": cart.pk,
        "product": product_id,
        "price": price.amount,
        "currency": price.currency,
        "address": address,
        "now": now,
        "held_since": now - settings.HOLD_LIFETIME,
        "forgotten": now - 2 * settings.HOLD_LIFETIME_LIMIT,
        **_event(cart.pk, now),
    }


def _event(cart_id: int, now: datetime) -> dict[str, Any]:
    return insertion_parameters(CartChanged, key=str(cart_id), now=now)


def _written(sql: str, params: dict[str, Any]) -> WrittenLine | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    if row is None:
        return None
    line_id, quantity, first_held_at, crowd, *touched = row
    transaction.on_commit(partial(cached.forget, *touched))
    return WrittenLine(id=line_id, quantity=quantity, first_held_at=first_held_at, crowd=crowd)
