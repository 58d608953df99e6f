"""Which provider takes the shop's payments, and who took one made earlier."""

from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from payments.errors import ProviderRefused
from payments.types import Provider

KNOWN = {"simulated": "payments.simulated.SimulatedProvider", "stripe": "payments.stripe.provider.StripeProvider"}


def current() -> Provider:
    """The provider of new payments: settings.PAYMENT_PROVIDER."""
    return _made(settings.PAYMENT_PROVIDER)


def of(name: str) -> Provider:
    """The provider called ``name``. Raises ProviderRefused for payments that none took, imported ones for instance."""
    path = KNOWN.get(name)
    if path is None:
        raise ProviderRefused(_("No payment provider is called %(name)s.") % {"name": name})
    return _made(path)


@cache
def _made(path: str) -> Provider:
    """One object for the whole process, which keeps its connections open."""
    provider: Provider = import_string(path)()
    return provider
