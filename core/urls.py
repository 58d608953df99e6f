"""Addresses for machines, and the pages that explain problem codes."""

from django.urls import URLPattern, URLResolver, path

from core import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/live", views.live, name="health-live"),
    path("health/ready", views.ready, name="health-ready"),
    path("health/", views.health, name="health"),
    path("metrics", views.metrics, name="metrics"),
    path("problems/<slug:code>/", views.problem, name="problem"),
]
