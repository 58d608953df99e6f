"""The app as Django knows it."""

from django.apps import AppConfig
from django.db.models import Field
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

from core.lookups import AnyOf


class CoreConfig(AppConfig):
    """Settings of the core app."""

    name = "core"
    verbose_name = _("Core")

    def ready(self) -> None:
        """Add the lookup ``any_of`` to every field, and register every app's events."""
        Field.register_lookup(AnyOf)
        autodiscover_modules("events")
