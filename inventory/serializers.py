"""How stock looks in the API."""

from rest_framework import serializers


class WarehouseAvailabilitySerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """Units that one warehouse can promise."""

    code = serializers.CharField()
    name = serializers.CharField()
    available = serializers.IntegerField()


class AvailabilitySerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """Units that can be promised, in all and by warehouse."""

    product_id = serializers.IntegerField()
    available = serializers.IntegerField()
    in_stock = serializers.BooleanField()
    low_stock = serializers.BooleanField()
    warehouses = WarehouseAvailabilitySerializer(many=True)


class AvailabilitiesSerializer(serializers.Serializer):  # type: ignore[type-arg]  # no model behind it
    """Several products."""

    results = AvailabilitySerializer(many=True)
