"""Addresses of payments outside the API: where providers tell what happened."""

from django.urls import URLPattern, URLResolver, path

from payments import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/payments/simulated/", views.webhook, {"provider": "simulated"}, name="webhook-simulated"),
    path("webhooks/payments/stripe/", views.webhook, {"provider": "stripe"}, name="webhook-stripe"),
]
