"""The project itself as an app: it wires the others."""

from django.apps import AppConfig
from django.utils.module_loading import import_string


class EcommerceConfig(AppConfig):
    """Holds no models; its checks and wiring know every app."""

    name = "ecommerce"

    def ready(self) -> None:
        """Register the checks, which being imported does."""
        import_string("ecommerce.checks.refuse_simulated_payments")
