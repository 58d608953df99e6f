"""What checkout takes over the API, and how an order looks there."""

from typing import Any

from rest_framework import serializers

from core.serializers import MoneyField
from orders.types import CheckoutRequest, PostalAddress, RefundRequest


class AddressSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """A postal address; what a country needs of it is checked after this."""

    name = serializers.CharField(max_length=150)
    line1 = serializers.CharField(max_length=200)
    line2 = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    city = serializers.CharField(max_length=100)
    region = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    postal_code = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")
    country = serializers.RegexField(r"^[A-Za-z]{2}$", help_text="ISO 3166, two letters")
    phone = serializers.CharField(max_length=30, required=False, allow_blank=True, default="")


class DestinationSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """As much of an address as a price depends on; the rest may be sent and is left alone."""

    country = serializers.RegexField(r"^[A-Za-z]{2}$", help_text="ISO 3166, two letters")
    region = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")


class QuoteRequestSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """Where it goes and how; without a method the cheapest is taken."""

    shipping_address = DestinationSerializer()
    shipping_method = serializers.CharField(max_length=40, required=False, allow_null=True, default=None)


class CheckoutSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """What a shopper sends to buy. ``total`` is what they were shown."""

    email = serializers.EmailField(max_length=254)
    shipping_address = AddressSerializer()
    billing_address = AddressSerializer(
        required=False, allow_null=True, default=None, help_text="As the other if left out"
    )
    shipping_method = serializers.CharField(max_length=40)
    payment_method = serializers.CharField(max_length=100)
    total = MoneyField()

    def to_request(self) -> CheckoutRequest:
        """The request, once valid."""
        data: dict[str, Any] = self.validated_data
        shipping = address_of(data["shipping_address"])
        billing = address_of(data["billing_address"]) if data["billing_address"] else shipping
        return CheckoutRequest(
            email=data["email"],
            shipping_address=shipping,
            billing_address=billing,
            shipping_method=data["shipping_method"],
            payment_method=data["payment_method"],
            total=data["total"],
        )


def address_of(data: dict[str, str]) -> PostalAddress:
    """An address from validated fields."""
    return PostalAddress(**{**data, "country": data["country"].upper()})


class ShippingChoiceSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """A way to ship."""

    code = serializers.CharField()
    name = serializers.CharField()
    amount = MoneyField()
    min_days = serializers.IntegerField()
    max_days = serializers.IntegerField()


class QuotedLineSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """A line of a quote."""

    product_id = serializers.IntegerField()
    quantity = serializers.IntegerField()
    unit_price = MoneyField()
    total = MoneyField()
    tax_rate = serializers.DecimalField(max_digits=6, decimal_places=5)
    tax = MoneyField()


class QuoteSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """What a purchase costs."""

    lines = QuotedLineSerializer(many=True)
    subtotal = MoneyField()
    shipping = MoneyField()
    tax = MoneyField()
    total = MoneyField()
    tax_included = serializers.BooleanField()
    shipping_method = serializers.CharField()
    shipping_name = serializers.CharField()
    shipping_methods = ShippingChoiceSerializer(many=True)


class OrderLineSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """A line as it was bought."""

    id = serializers.IntegerField()
    product_id = serializers.IntegerField(allow_null=True)
    sku = serializers.CharField()
    title = serializers.CharField()
    quantity = serializers.IntegerField()
    unit_price = MoneyField()
    total = MoneyField()
    tax = MoneyField()


class HistoryEntrySerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """One transition."""

    kind = serializers.CharField()
    from_status = serializers.CharField()
    to_status = serializers.CharField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    note = serializers.CharField()


class OrderSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """An order."""

    number = serializers.CharField()
    status = serializers.CharField()
    payment_status = serializers.CharField()
    email = serializers.EmailField()
    subtotal = MoneyField()
    shipping = MoneyField()
    tax = MoneyField()
    total = MoneyField()
    tax_included = serializers.BooleanField()
    shipping_method = serializers.CharField()
    shipping_name = serializers.CharField()
    shipping_address = AddressSerializer()
    billing_address = AddressSerializer()
    placed_at = serializers.DateTimeField()
    lines = OrderLineSerializer(many=True)
    history = HistoryEntrySerializer(many=True)
    next_action = serializers.CharField(
        source="next_action_url", help_text="Where the shopper confirms the payment, or empty"
    )


class OrderSummarySerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """An order in a list."""

    number = serializers.CharField()
    status = serializers.CharField()
    total = MoneyField()
    placed_at = serializers.DateTimeField()
    item_count = serializers.IntegerField()
    first_title = serializers.CharField()


class OrderPageSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """One page of orders."""

    results = OrderSummarySerializer(many=True, source="orders")
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()


class RefundRequestLineSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """So many of a line."""

    line_id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    quantity = serializers.IntegerField(min_value=1, max_value=2**31 - 1)


class RefundRequestSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """Lines and shipping, or an amount; with neither, all that is left."""

    lines = RefundRequestLineSerializer(many=True, required=False, default=list)
    shipping = serializers.BooleanField(required=False, default=False)
    amount = MoneyField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")

    def to_request(self) -> RefundRequest:
        """The request, once valid."""
        data: dict[str, Any] = self.validated_data
        lines = tuple((line["line_id"], line["quantity"]) for line in data["lines"])
        return RefundRequest(lines=lines, shipping=data["shipping"], amount=data["amount"], reason=data["reason"])


class RefundedLineSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """What of a line goes back."""

    line_id = serializers.IntegerField(allow_null=True, help_text="None for the shipping.")
    quantity = serializers.IntegerField()
    amount = MoneyField()


class RefundSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """A refund."""

    id = serializers.CharField()
    order_number = serializers.CharField()
    amount = MoneyField()
    status = serializers.CharField(help_text="pending until the payment provider has done it, then succeeded or failed")
    reason = serializers.CharField()
    lines = RefundedLineSerializer(many=True)
