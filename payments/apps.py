"""The app as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    """Settings of the payments app."""

    name = "payments"
    verbose_name = _("Payments")
