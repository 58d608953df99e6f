"""Addresses of orders below /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from orders import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("quote", api.QuoteView.as_view(), name="api-quote"),
    path("orders", api.OrdersView.as_view(), name="api-orders"),
    path("orders/<str:number>", api.OrderDetailView.as_view(), name="api-order"),
    path("orders/<str:number>/refunds", api.RefundsView.as_view(), name="api-refunds"),
]
