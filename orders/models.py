"""Orders and what follows from them. Lines snapshot what they need, so that history never shifts."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.fields import AmountField, CurrencyField
from orders.types import OrderStatus, PaymentStatus, ReturnStatus, ShipmentStatus


class Order(models.Model):
    """A purchase. ``number`` is public and can not be guessed; ``idempotency_owner`` and ``_key`` say which request made it."""

    number = models.CharField(_("number"), max_length=30, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # The guest's cart, whose token opens the order too; no foreign key, for carts come and go.
    cart_id = models.BigIntegerField(null=True, blank=True)
    payment = models.OneToOneField("payments.Payment", on_delete=models.PROTECT, related_name="+")
    email = models.EmailField(_("e-mail address"))
    status = models.CharField(_("status"), max_length=20, choices=OrderStatus, default=OrderStatus.PENDING_PAYMENT)
    payment_status = models.CharField(_("payment"), max_length=20, choices=PaymentStatus, default=PaymentStatus.PENDING)
    currency = CurrencyField(_("currency"))
    subtotal = AmountField(_("goods"))
    shipping = AmountField(_("shipping"))
    tax = AmountField(_("tax"))
    total = AmountField(_("total"))
    tax_included = models.BooleanField(_("prices include tax"), default=False)
    shipping_method = models.SlugField(_("shipping method"), max_length=40)
    shipping_name = models.CharField(_("shipping"), max_length=100)
    shipping_address = models.JSONField(_("shipping address"))
    billing_address = models.JSONField(_("billing address"))
    quote = models.JSONField(_("quote"), default=dict)
    notes = models.TextField(_("notes"), blank=True)
    idempotency_owner = models.CharField(max_length=100)
    idempotency_key = models.CharField(max_length=255)
    # Of the request that made it: another body under the same key is refused as long as the order exists.
    request_fingerprint = models.CharField(max_length=64, blank=True)
    placed_at = models.DateTimeField(_("placed"))
    updated_at = models.DateTimeField(_("updated"))
    archived_at = models.DateTimeField(_("archived"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="order_idempotency_once", fields=["idempotency_owner", "idempotency_key"]),
            models.CheckConstraint(
                name="order_amounts_not_negative",
                condition=models.Q(subtotal__gte=0, shipping__gte=0, tax__gte=0, total__gte=0),
            ),
            models.CheckConstraint(
                name="order_total_adds_up",
                condition=models.Q(tax_included=True, total=models.F("subtotal") + models.F("shipping"))
                | models.Q(tax_included=False, total=models.F("subtotal") + models.F("shipping") + models.F("tax")),
            ),
        ]
        indexes = [
            models.Index(name="order_user", fields=["user", "-placed_at"]),
            models.Index(name="order_cart", fields=["cart_id"], condition=models.Q(cart_id__isnull=False)),
            models.Index(name="order_email", fields=["email"]),
            models.Index(name="order_status", fields=["status", "placed_at"]),
            models.Index(name="order_to_archive", fields=["placed_at"], condition=models.Q(archived_at=None)),
        ]

    def __str__(self) -> str:
        return self.number


class OrderLine(models.Model):
    """So many of a product, as it was called and priced when it was bought."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    product = models.ForeignKey("catalog.Product", null=True, on_delete=models.SET_NULL, related_name="+")
    position = models.PositiveIntegerField()
    sku = models.CharField(_("SKU"), max_length=64)
    title = models.CharField(_("title"), max_length=500)
    quantity = models.IntegerField(_("quantity"))
    unit_price = AmountField(_("unit price"))
    total = AmountField(_("total"))
    tax_rate = models.DecimalField(_("tax rate"), max_digits=6, decimal_places=5, default=0)
    tax = AmountField(_("tax"))
    currency = CurrencyField(_("currency"))

    class Meta:
        constraints = [
            models.UniqueConstraint(name="order_line_position_once", fields=["order", "position"]),
            models.CheckConstraint(name="order_line_quantity_positive", condition=models.Q(quantity__gt=0)),
            models.CheckConstraint(
                name="order_line_total", condition=models.Q(total=models.F("unit_price") * models.F("quantity"))
            ),
            models.CheckConstraint(
                name="order_line_amounts_not_negative", condition=models.Q(unit_price__gte=0, tax__gte=0)
            ),
        ]
        indexes = [models.Index(name="order_line_product", fields=["product", "order"])]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.sku}"


class OrderHistory(models.Model):
    """One transition of an order, with who and when."""

    class Kind(models.TextChoices):
        ORDER = "order"
        PAYMENT = "payment"
        SHIPMENT = "shipment"
        RETURN = "return"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="history")
    kind = models.CharField(max_length=10, choices=Kind)
    from_status = models.CharField(max_length=20, blank=True)
    to_status = models.CharField(max_length=20)
    at = models.DateTimeField()
    # A user's id, or none for what the shop did by itself.
    actor_id = models.BigIntegerField(null=True, blank=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name_plural = "order history"
        indexes = [models.Index(name="order_history_order", fields=["order", "id"])]

    def __str__(self) -> str:
        return f"{self.from_status} -> {self.to_status}"


class Shipment(models.Model):
    """One parcel from one warehouse."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="shipments")
    warehouse = models.ForeignKey("inventory.Warehouse", on_delete=models.PROTECT, related_name="+")
    status = models.CharField(_("status"), max_length=20, choices=ShipmentStatus, default=ShipmentStatus.PREPARING)
    carrier = models.CharField(_("carrier"), max_length=50, blank=True)
    tracking_number = models.CharField(_("tracking number"), max_length=100, blank=True)
    tracking_url = models.URLField(_("tracking link"), max_length=500, blank=True)
    created_at = models.DateTimeField(_("created"))
    shipped_at = models.DateTimeField(_("shipped"), null=True, blank=True)
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="shipment_tracking_once",
                fields=["carrier", "tracking_number"],
                condition=~models.Q(tracking_number=""),
            ),
            models.CheckConstraint(
                name="shipment_tracked_when_shipped",
                condition=models.Q(status__in=("preparing", "cancelled")) | models.Q(shipped_at__isnull=False),
            ),
        ]
        indexes = [models.Index(name="shipment_order", fields=["order", "id"])]

    def __str__(self) -> str:
        return f"{self.carrier} {self.tracking_number}".strip() or f"shipment {self.pk}"


class ShipmentLine(models.Model):
    """So many of an order's line in a parcel."""

    shipment = models.ForeignKey(Shipment, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="shipped")
    quantity = models.IntegerField(_("quantity"))

    class Meta:
        constraints = [
            models.UniqueConstraint(name="shipment_line_once", fields=["shipment", "order_line"]),
            models.CheckConstraint(name="shipment_line_positive", condition=models.Q(quantity__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.order_line_id}"


class Return(models.Model):
    """What a shopper sends back (an RMA)."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="returns")
    number = models.CharField(_("number"), max_length=30, unique=True)
    status = models.CharField(_("status"), max_length=20, choices=ReturnStatus, default=ReturnStatus.REQUESTED)
    label_reference = models.CharField(_("label"), max_length=100, blank=True)
    warehouse = models.ForeignKey(
        "inventory.Warehouse", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    refund = models.OneToOneField("payments.Refund", null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField(_("requested"))
    updated_at = models.DateTimeField(_("updated"))

    class Meta:
        indexes = [models.Index(name="return_order", fields=["order", "id"])]

    def __str__(self) -> str:
        return self.number


class ReturnLine(models.Model):
    """So many of an order's line coming back, and what became of them."""

    parent = models.ForeignKey(Return, on_delete=models.CASCADE, related_name="lines")
    order_line = models.ForeignKey(OrderLine, on_delete=models.PROTECT, related_name="returned")
    quantity = models.IntegerField(_("quantity"))
    received_quantity = models.IntegerField(_("received"), default=0)
    restocked_quantity = models.IntegerField(_("restocked"), default=0)
    reason = models.CharField(_("reason"), max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="return_line_once", fields=["parent", "order_line"]),
            models.CheckConstraint(name="return_line_positive", condition=models.Q(quantity__gt=0)),
            models.CheckConstraint(
                name="return_line_amounts_in_order",
                condition=models.Q(
                    restocked_quantity__gte=0,
                    received_quantity__gte=models.F("restocked_quantity"),
                    quantity__gte=models.F("received_quantity"),
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.order_line_id}"


class RefundLine(models.Model):
    """What of an order's line, or of its shipping, a refund gives back; those of a refund that failed count no more."""

    refund = models.ForeignKey("payments.Refund", on_delete=models.PROTECT, related_name="+")
    order_line = models.ForeignKey(  # none for the shipping
        OrderLine, null=True, blank=True, on_delete=models.PROTECT, related_name="refunded"
    )
    quantity = models.IntegerField(_("quantity"))
    amount = AmountField(_("amount"))

    class Meta:
        constraints = [
            models.UniqueConstraint(name="refund_line_once", fields=["refund", "order_line"], nulls_distinct=False),
            models.CheckConstraint(name="refund_line_in_range", condition=models.Q(quantity__gt=0, amount__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.order_line_id or 'shipping'}: {self.amount}"
