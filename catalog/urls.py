"""Addresses of the pages of catalog."""

from django.urls import URLPattern, URLResolver, path

from catalog import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("p/<slug:slug>/", views.product, name="product"),
]
