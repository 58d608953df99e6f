"""Carts. What a cart holds of the stock is `inventory.Reservation`; a line may outlive its hold."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from core.clock import now
from core.fields import AmountField, CurrencyField


class Cart(models.Model):
    """A user's or a guest's cart. The token can not be guessed: whoever has a guest's token has the cart."""

    token = models.CharField(max_length=43, unique=True)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    version = models.PositiveBigIntegerField(default=0)
    # Whose address a guest last held from, as `core.net.pseudonym`: holds are counted by it, nothing else is.
    guest_address = models.CharField(max_length=32, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        indexes = [
            models.Index(name="cart_updated_at", fields=["updated_at"]),
            models.Index(
                name="cart_guest_address",
                fields=["guest_address", "updated_at"],
                condition=~models.Q(guest_address=""),
            ),
        ]

    def __str__(self) -> str:
        return f"cart {self.pk}"


class CartItem(models.Model):
    """A line: so many of a product, at the price the shopper last saw."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="items")
    product = models.ForeignKey("catalog.Product", on_delete=models.PROTECT, related_name="+")
    quantity = models.IntegerField(_("quantity"))
    seen_price = AmountField(_("price last seen"))
    currency = CurrencyField(_("currency"))
    added_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="cart_item_once", fields=["cart", "product"]),
            models.CheckConstraint(name="cart_item_quantity_positive", condition=models.Q(quantity__gt=0)),
            models.CheckConstraint(name="cart_item_price_not_negative", condition=models.Q(seen_price__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} x {self.product_id}"


class HoldStart(models.Model):
    """When a cart first held a product. Survives removal, decline and merge, so that a hold can not be renewed for ever."""

    cart = models.ForeignKey(Cart, on_delete=models.CASCADE, related_name="hold_starts")
    product = models.ForeignKey("catalog.Product", on_delete=models.CASCADE, related_name="+")
    first_held_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(name="hold_start_once", fields=["cart", "product"])]

    def __str__(self) -> str:
        return f"{self.product_id} since {self.first_held_at}"
