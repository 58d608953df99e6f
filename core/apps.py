"""The app as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CoreConfig(AppConfig):
    """Settings of the core app."""

    name = "core"
    verbose_name = _("Core")
