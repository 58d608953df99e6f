"""Orders for staff: everything to be seen; what changes one goes through a service."""

from django.contrib import admin

from core.admin import ReadOnlyAdmin
from orders.models import Order, OrderHistory, OrderLine


class _Inline(admin.TabularInline):  # type: ignore[type-arg]  # the stubs' parameters say nothing here
    extra = 0
    can_delete = False

    def has_add_permission(self, request: object, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: object, obj: object = None) -> bool:
        return False


class OrderLineInline(_Inline):
    """What was bought."""

    model = OrderLine
    fields = ("position", "sku", "title", "quantity", "unit_price", "tax", "total", "currency")


class OrderHistoryInline(_Inline):
    """What happened."""

    model = OrderHistory
    fields = ("at", "kind", "from_status", "to_status", "actor_id", "note")


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders, found by number or e-mail address."""

    list_display = ("number", "placed_at", "status", "payment_status", "total", "currency", "email")
    list_filter = ("status", "payment_status", "placed_at")
    search_fields = ("number", "email")
    date_hierarchy = "placed_at"
    show_full_result_count = False
    inlines = (OrderLineInline, OrderHistoryInline)
