"""allauth's hook into this shop: what a log-in brings with it."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from accounts.hooks import run_login_hooks
from accounts.models import User
from core.clock import now
from core.net import client_address, is_address
from core.shopper import shopper_of


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Runs the shop's own hooks when somebody logs in or signs up."""

    def login(self, request: HttpRequest, user: User) -> None:
        """Log in; the guest's cart comes along."""
        token = shopper_of(request).cart_token
        super().login(request, user)
        run_login_hooks(user_id=user.pk, cart_token=token, now=now())

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that rate limits count by; what is none, such as a socket file's, counts as one."""
        address = client_address(request)
        return address if is_address(address) else "0.0.0.0"  # noqa: S104 - nothing is bound to it

    def populate_username(self, request: HttpRequest, user: User) -> None:
        """Users have no name to log in with but their e-mail address."""

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Store a new user, the e-mail address in the one form it is kept in."""
        user = super().save_user(request, user, form, commit=False)
        user.clean()
        if commit:
            user.save()
        return user
