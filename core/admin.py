"""What staff see of events and of the audit log: everything, and change nothing but by "try again"."""

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import services
from core.clock import now
from core.errors import DomainError
from core.models import AuditLog, OutboxEvent, ParkedEvent


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # the row's type differs by subclass
    """Rows that only services write."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds one by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody changes one by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody deletes one by hand."""
        return False


@admin.register(OutboxEvent)
class OutboxEventAdmin(ReadOnlyAdmin):
    """Events on their way out, and those that left lately."""

    list_display = ("id", "topic", "key", "type", "occurred_at", "published_at")
    list_filter = ("topic", "type")
    search_fields = ("key", "event_id")
    show_full_result_count = False


@admin.register(ParkedEvent)
class ParkedEventAdmin(ReadOnlyAdmin):
    """Events that a subscriber could not take."""

    list_display = ("id", "group", "key", "type", "attempts", "parked_at", "resolved_at")
    list_filter = ("group", "type", ("resolved_at", admin.EmptyFieldListFilter))
    search_fields = ("key", "event_id", "error")
    actions = ("try_again",)

    @admin.action(description=gettext_lazy("Try again"))
    def try_again(self, request: HttpRequest, queryset: "QuerySet[ParkedEvent]") -> None:
        """Hand the chosen events, and those behind them, to their subscriber again."""
        taken = 0
        for parked_id in queryset.filter(resolved_at=None).order_by("id").values_list("pk", flat=True):
            try:
                taken += services.retry_parked(
                    parked_id=parked_id, subscribers_path=settings.EVENT_SUBSCRIBERS, now=now()
                )
            except DomainError as refusal:
                messages.warning(request, refusal.detail)
        messages.info(request, _("%(taken)d taken.") % {"taken": taken})


@admin.register(AuditLog)
class AuditLogAdmin(ReadOnlyAdmin):
    """Who changed what."""

    list_display = ("at", "actor_id", "action", "object_type", "object_id")
    list_filter = ("action", "object_type")
    search_fields = ("object_id",)
    date_hierarchy = "at"
