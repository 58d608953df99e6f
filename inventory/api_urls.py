"""Addresses of inventory below /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from inventory.api import AvailabilitiesView, AvailabilityView

urlpatterns: list[URLPattern | URLResolver] = [
    path("products/availability", AvailabilitiesView.as_view(), name="api-availabilities"),
    path("products/<int:product_id>/availability", AvailabilityView.as_view(), name="api-availability"),
]
