"""The project itself as an app: it wires the others."""

from django.apps import AppConfig


class EcommerceConfig(AppConfig):
    """Holds no models; its checks and wiring know every app."""

    name = "ecommerce"
