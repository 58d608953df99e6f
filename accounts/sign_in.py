"""Proof of who somebody is, for outside clients: allauth's checks and limits, as for the pages."""

import logging

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.core import ratelimit
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import services
from accounts.errors import EmailNotConfirmed, EmailTaken, TooManyTries, WrongCredentials
from accounts.models import User
from accounts.types import Account

logger = logging.getLogger(__name__)
WAIT_SECONDS = 60


def prove(request: HttpRequest, *, email: str, password: str) -> Account:
    """Whose the e-mail address and password are. Raises WrongCredentials, TooManyTries or EmailNotConfirmed."""
    _limit(request, "login")
    try:
        user = get_adapter(request).authenticate(
            request, email=email.strip().lower(), password=password[: services.PASSWORD_LENGTH]
        )
    except ValidationError:
        raise TooManyTries.wait(WAIT_SECONDS) from None
    # allauth gives back one who may not log in as well, if the password is right.
    if not isinstance(user, User) or not user.is_active:
        raise WrongCredentials.of_login()
    if _must_confirm() and not EmailAddress.objects.filter(user=user, email=user.email, verified=True).exists():
        _ask_to_confirm(request, user.pk, user.email)
        raise EmailNotConfirmed.of_login()
    return Account(user_id=user.pk, email=user.email)


def register(request: HttpRequest, *, email: str, password: str) -> Account | None:
    """Make an account; None where its address must be confirmed first, and then whether it was taken is told by mail alone.

    Raises TooManyTries, InvalidInput, and EmailTaken where nothing must be confirmed.
    """
    _limit(request, "signup")
    try:
        account = services.register(email=email, password=password)
    except EmailTaken:
        if not _must_confirm():
            raise
        _send(request, email.strip().lower(), None)
        return None
    if not _must_confirm():
        return account
    _ask_to_confirm(request, account.user_id, account.email)
    return None


def _must_confirm() -> bool:
    return bool(settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory")


def _limit(request: HttpRequest, action: str) -> None:
    if not ratelimit.consume(request, action=action):
        raise TooManyTries.wait(WAIT_SECONDS)


def _ask_to_confirm(request: HttpRequest, user_id: int, email: str) -> None:
    address, _made = EmailAddress.objects.get_or_create(user_id=user_id, email=email, defaults={"primary": True})
    _send(request, email, address)


def _send(request: HttpRequest, email: str, address: EmailAddress | None) -> None:
    """Send the message that fits, not too often. One that can not be sent now goes out at the next try to log in."""
    if not ratelimit.consume(request, action="confirm_email", key=email):
        return
    try:
        if address is None:
            get_adapter(request).send_account_already_exists_mail(email)
        else:
            address.send_confirmation(request, signup=True)
    except OSError:  # what smtplib raises is one
        logger.exception("The message that confirms an address could not be sent")
