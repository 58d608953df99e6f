"""How a cart looks in the API, and what is sent to change it."""

from rest_framework import serializers

from core.serializers import MoneyField

LARGEST_ID = 2**63 - 1
LARGEST_QUANTITY = 2**31 - 1


class QuantitySerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """How many a line shall be."""

    quantity = serializers.IntegerField(min_value=1, max_value=LARGEST_QUANTITY)


class NewItemSerializer(QuantitySerializer):
    """What goes into the cart."""

    product_id = serializers.IntegerField(min_value=1, max_value=LARGEST_ID)


class LinePictureSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """A picture in three sizes."""

    card_url = serializers.CharField()
    page_url = serializers.CharField()
    line_url = serializers.CharField()
    alt = serializers.CharField()


class CartItemSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """A line."""

    id = serializers.IntegerField()
    product_id = serializers.IntegerField()
    sku = serializers.CharField()
    slug = serializers.CharField()
    title = serializers.CharField()
    picture = LinePictureSerializer(allow_null=True)
    quantity = serializers.IntegerField()
    unit_price = MoneyField()
    seen_price = MoneyField(help_text="What the shopper was last told; differs from unit_price when price_changed.")
    price_changed = serializers.BooleanField()
    total = MoneyField()
    held = serializers.BooleanField(help_text="Whether all of the line is kept for the shopper until held_until.")
    held_until = serializers.DateTimeField(allow_null=True)
    available_to_buy = serializers.IntegerField(help_text="What the line could come to, its own hold included.")
    max_per_order = serializers.IntegerField()
    sold = serializers.BooleanField(
        help_text="False for a product that is not sold any more: it can only be taken out."
    )


class CartSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """A cart."""

    items = CartItemSerializer(many=True)
    subtotal = MoneyField()
    item_count = serializers.IntegerField()
    all_held = serializers.BooleanField()
