"""Whose search it was, so that shoppers can be counted and nobody can be named."""

import hmac
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from core.shopper import shopper_of

LENGTH = 32


def session_of(request: HttpRequest | Request, *, now: datetime) -> str:
    """A hash that is the same for a shopper's searches of one day, and another the next day; empty for who is not known.

    Asks neither database nor session: who is logged in is known by then, and of a guest the cookies say enough.
    """
    shopper = shopper_of(request)
    # The second one is what a browser has that only looks around: of its own, by chance, and the same on each page.
    key = request.COOKIES.get(settings.SESSION_COOKIE_NAME) or request.COOKIES.get(settings.CSRF_COOKIE_NAME, "")
    if shopper.user_id is not None:
        return _hashed(f"user:{shopper.user_id}", now)
    if shopper.cart_token:
        return _hashed(f"cart:{shopper.cart_token}", now)
    return _hashed(f"session:{key}", now) if key else ""


def _hashed(who: str, now: datetime) -> str:
    # The day is part of it, so that what somebody searched for on two days can not be put together.
    told = f"search log:{now.date().isoformat()}:{who}"
    return hmac.new(settings.SECRET_KEY.encode(), told.encode(), sha256).hexdigest()[:LENGTH]
