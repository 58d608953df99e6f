"""Use cases of outside clients' people: register, log in, log out with a token."""

from datetime import datetime

from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from knox.models import AuthToken

from accounts.hooks import run_login_hooks
from accounts.models import User
from accounts.types import Session
from core.errors import DomainError, FieldError, InvalidInput

EMAIL_LENGTH, PASSWORD_LENGTH = 254, 1000


class WrongCredentials(DomainError):
    """No account has this e-mail address and password; which of the two is wrong is not told."""

    code = "wrong_credentials"


def register(*, email: str, password: str, cart_token: str, now: datetime) -> Session:
    """Make an account, log in, and bring the guest's cart along. Raises InvalidInput with one error a wrong field."""
    user = User(email=email.strip().lower())
    errors = [*_email_errors(user.email), *_password_errors(password, user)]
    if errors:
        raise InvalidInput(_("The account can not be made."), errors=errors)
    user.set_password(password)
    try:
        with transaction.atomic():
            user.save()
    except IntegrityError:
        taken = FieldError("/email", "taken", _("There is an account of this address. Log in instead."))
        raise InvalidInput(_("The account can not be made."), errors=[taken]) from None
    return _session(user, cart_token=cart_token, now=now)


def log_in(*, request: HttpRequest, email: str, password: str, cart_token: str, now: datetime) -> Session:
    """A token for who knows the password, with the guest's cart brought along. Raises WrongCredentials."""
    user = authenticate(request, email=email.strip().lower(), password=password[:PASSWORD_LENGTH])
    if not isinstance(user, User):
        raise WrongCredentials(_("There is no account with this e-mail address and password."))
    return _session(user, cart_token=cart_token, now=now)


def _session(user: User, *, cart_token: str, now: datetime) -> Session:
    instance, token = AuthToken.objects.create(user=user)
    run_login_hooks(user_id=user.pk, cart_token=cart_token, now=now)
    return Session(token=token, expires_at=instance.expiry, user_id=user.pk, email=user.email)


def _email_errors(email: str) -> list[FieldError]:
    try:
        validate_email(email[: EMAIL_LENGTH + 1])
    except ValidationError:
        return [FieldError("/email", "invalid", _("Give an e-mail address, such as name@example.com."))]
    if len(email) > EMAIL_LENGTH:
        return [FieldError("/email", "max_length", _("The e-mail address is too long."))]
    return []


def _password_errors(password: str, user: User) -> list[FieldError]:
    if len(password) > PASSWORD_LENGTH:
        return [FieldError("/password", "max_length", _("The password is too long."))]
    try:
        validate_password(password, user)
    except ValidationError as problem:
        return [
            FieldError("/password", error.code or "invalid", str(message))
            for error, message in zip(problem.error_list, problem.messages, strict=True)
        ]
    return []
