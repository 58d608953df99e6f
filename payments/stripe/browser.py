"""Stripe's half of the checkout page: its own script, which by its terms comes from Stripe, and what a page must allow it."""

from django.conf import settings

from payments.types import CardEntry

_HOSTS = ("https://js.stripe.com", "https://*.js.stripe.com")
_CHALLENGES = "https://hooks.stripe.com"  # where a bank's confirmation begins, in a frame or on a page of its own


def card_entry() -> CardEntry:
    """How a card is entered by Stripe's script."""
    return CardEntry(
        script_url="https://js.stripe.com/v3/",
        publishable_key=settings.STRIPE_PUBLISHABLE_KEY,
        content_security_policy={
            "script-src": ("'self'", *_HOSTS),
            "frame-src": (*_HOSTS, _CHALLENGES),
            "connect-src": ("'self'", "https://api.stripe.com"),
            "form-action": (_CHALLENGES,),
        },
    )
