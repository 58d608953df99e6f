"""Addresses of catalog below /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from catalog import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("categories", api.CategoriesView.as_view(), name="api-categories"),
    path("products/<int:product_id>", api.ProductView.as_view(), name="api-product"),
]
