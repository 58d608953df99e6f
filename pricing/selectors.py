"""Quotes, from the shop's shipping methods and tax rates as they are now."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial

from django.db.models import Q

from catalog.types import TaxClass
from core.money import Money
from pricing import policies
from pricing.models import ShippingMethod, TaxRate
from pricing.types import Quote, QuoteLine, ShippingChoice, ShippingTariff, TaxRules


def quote(
    *, lines: Sequence[QuoteLine], country: str, region: str, shipping_method: str | None, currency: str
) -> Quote:
    """What ``lines`` cost, shipped to ``region`` of ``country`` (ISO 3166 code). None ships the cheapest way. Two queries.

    Raises UnknownShippingMethod, NoShipping, AmountTooLarge, and ValueError for lines of a currency other than ``currency``.
    """
    return policies.quote(
        lines=lines,
        tariffs=_tariffs(country=country, currency=currency),
        tax=tax_rules(country=country, region=region),
        shipping_method=shipping_method,
        currency=currency,
    )


def quoter(*, country: str, region: str, currency: str) -> Callable[[Sequence[QuoteLine]], Quote]:
    """Prices any number of purchases that go to one place, by the cheapest way to ship. Two queries, however many they are.

    What it returns raises as `quote`.
    """
    return partial(
        _cheapest,
        tariffs=_tariffs(country=country, currency=currency),
        tax=tax_rules(country=country, region=region),
        currency=currency,
    )


def _cheapest(lines: Sequence[QuoteLine], *, tariffs: Sequence[ShippingTariff], tax: TaxRules, currency: str) -> Quote:
    return policies.quote(lines=lines, tariffs=tariffs, tax=tax, shipping_method=None, currency=currency)


def shipping_methods(*, country: str, subtotal: Money, weight_grams: int) -> tuple[ShippingChoice, ...]:
    """The ways to ship goods of that value and weight to ``country``, in the shop's order; may be none. One query."""
    tariffs = _tariffs(country=country, currency=subtotal.currency)
    return policies.shipping_choices(tariffs=tariffs, subtotal=subtotal, weight_grams=weight_grams)


def tax_rules(*, country: str, region: str) -> TaxRules:
    """The rates of a destination. A region's rate goes before its country's, class by class; a region is compared without case.

    One purchase is taxed one way: either all prices include their tax, or all taxes are added. Should the rates of a
    destination disagree, the one for standard goods decides, and where there is none, the first by class. One query.
    """
    here = Q(region="") | Q(region__iexact=region.strip())
    rows = list(TaxRate.objects.filter(here, country=country.upper()).order_by("region"))
    # The country's rows come first, so that a region's take their place.
    by_class = {row.tax_class: row for row in rows}
    rates: dict[str, Decimal] = {tax_class: row.rate for tax_class, row in by_class.items()}
    deciding = by_class.get(TaxClass.STANDARD) or next((by_class[name] for name in sorted(by_class)), None)
    return TaxRules(rates=rates, included=deciding is not None and deciding.is_included)


def _tariffs(*, country: str, currency: str) -> list[ShippingTariff]:
    reaching = Q(countries=[]) | Q(countries__contains=[country.upper()])
    return [
        ShippingTariff(
            code=row.code,
            name=row.name,
            flat_amount=row.flat_amount,
            amount_per_kg=row.amount_per_kg,
            free_from=row.free_from,
            currency=row.currency,
            tax_class=row.tax_class,
            min_days=row.min_days,
            max_days=row.max_days,
        )
        for row in ShippingMethod.objects.filter(reaching, is_active=True, currency=currency)
    ]
