"""Who is shopping: a user, a guest with a cart token, or nobody known yet."""

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from core.net import client_address

COOKIE = "cart_token"
HEADER = "X-Cart-Token"
TOKEN_LENGTH = 43  # secrets.token_urlsafe(32)
COOKIE_AGE_SECONDS = 60 * 60 * 24 * 60


@dataclass(frozen=True, slots=True)
class Shopper:
    """``user_id`` when logged in; ``cart_token`` as the client sent it, unproven, empty when none was sent.

    ``address`` is the client's, as `core.net` sees it; empty where nobody is at the other end.
    """

    user_id: int | None = None
    cart_token: str = ""
    address: str = ""


def shopper_of(request: HttpRequest) -> Shopper:
    """Who sends ``request``. A mobile client's header goes before the browser's cookie; a token of wrong length is none."""
    token = request.headers.get(HEADER, "") or request.COOKIES.get(COOKIE, "")
    user = request.user
    return Shopper(
        user_id=user.pk if user.is_authenticated else None,
        cart_token=token if len(token) == TOKEN_LENGTH else "",
        address=client_address(request),
    )


def remember_cart(response: HttpResponse, token: str) -> None:
    """Give a guest's browser its cart's token, out of reach of scripts."""
    response.set_cookie(
        COOKIE, token, max_age=COOKIE_AGE_SECONDS, httponly=True, samesite="Lax", secure=settings.PRODUCTION
    )
