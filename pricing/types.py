"""What other apps see of prices: lines and a destination go in, a quote comes out."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from core.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteLine:
    """So many of a product, at its price as the catalogue has it now."""

    product_id: int
    quantity: int
    unit_price: Money
    tax_class: str
    weight_grams: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingTariff:
    """What a way to ship costs; None for ``free_from`` is never free."""

    code: str
    name: str
    flat_amount: Decimal
    amount_per_kg: Decimal
    free_from: Decimal | None
    currency: str
    tax_class: str
    min_days: int
    max_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShippingChoice:
    """A way to ship these goods there, and what it costs."""

    code: str
    name: str
    amount: Money
    min_days: int
    max_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxRules:
    """The rates of a destination by tax class (0.19 is 19 %), and whether prices include them. A class not named has none."""

    rates: dict[str, Decimal]
    included: bool

    def rate(self, tax_class: str) -> Decimal:
        """The rate of ``tax_class``, zero where there is none."""
        return self.rates.get(tax_class, Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotedLine:
    """A line with its total and the tax in it, or on top of it (`Quote.tax_included`)."""

    product_id: int
    quantity: int
    unit_price: Money
    total: Money
    tax_rate: Decimal
    tax: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a purchase costs.

    ``subtotal`` is the lines' totals added up, ``tax`` the lines' taxes and ``shipping_tax`` added up. ``total`` is
    ``subtotal + shipping`` where prices include the tax, with ``tax`` on top where they do not.
    """

    lines: tuple[QuotedLine, ...]
    subtotal: Money
    shipping: Money
    shipping_tax_rate: Decimal
    shipping_tax: Money
    tax: Money
    total: Money
    tax_included: bool
    shipping_method: str
    shipping_name: str
    shipping_methods: tuple[ShippingChoice, ...]

    def to_json(self) -> dict[str, Any]:
        """The quote as JSON keeps it: amounts are strings beside their currency."""
        return {
            "lines": [
                {
                    "product_id": line.product_id,
                    "quantity": line.quantity,
                    "unit_price": _json(line.unit_price),
                    "total": _json(line.total),
                    "tax_rate": str(line.tax_rate),
                    "tax": _json(line.tax),
                }
                for line in self.lines
            ],
            "subtotal": _json(self.subtotal),
            "shipping": _json(self.shipping),
            "shipping_tax_rate": str(self.shipping_tax_rate),
            "shipping_tax": _json(self.shipping_tax),
            "tax": _json(self.tax),
            "total": _json(self.total),
            "tax_included": self.tax_included,
            "shipping_method": self.shipping_method,
            "shipping_name": self.shipping_name,
            "shipping_methods": [
                {
                    "code": choice.code,
                    "name": choice.name,
                    "amount": _json(choice.amount),
                    "min_days": choice.min_days,
                    "max_days": choice.max_days,
                }
                for choice in self.shipping_methods
            ],
        }


def _json(money: Money) -> dict[str, str]:
    return {"amount": str(money.amount), "currency": money.currency}
