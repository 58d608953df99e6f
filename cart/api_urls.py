"""Addresses of cart below /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from cart.api import CartView, HoldView, ItemsView, ItemView

urlpatterns: list[URLPattern | URLResolver] = [
    path("cart", CartView.as_view(), name="api-cart"),
    path("cart/items", ItemsView.as_view(), name="api-cart-items"),
    path("cart/items/<int:item_id>", ItemView.as_view(), name="api-cart-item"),
    path("cart/items/<int:item_id>/hold", HoldView.as_view(), name="api-cart-hold"),
]
