"""Addresses of inventory below /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from inventory.api import AvailabilityView

urlpatterns: list[URLPattern | URLResolver] = [
    path("products/<int:product_id>/availability", AvailabilityView.as_view(), name="api-availability"),
]
