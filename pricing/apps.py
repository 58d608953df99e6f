"""The app as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PricingConfig(AppConfig):
    """Settings of the pricing app."""

    name = "pricing"
    verbose_name = _("Pricing")
