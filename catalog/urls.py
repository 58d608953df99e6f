"""Addresses of the pages of catalog."""

from django.urls import URLPattern, URLResolver, path

from catalog import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("c/<path:slug_path>/", views.category, name="category"),
    path("p/<slug:slug>/", views.product, name="product"),
    path("search/", views.search, name="search"),
]
