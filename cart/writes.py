"""Changes of a locked cart's rows that are cheaper, and no harder to read, as one statement."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection

from core.money import Money

# The start of a hold counts until the limit is over and a rest of the same length has passed: then it begins anew.
_START = """
    INSERT INTO cart_holdstart (cart_id, product_id, first_held_at) VALUES (%(cart)s, %(product)s, %(now)s)
    ON CONFLICT (cart_id, product_id) DO UPDATE SET first_held_at = CASE
        WHEN cart_holdstart.first_held_at <= %(forgotten)s THEN EXCLUDED.first_held_at ELSE cart_holdstart.first_held_at END
    RETURNING first_held_at
"""
_ADD = f"""
    WITH line AS (
        INSERT INTO cart_cartitem (cart_id, product_id, quantity, seen_price, currency, added_at)
        SELECT %(cart)s, %(product)s, %(quantity)s, %(price)s, %(currency)s, %(now)s
        WHERE (SELECT count(*) FROM cart_cartitem WHERE cart_id = %(cart)s AND product_id <> %(product)s) < %(lines)s
        ON CONFLICT (cart_id, product_id) DO UPDATE SET quantity = cart_cartitem.quantity + EXCLUDED.quantity,
            seen_price = EXCLUDED.seen_price, currency = EXCLUDED.currency
            WHERE cart_cartitem.quantity + EXCLUDED.quantity <= %(limit)s
        RETURNING id, quantity
    ), start AS ({_START}), touched AS (
        UPDATE cart_cart SET version = version + 1, updated_at = %(now)s WHERE id = %(cart)s
    )
    SELECT line.id, line.quantity, start.first_held_at FROM line, start
"""  # noqa: S608 - made of constants
_SET = f"""
    WITH line AS (
        UPDATE cart_cartitem SET quantity = %(quantity)s, seen_price = %(price)s, currency = %(currency)s
        WHERE id = %(line)s RETURNING id, quantity
    ), start AS ({_START}), touched AS (
        UPDATE cart_cart SET version = version + 1, updated_at = %(now)s WHERE id = %(cart)s
    )
    SELECT line.id, line.quantity, start.first_held_at FROM line, start
"""  # noqa: S608 - made of constants


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenLine:
    """A line as it stands now, and since when this cart has held its product."""

    id: int
    quantity: int
    first_held_at: datetime


def add_to_line(
    *, cart_id: int, product_id: int, quantity: int, price: Money, limit: int, now: datetime
) -> WrittenLine | None:
    """Put so many more of a product into a cart. None beyond ``limit`` units or the limit of lines: then roll back."""
    return _written(
        _ADD,
        {
            **_shared(cart_id, product_id, price, now),
            "quantity": quantity,
            "limit": limit,
            "lines": settings.CART_LINES_LIMIT,
        },
    )


def set_line(
    *, cart_id: int, line_id: int, product_id: int, quantity: int, price: Money, now: datetime
) -> WrittenLine | None:
    """Make a line so many units at the price seen now; None if there is no such line: then roll back."""
    return _written(_SET, {**_shared(cart_id, product_id, price, now), "quantity": quantity, "line": line_id})


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


def _shared(cart_id: int, product_id: int, price: Money, now: datetime) -> dict[str, Any]:
    return {
        "cart": cart_id,
        "product": product_id,
        "price": price.amount,
        "currency": price.currency,
        "now": now,
        "forgotten": now - 2 * settings.HOLD_LIFETIME_LIMIT,
    }


def _written(sql: str, params: dict[str, Any]) -> WrittenLine | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return WrittenLine(id=row[0], quantity=row[1], first_held_at=row[2]) if row else None
