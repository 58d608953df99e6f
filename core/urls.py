"""Addresses for machines, and the pages that explain problem codes."""

from django.urls import URLPattern, URLResolver, path, re_path

from core import problems, views

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/live", views.live, name="health-live"),
    path("health/ready", views.ready, name="health-ready"),
    path("health/", views.health, name="health"),
    path("metrics", views.metrics, name="metrics"),
    path("problems/<slug:code>/", views.problem, name="problem"),
]
# Comes last of all, behind every address that exists.
fallback: list[URLPattern | URLResolver] = [re_path(r"^api/(?P<path>.*)$", problems.api_not_found)]
