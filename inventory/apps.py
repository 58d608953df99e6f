"""The app as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InventoryConfig(AppConfig):
    """Settings of the inventory app."""

    name = "inventory"
    verbose_name = _("Inventory")
