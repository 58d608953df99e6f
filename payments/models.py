"""Payments, refunds, what the provider told us, and what is still to be asked of it."""

from decimal import Decimal

from django.db import models
from django.utils.translation import gettext_lazy as _

from core.fields import AmountField, CurrencyField
from payments.types import PaymentStatus, RefundStatus


class Payment(models.Model):
    """One attempt to pay one order. ``key`` is the idempotency key at the provider: the same key never charges twice."""

    Status = PaymentStatus

    provider = models.CharField(_("provider"), max_length=20)
    key = models.UUIDField(unique=True)
    # The order's public number: money knows what it is for without knowing orders.
    reference = models.CharField(_("order number"), max_length=30, unique=True)
    provider_reference = models.CharField(_("the provider's id"), max_length=100, blank=True)
    method = models.CharField(_("method"), max_length=100, blank=True)
    status = models.CharField(_("status"), max_length=20, choices=Status, default=Status.CREATED)
    currency = CurrencyField(_("currency"))
    amount = AmountField(_("amount"))
    captured_amount = AmountField(_("captured"), default=Decimal(0))
    # Promised or given back: it rises when a refund is asked for, so that the CHECK stops one too many before it is sent.
    refunded_amount = AmountField(_("refunded"), default=Decimal(0))
    failure_code = models.CharField(_("failure"), max_length=50, blank=True)
    next_action_url = models.URLField(max_length=500, blank=True)
    deadline_at = models.DateTimeField(_("to be settled by"))
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("updated"))

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="payment_amounts_in_order",
                condition=models.Q(
                    refunded_amount__gte=0,
                    captured_amount__gte=models.F("refunded_amount"),
                    amount__gte=models.F("captured_amount"),
                ),
            ),
            models.CheckConstraint(
                name="payment_captured_fits_status",
                condition=models.Q(status__in=("captured", "partially_refunded", "refunded"), captured_amount__gte=0)
                | models.Q(captured_amount=0),
            ),
            models.UniqueConstraint(
                name="payment_provider_reference_once",
                fields=["provider", "provider_reference"],
                condition=~models.Q(provider_reference=""),
            ),
        ]
        indexes = [
            models.Index(
                name="payment_unsettled",
                fields=["created_at"],
                condition=models.Q(status__in=("created", "action_required")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference}: {self.amount} {self.currency} {self.status}"


class Refund(models.Model):
    """Money going back; never more than was captured (`payment_amounts_in_order`)."""

    Status = RefundStatus

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    key = models.UUIDField(unique=True)
    amount = AmountField(_("amount"))
    currency = CurrencyField(_("currency"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    provider_reference = models.CharField(_("the provider's id"), max_length=100, blank=True)
    actor_id = models.BigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(_("created"))
    updated_at = models.DateTimeField(_("updated"))

    class Meta:
        constraints = [models.CheckConstraint(name="refund_positive", condition=models.Q(amount__gt=0))]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class ProviderEvent(models.Model):
    """A webhook, stored once by the provider's event id before anything is done about it."""

    provider = models.CharField(_("provider"), max_length=20)
    event_id = models.CharField(_("event id"), max_length=100)
    type = models.CharField(_("type"), max_length=100)
    payload = models.JSONField(_("payload"))
    received_at = models.DateTimeField(_("received"))

    class Meta:
        constraints = [models.UniqueConstraint(name="provider_event_once", fields=["provider", "event_id"])]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"


class PaymentWork(models.Model):
    """Something the provider must be told once this transaction stands: found again in the table whatever is killed."""

    class Kind(models.TextChoices):
        CAPTURE = "capture", _("Capture")
        VOID = "void", _("Void")
        REFUND = "refund", _("Refund")

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="work")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    refund = models.OneToOneField(Refund, null=True, blank=True, on_delete=models.PROTECT, related_name="work")
    due_at = models.DateTimeField(_("due"))
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.CharField(_("last error"), max_length=500, blank=True)
    done_at = models.DateTimeField(_("done"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="payment_work_once", fields=["payment", "kind"], condition=models.Q(kind__in=("capture", "void"))
            ),
            models.CheckConstraint(
                name="payment_work_refund_named",
                condition=models.Q(kind="refund", refund__isnull=False)
                | (~models.Q(kind="refund") & models.Q(refund=None)),
            ),
        ]
        indexes = [models.Index(name="payment_work_due", fields=["due_at"], condition=models.Q(done_at=None))]

    def __str__(self) -> str:
        return f"{self.kind} {self.payment_id}"
