"""Stock: how much of a product lies where, who holds some of it, and every movement that made it so."""

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from core.clock import now


class Warehouse(models.Model):
    """A place that goods are shipped from. A lower ``priority`` number is preferred where distance does not decide."""

    code = models.SlugField(_("code"), max_length=20, unique=True)
    name = models.CharField(_("name"), max_length=100)
    line1 = models.CharField(_("address"), max_length=200, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    region = models.CharField(_("state or region"), max_length=100, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    country = CountryField(_("country"))
    latitude = models.DecimalField(
        _("latitude"),
        max_digits=8,
        decimal_places=5,
        null=True,
        blank=True,
        validators=[MinValueValidator(-90), MaxValueValidator(90)],
    )
    longitude = models.DecimalField(
        _("longitude"),
        max_digits=8,
        decimal_places=5,
        null=True,
        blank=True,
        validators=[MinValueValidator(-180), MaxValueValidator(180)],
    )
    priority = models.PositiveIntegerField(_("priority"), default=100)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ("priority", "code")
        constraints = [
            models.CheckConstraint(
                name="warehouse_coordinates_both_or_none",
                condition=models.Q(latitude=None, longitude=None)
                | models.Q(latitude__range=(-90, 90), longitude__range=(-180, 180)),
            )
        ]

    def __str__(self) -> str:
        return self.name


class Inventory(models.Model):
    """Stock of a product in a warehouse: ``quantity`` on hand and unsold, of which ``reserved`` is promised."""

    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="stock")
    quantity = models.IntegerField(_("quantity"), default=0)
    reserved = models.IntegerField(_("reserved"), default=0)
    low_stock_threshold = models.PositiveIntegerField(_("low stock below"), default=5)

    class Meta:
        verbose_name_plural = "inventory"
        constraints = [
            models.UniqueConstraint(name="inventory_product_warehouse", fields=["product", "warehouse"]),
            models.CheckConstraint(
                name="inventory_never_oversold", condition=models.Q(reserved__gte=0, quantity__gte=models.F("reserved"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} in {self.warehouse_id}: {self.quantity} - {self.reserved}"


class Reservation(models.Model):
    """A hold on inventory, live as long as its row exists: a cart's ends by itself, an order's with its payment."""

    inventory = models.ForeignKey(Inventory, on_delete=models.PROTECT, related_name="reservations")
    quantity = models.IntegerField(_("quantity"))
    cart_line_id = models.BigIntegerField(null=True, blank=True)
    order_line_id = models.BigIntegerField(null=True, blank=True)
    expires_at = models.DateTimeField(_("held until"), null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="reservation_positive", condition=models.Q(quantity__gt=0)),
            models.CheckConstraint(
                name="reservation_one_holder",
                condition=models.Q(cart_line_id__isnull=False, order_line_id=None, expires_at__isnull=False)
                | models.Q(cart_line_id=None, order_line_id__isnull=False, expires_at=None),
            ),
            models.UniqueConstraint(name="reservation_cart_line_once", fields=["cart_line_id", "inventory"]),
            models.UniqueConstraint(name="reservation_order_line_once", fields=["order_line_id", "inventory"]),
        ]
        indexes = [
            models.Index(
                name="reservation_expires", fields=["expires_at"], condition=models.Q(expires_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of {self.inventory_id}"


class StockMovement(models.Model):
    """One line of the stock ledger: ``quantity`` is what the shelf gained or lost. The database refuses changes."""

    class Kind(models.TextChoices):
        RECEIVED = "received", _("Received")
        SOLD = "sold", _("Sold")
        RETURNED = "returned", _("Returned")
        ADJUSTED = "adjusted", _("Adjusted")
        TRANSFERRED = "transferred", _("Transferred")

    inventory = models.ForeignKey(Inventory, on_delete=models.PROTECT, related_name="movements")
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    quantity = models.IntegerField(_("quantity"))
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    reference = models.CharField(_("reference"), max_length=100, blank=True)
    actor_id = models.BigIntegerField(null=True, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        constraints = [
            models.CheckConstraint(name="movement_not_zero", condition=~models.Q(quantity=0)),
            models.CheckConstraint(
                name="movement_sign_fits_kind",
                condition=(
                    models.Q(kind__in=("received", "returned"), quantity__gt=0)
                    | models.Q(kind="sold", quantity__lt=0)
                    | models.Q(kind__in=("adjusted", "transferred"))
                ),
            ),
        ]
        indexes = [
            models.Index(name="movement_inventory", fields=["inventory", "id"]),
            models.Index(name="movement_reference", fields=["reference"], condition=~models.Q(reference="")),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.kind} {self.quantity:+}"


class Allocation(models.Model):
    """What a paid order line took from which warehouse, kept for picking, shipping and returns; ``restocked`` came back."""

    order_line_id = models.BigIntegerField()
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="allocations")
    quantity = models.IntegerField(_("quantity"))
    restocked = models.IntegerField(_("restocked"), default=0)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="allocation_once", fields=["order_line_id", "warehouse"]),
            models.CheckConstraint(name="allocation_positive", condition=models.Q(quantity__gt=0)),
            models.CheckConstraint(
                name="allocation_restocked_at_most_all",
                condition=models.Q(restocked__gte=0, restocked__lte=models.F("quantity")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} from {self.warehouse_id}"
