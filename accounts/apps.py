"""The app as Django knows it."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """Settings of the accounts app."""

    name = "accounts"
    verbose_name = _("Accounts")
