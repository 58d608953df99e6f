"""Addresses of the pages of cart."""

from django.urls import URLPattern, URLResolver, path

from cart import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("cart/", views.cart, name="cart"),
    path("cart/clear/", views.clear, name="cart-clear"),
    path("cart/items/", views.add, name="cart-add"),
    path("cart/items/<int:item_id>/", views.item, name="cart-item"),
    path("cart/items/<int:item_id>/hold/", views.hold, name="cart-hold"),
]
