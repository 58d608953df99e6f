"""Use cases of outside clients' people: make an account, get a token."""

from datetime import datetime

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from knox.models import AuthToken

from accounts.errors import EmailTaken
from accounts.hooks import run_login_hooks
from accounts.models import User
from accounts.types import Account, Session
from core.errors import FieldError, InvalidInput

EMAIL_LENGTH, PASSWORD_LENGTH = 254, 1000


def register(*, email: str, password: str) -> Account:
    """Make an account. Raises InvalidInput with one error a wrong field, EmailTaken for an address that has one."""
    user = User(email=email.strip().lower())
    errors = [*_email_errors(user.email), *_password_errors(password, user)]
    if errors:
        raise InvalidInput(_("The account can not be made."), errors=errors)
    user.set_password(password)
    try:
        with transaction.atomic(durable=True):
            user.save()
            EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)
    except IntegrityError:
        raise EmailTaken.of_register() from None
    return Account(user_id=user.pk, email=user.email)


def open_session(*, account: Account, cart_token: str, now: datetime) -> Session:
    """Give out a token, and bring the guest's cart along. Of a user's tokens the newest are kept: TOKEN_LIMIT_PER_USER."""
    with transaction.atomic(durable=True):
        instance, token = AuthToken.objects.create(user=User.objects.get(pk=account.user_id))
        own = AuthToken.objects.filter(user_id=account.user_id)
        newest = own.order_by("-created").values_list("pk", flat=True)[: settings.REST_KNOX["TOKEN_LIMIT_PER_USER"]]
        own.exclude(pk__in=list(newest)).delete()
    run_login_hooks(user_id=account.user_id, cart_token=cart_token, now=now)
    return Session(token=token, expiry=instance.expiry, account=account)


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
