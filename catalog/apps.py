"""The app as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CatalogConfig(AppConfig):
    """Settings of the catalog app."""

    name = "catalog"
    verbose_name = _("Catalogue")
