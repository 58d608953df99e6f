"""The app as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CartConfig(AppConfig):
    """Settings of the cart app."""

    name = "cart"
    verbose_name = _("Carts")
