"""Addresses of search below /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from search import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("products", api.ProductsView.as_view(), name="api-products"),
    path("search", api.SearchView.as_view(), name="api-search"),
    path("search/clicks", api.ClicksView.as_view(), name="api-search-clicks"),
    path("search/suggest", api.SuggestView.as_view(), name="api-suggest"),
]
