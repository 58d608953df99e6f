"""Tokens of outside clients."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox import auth
from rest_framework.exceptions import AuthenticationFailed


class TokenAuthentication(auth.TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """`Authorization: Token ...`, as login gave it."""

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Any]:
        """The user and the token's row. Raises AuthenticationFailed, for bytes that can be no token too."""
        if not token.isascii():
            raise AuthenticationFailed(_("This token is not valid."))
        found: tuple[Any, Any] = super().authenticate_credentials(token)
        return found


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # registers itself by being defined
    """How the API's schema tells of it."""

    target_class = "accounts.authentication.TokenAuthentication"
