"""Money for staff: everything to be seen, given back through the service only."""

import uuid
from decimal import Decimal

from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _

from core.admin import ReadOnlyAdmin
from core.clock import now
from core.errors import DomainError
from core.money import Money, round_amount
from payments import policies, selectors, services
from payments.forms import RefundForm
from payments.models import Payment, PaymentWork, ProviderEvent, Refund


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    """Payments, with a page to give money back."""

    list_display = (
        "reference",
        "status",
        "amount",
        "captured_amount",
        "refunded_amount",
        "currency",
        "created_at",
        "refund_it",
    )
    list_filter = ("status", "provider")
    search_fields = ("reference", "provider_reference", "=key")
    date_hierarchy = "created_at"
    show_full_result_count = False

    @admin.display(description="")
    def refund_it(self, row: Payment) -> str:
        """The way to the page that gives money back, where there is some."""
        if row.status not in policies.TAKEN or row.refunded_amount >= row.captured_amount:
            return ""
        return format_html('<a href="{}">{}</a>', reverse("admin:payments_refund", args=[row.pk]), _("Refund"))

    def get_urls(self) -> list[URLPattern]:
        """Add the page that gives money back."""
        page = path("<int:payment_id>/refund/", self.admin_site.admin_view(self.refund), name="payments_refund")
        return [page, *super().get_urls()]

    def refund(self, request: HttpRequest, payment_id: int) -> HttpResponse:
        """Give back all of a payment that is left, or a part."""
        if not request.user.has_perm("payments.add_refund"):
            return HttpResponse(_("You may not give money back."), status=403)
        payment = selectors.find_payment(payment_id=payment_id)
        if payment is None:
            raise Http404
        left = payment.captured - payment.refunded
        form = RefundForm(request.POST or None, initial={"amount": left.amount, "key": uuid.uuid4()})
        if request.method == "POST" and form.is_valid() and _refund(form, payment_id, payment.amount.currency, request):
            return redirect("admin:payments_payment_changelist")
        context = {
            **self.admin_site.each_context(request),
            "form": form,
            "title": _("Refund for order %(number)s") % {"number": payment.reference},
            "opts": self.opts,
            "left": left,
        }
        return TemplateResponse(request, "admin/payments/refund.html", context)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Money that goes back."""

    list_display = ("id", "payment", "amount", "currency", "status", "reason", "actor_id", "created_at")
    list_filter = ("status",)
    list_select_related = ("payment",)
    search_fields = ("payment__reference", "=key")
    show_full_result_count = False


@admin.register(PaymentWork)
class PaymentWorkAdmin(ReadOnlyAdmin):
    """What the provider is still to be told, and what it was."""

    list_display = ("id", "kind", "payment", "due_at", "attempts", "last_error", "done_at")
    list_filter = ("kind", ("done_at", admin.EmptyFieldListFilter))
    list_select_related = ("payment",)
    search_fields = ("payment__reference",)
    show_full_result_count = False


@admin.register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyAdmin):
    """What providers told."""

    list_display = ("received_at", "provider", "type", "event_id")
    list_filter = ("provider", "type")
    search_fields = ("event_id", "payload__key")
    show_full_result_count = False


def _refund(form: RefundForm, payment_id: int, currency: str, request: HttpRequest) -> bool:
    """Whether the refund was promised; else the form says why not."""
    amount: Decimal = form.cleaned_data["amount"]
    if amount != round_amount(amount, currency):
        form.add_error("amount", _("This is finer than the smallest coin."))
        return False
    try:
        services.refund(
            payment_id=payment_id,
            amount=Money(amount, currency),
            key=form.cleaned_data["key"],
            reason=form.cleaned_data["reason"],
            actor_id=request.user.pk,
            now=now(),
        )
    except DomainError as refusal:
        form.add_error(None, refusal.detail)
        return False
    messages.success(request, _("The refund is on its way to the provider."))
    return True
