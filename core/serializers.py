"""How values cross the API."""

import re
from collections.abc import Callable
from functools import cached_property
from operator import attrgetter
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.money import Money

MONEY_SCHEMA = {
    "type": "object",
    "properties": {
        "amount": {"type": "string", "format": "decimal", "example": "49.95"},
        "currency": {"type": "string", "example": "USD", "minLength": 3, "maxLength": 3},
    },
    "required": ["amount", "currency"],
}


_AS_THEY_ARE = (serializers.CharField, serializers.IntegerField, serializers.BooleanField)


class ReadOnlySerializer(serializers.Serializer):  # type: ignore[type-arg]  # of a frozen dataclass
    """Shows the attributes of an object, in a fraction of the time: fields are looked at once, and what is JSON already stays.

    For what the shop itself has made, so that each attribute has its field's type. One instance can serve many answers.
    """

    @cached_property
    def _shown(self) -> list[tuple[str, Callable[[Any], Any], Callable[[Any], Any] | None]]:
        return [
            (
                field.field_name or "",
                attrgetter(field.source or ""),
                None if type(field) in _AS_THEY_ARE else field.to_representation,
            )
            for field in self._readable_fields
        ]

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """The JSON of ``instance``."""
        shown = {}
        for name, get, represent in self._shown:
            value = get(instance)
            shown[name] = value if value is None or represent is None else represent(value)
        return shown


@extend_schema_field(MONEY_SCHEMA)
class MoneyField(serializers.Field):  # type: ignore[type-arg]  # the stubs' parameters say nothing here
    """`{"amount": "49.95", "currency": "USD"}`: the amount is a string, for JSON's numbers are floats."""

    default_error_messages = {"invalid": "Give an amount and a currency, such as {example}."}

    def to_representation(self, value: Money) -> dict[str, str]:
        """The JSON of an amount."""
        return {"amount": str(value.amount), "currency": value.currency}

    def to_internal_value(self, data: Any) -> Money:
        """The amount a client sent. Raises ValidationError for what is none."""
        amounts = serializers.DecimalField(max_digits=14, decimal_places=3)
        if (
            not isinstance(data, dict)
            or not re.fullmatch("[A-Z]{3}", str(data.get("currency")))
            or isinstance(data.get("amount"), float)
        ):
            self.fail("invalid", example='{"amount": "49.95", "currency": "USD"}')
        try:
            return Money(amounts.run_validation(data.get("amount")), data["currency"])
        except ValueError:
            self.fail("invalid", example='{"amount": "49.95", "currency": "USD"}')
