"""What a shop with real customers must not run with: `manage.py check --deploy`."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register


@register(Tags.security, deploy=True)
def refuse_simulated_payments(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse a provider that gives goods away."""
    if ".simulated." not in settings.PAYMENT_PROVIDER:
        return []
    return [
        Error(
            "Payments are simulated: nobody would be charged.",
            hint="Set STRIPE_SECRET_KEY, STRIPE_PUBLISHABLE_KEY and STRIPE_WEBHOOK_SECRET.",
            id="shop.E001",
        )
    ]


@register(Tags.security, deploy=True)
def refuse_lifted_limits(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse to serve without limits on guessing and hoarding."""
    if settings.LIMITS_ON:
        return []
    return [
        Error(
            "LIMITS is off: passwords may be guessed and stock hoarded without end.",
            hint="Unset LIMITS; 'off' is for load tests.",
            id="shop.E002",
        )
    ]


@register(Tags.security, deploy=True)
def refuse_laptop_settings(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:
    """Refuse a shop that thinks it is on somebody's laptop."""
    if settings.PRODUCTION:
        return []
    return [
        Error(
            "SHOP_ENV is not production: plain HTTP, unconfirmed e-mail addresses and a generated key are allowed.",
            hint="Set SHOP_ENV=production; deploy/production.env.example names what else that needs.",
            id="shop.E003",
        )
    ]
