"""The app as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class OrdersConfig(AppConfig):
    """Settings of the orders app."""

    name = "orders"
    verbose_name = _("Orders")
