"""The app as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SearchConfig(AppConfig):
    """Settings of the search app."""

    name = "search"
    verbose_name = _("Search")
