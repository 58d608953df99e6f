"""Quotes, from the shop's shipping methods and tax rates as they are now."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial

from django.db import connection

from catalog.types import TaxClass
from core.money import Money
from pricing import policies
from pricing.types import Quote, QuoteLine, ShippingChoice, ShippingTariff, TaxRules

# Both in one statement, for a quote needs both, and a checkout counts its statements. A country's rates come before its regions',
# so that these take their place.
_TERMS = """
    SELECT 'tariff' AS what, code, name, flat_amount, amount_per_kg, free_from, tax_class, min_days, max_days, false AS included,
        row_number() OVER (ORDER BY position, code) AS place
    FROM pricing_shippingmethod
    WHERE is_active AND currency = %(currency)s AND (countries = '{}' OR %(country)s = ANY (countries))
    UNION ALL
    SELECT 'rate', '', '', rate, NULL, NULL, tax_class, NULL, NULL, is_included, row_number() OVER (ORDER BY region, tax_class)
    FROM pricing_taxrate
    WHERE country = %(country)s AND (region = '' OR upper(region) = upper(%(region)s))
    ORDER BY place
"""


def quote(
    *, lines: Sequence[QuoteLine], country: str, region: str, shipping_method: str | None, currency: str
) -> Quote:
    """What ``lines`` cost, shipped to ``region`` of ``country`` (ISO 3166 code). None ships the cheapest way. One query.

    Raises UnknownShippingMethod, NoShipping, AmountTooLarge, and ValueError for lines of a currency other than ``currency``.
    """
    tariffs, tax = _terms(country=country, region=region, currency=currency)
    return policies.quote(lines=lines, tariffs=tariffs, tax=tax, shipping_method=shipping_method, currency=currency)


def quoter(*, country: str, region: str, currency: str) -> Callable[[Sequence[QuoteLine]], Quote]:
    """Prices any number of purchases that go to one place, by the cheapest way to ship. One query, however many they are.

    What it returns raises as `quote`.
    """
    tariffs, tax = _terms(country=country, region=region, currency=currency)
    return partial(_cheapest, tariffs=tariffs, tax=tax, currency=currency)


def _cheapest(lines: Sequence[QuoteLine], *, tariffs: Sequence[ShippingTariff], tax: TaxRules, currency: str) -> Quote:
    return policies.quote(lines=lines, tariffs=tariffs, tax=tax, shipping_method=None, currency=currency)


def shipping_methods(*, country: str, subtotal: Money, weight_grams: int) -> tuple[ShippingChoice, ...]:
    """The ways to ship goods of that value and weight to ``country``, in the shop's order; may be none. One query."""
    tariffs, _tax = _terms(country=country, region="", currency=subtotal.currency)
    return policies.shipping_choices(tariffs=tariffs, subtotal=subtotal, weight_grams=weight_grams)


def tax_rules(*, country: str, region: str) -> TaxRules:
    """The rates of a destination. A region's rate goes before its country's, class by class; a region is compared without case.

    One purchase is taxed one way: either all prices include their tax, or all taxes are added. Should the rates of a
    destination disagree, the one for standard goods decides, and where there is none, the first by class. One query.
    """
    _tariffs, tax = _terms(country=country, region=region, currency="")
    return tax


def _terms(*, country: str, region: str, currency: str) -> tuple[list[ShippingTariff], TaxRules]:
    """The ways to ship to a destination, in the shop's order, and how it is taxed."""
    tariffs: list[ShippingTariff] = []
    rates: dict[str, Decimal] = {}
    included: dict[str, bool] = {}
    with connection.cursor() as cursor:
        cursor.execute(_TERMS, {"country": country.upper(), "region": region.strip(), "currency": currency})
        for what, code, name, amount, per_kg, free_from, tax_class, min_days, max_days, is_included, _place in cursor:
            if what == "rate":
                rates[tax_class] = amount
                included[tax_class] = is_included
                continue
            tariffs.append(
                ShippingTariff(
                    code=code,
                    name=name,
                    flat_amount=amount,
                    amount_per_kg=per_kg,
                    free_from=free_from,
                    currency=currency,
                    tax_class=tax_class,
                    min_days=min_days,
                    max_days=max_days,
                )
            )
    deciding = TaxClass.STANDARD if TaxClass.STANDARD in included else min(included, default=None)
    return tariffs, TaxRules(rates=rates, included=deciding is not None and included[deciding])
