"""Shipping and tax for staff."""

from django.contrib import admin

from pricing.forms import ShippingMethodForm, TaxRateForm
from pricing.models import ShippingMethod, TaxRate


@admin.register(ShippingMethod)
class ShippingMethodAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # ShippingMethod, as registered
    """Ways to ship."""

    form = ShippingMethodForm
    list_display = ("code", "name", "flat_amount", "amount_per_kg", "free_from", "currency", "position", "is_active")
    list_filter = ("is_active", "currency")
    search_fields = ("code", "name")


@admin.register(TaxRate)
class TaxRateAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # TaxRate, as registered
    """Tax rates."""

    form = TaxRateForm
    list_display = ("country", "region", "tax_class", "name", "rate", "is_included")
    list_filter = ("tax_class", "is_included", "country")
    search_fields = ("name", "region")
