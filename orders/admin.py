"""Orders for staff: everything to be seen; what changes one goes through a service."""

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin import ReadOnlyAdmin
from core.clock import now
from core.errors import DomainError
from orders import services
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
    actions = ("cancel",)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may cancel orders."""
        return request.user.has_perm("orders.change_order")

    @admin.action(description=gettext_lazy("Cancel, and give goods and money back"), permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: "QuerySet[Order]") -> None:
        """Cancel the chosen orders, each by itself; those that are past it are named."""
        cancelled = 0
        for number in queryset.order_by("pk").values_list("number", flat=True):
            try:
                services.cancel_order(number=number, actor_id=request.user.pk or 0, reason="", now=now())
                cancelled += 1
            except DomainError as refusal:
                messages.warning(request, f"{number}: {refusal.detail}")
        messages.info(request, _("%(count)d cancelled.") % {"count": cancelled})
