"""Stock for staff: everything to be seen, changed by services only."""

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.admin import ReadOnlyAdmin
from core.clock import now
from core.errors import DomainError
from inventory import services
from inventory.forms import StockForm
from inventory.models import Allocation, Inventory, Reservation, StockMovement, Warehouse
from inventory.types import StockLevel


@admin.register(Warehouse)
class WarehouseAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # Warehouse, as registered
    """Warehouses. One that is not active promises nothing new; what it promised stays promised."""

    list_display = ("code", "name", "city", "country", "priority", "is_active")
    list_filter = ("is_active", "country")
    search_fields = ("code", "name", "city")


@admin.register(Inventory)
class InventoryAdmin(ReadOnlyAdmin):
    """Stock, with a page to change it."""

    list_display = ("product_sku", "warehouse", "quantity", "reserved", "available", "low_stock_threshold", "change_it")
    list_filter = ("warehouse",)
    list_select_related = ("product", "warehouse")
    search_fields = ("product__sku", "product__title")
    show_full_result_count = False
    change_list_template = "admin/inventory/stock_list.html"

    @admin.display(description=gettext_lazy("SKU"), ordering="product__sku")
    def product_sku(self, row: Inventory) -> str:
        """The product's SKU."""
        return str(row.product.sku)

    @admin.display(description=gettext_lazy("available"))
    def available(self, row: Inventory) -> int:
        """Units that can be promised."""
        return row.quantity - row.reserved

    @admin.display(description="")
    def change_it(self, row: Inventory) -> str:
        """The way to the page that changes this row."""
        address = f"{reverse('admin:inventory_change_stock')}?product={row.product_id}&warehouse={row.warehouse_id}"
        return format_html('<a href="{}">{}</a>', address, _("Change stock"))

    def get_urls(self) -> list[URLPattern]:
        """Add the page that changes stock."""
        page = path("change-stock/", self.admin_site.admin_view(self.change_stock), name="inventory_change_stock")
        return [page, *super().get_urls()]

    def change_stock(self, request: HttpRequest) -> HttpResponse:
        """Receive, adjust, count, transfer, or set the threshold, through the service that does it."""
        if not request.user.has_perm("inventory.change_inventory"):
            return HttpResponse(_("You may not change stock."), status=403)
        chosen = {name: request.GET[name] for name in ("product", "warehouse") if request.GET.get(name, "").isdecimal()}
        form = StockForm(request.POST or None, initial=chosen)
        if request.method == "POST" and form.is_valid():
            try:
                level = _change(form, request.user.pk)
            except DomainError as refusal:
                form.add_error(None, refusal.detail)
            else:
                done = _("Done: %(quantity)d on the shelf, %(reserved)d promised.")
                messages.success(request, done % {"quantity": level.quantity, "reserved": level.reserved})
                return redirect("admin:inventory_inventory_changelist")
        context = {**self.admin_site.each_context(request), "form": form, "title": _("Change stock"), "opts": self.opts}
        return TemplateResponse(request, "admin/inventory/change_stock.html", context)


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnlyAdmin):
    """The ledger."""

    list_display = ("at", "inventory", "kind", "quantity", "reason", "reference", "actor_id")
    list_filter = ("kind",)
    list_select_related = ("inventory",)
    search_fields = ("reference", "inventory__product__sku")
    date_hierarchy = "at"
    show_full_result_count = False


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    """Who holds what, and until when."""

    list_display = ("id", "inventory", "quantity", "cart_line_id", "order_line_id", "expires_at")
    list_filter = (("order_line_id", admin.EmptyFieldListFilter),)
    list_select_related = ("inventory",)
    search_fields = ("inventory__product__sku",)
    show_full_result_count = False


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    """What was sold from where."""

    list_display = ("order_line_id", "product", "warehouse", "quantity", "restocked", "created_at")
    list_filter = ("warehouse",)
    list_select_related = ("product", "warehouse")
    search_fields = ("product__sku", "=order_line_id")
    show_full_result_count = False


def _change(form: StockForm, actor_id: int | None) -> StockLevel:
    given = form.cleaned_data
    where = {"product_id": given["product"].pk, "warehouse_id": given["warehouse"].pk}
    match given["kind"]:
        case StockForm.RECEIVE:
            return services.receive(
                **where,
                quantity=given["quantity"],
                reference=given["reference"],
                reason=given["reason"],
                actor_id=actor_id,
                now=now(),
            )
        case StockForm.ADJUST:
            return services.adjust(
                **where, difference=given["quantity"], reason=given["reason"], actor_id=actor_id, now=now()
            )
        case StockForm.COUNT:
            return services.count(
                **where, counted=given["quantity"], reference=given["reference"], actor_id=actor_id, now=now()
            )
        case StockForm.TRANSFER:
            here, _there = services.transfer(
                product_id=given["product"].pk,
                from_warehouse_id=given["warehouse"].pk,
                to_warehouse_id=given["to_warehouse"].pk,
                quantity=given["quantity"],
                reference=given["reference"],
                actor_id=actor_id,
                now=now(),
            )
            return here
        case _kind:
            return services.set_low_stock_threshold(**where, threshold=given["quantity"])
