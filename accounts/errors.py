"""What can go wrong with accounts."""

from django.utils.translation import gettext as _

from core.errors import FieldError, Forbidden, InvalidInput


class WrongCredentials(Forbidden):
    """No account has this e-mail address and password; which of the two is wrong is not told."""

    code = "wrong_credentials"

    @classmethod
    def of_login(cls) -> "WrongCredentials":
        """The refusal of a log-in."""
        return cls(_("There is no account with this e-mail address and password."))


class TooManyTries(Forbidden):
    """Somebody guesses, or makes accounts by the dozen."""

    code = "too_many_requests"

    @classmethod
    def wait(cls, seconds: int) -> "TooManyTries":
        """The refusal for the next ``seconds``."""
        return cls(_("Too many tries. Wait a while, then try again."), retry_after=seconds)


class EmailNotConfirmed(Forbidden):
    """The password is right, but nobody has shown that the e-mail address is theirs."""

    code = "email_not_confirmed"

    @classmethod
    def of_login(cls) -> "EmailNotConfirmed":
        """The refusal of a log-in."""
        return cls(_("Confirm your e-mail address first: we have sent you a message with a link."))


class EmailTaken(InvalidInput):
    """There is an account of this address already."""

    code = "email_taken"

    @classmethod
    def of_register(cls) -> "EmailTaken":
        """The refusal of a second account."""
        detail = _("There is an account of this address. Log in instead.")
        return cls(_("The account can not be made."), errors=[FieldError("/email", "taken", detail)])
