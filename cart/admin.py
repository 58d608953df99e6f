"""Carts for staff who help shoppers: to be seen only. The token, which opens a guest's cart, is not shown."""

from django.contrib import admin

from cart.models import Cart, CartItem
from core.admin import ReadOnlyAdmin


class CartItemInline(admin.TabularInline):  # type: ignore[type-arg]  # rows of a Cart
    """The lines."""

    model = CartItem
    fields = readonly_fields = ("product", "quantity", "seen_price", "currency", "added_at")
    extra = 0
    max_num = 0
    can_delete = False


@admin.register(Cart)
class CartAdmin(ReadOnlyAdmin):
    """Carts of users and guests."""

    list_display = ("id", "user", "created_at", "updated_at")
    list_select_related = ("user",)
    fields = readonly_fields = ("user", "version", "created_at", "updated_at")
    search_fields = ("=id", "user__email")
    inlines = (CartItemInline,)
    show_full_result_count = False
