"""Use cases of prices: what a new shop starts with."""

from decimal import Decimal

from django.db import transaction

from catalog.types import TaxClass
from core.money import exponent, round_amount
from pricing.models import ShippingMethod, TaxRate

EUROPEAN_UNION = (
    *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV"),
    *("MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
)
# Code, name, countries (none: everywhere), flat, per kilogram, free from, days.
SHIPPING: tuple[tuple[str, str, tuple[str, ...], str, str, str | None, tuple[int, int]], ...] = (
    ("standard", "Standard delivery", ("US",), "4.95", "0.50", "49.00", (3, 5)),
    ("express", "Express delivery", ("US",), "14.95", "1.50", None, (1, 2)),
    ("europe", "Delivery to Europe", (*EUROPEAN_UNION, "CH", "GB", "NO"), "9.95", "1.00", "99.00", (4, 8)),
    ("international", "International delivery", (), "24.95", "4.00", None, (7, 15)),
)
# Country, region, class, name, rate, whether prices include it. A start to be checked by whoever sells there: the United
# States have no federal sales tax, and what is here of their states leaves out counties and cities.
TAXES: tuple[tuple[str, str, TaxClass, str, str, bool], ...] = (
    ("US", "CA", TaxClass.STANDARD, "Sales tax", "0.0725", False),
    ("US", "NY", TaxClass.STANDARD, "Sales tax", "0.04", False),
    ("US", "WA", TaxClass.STANDARD, "Sales tax", "0.065", False),
    ("DE", "", TaxClass.STANDARD, "MwSt.", "0.19", True),
    ("DE", "", TaxClass.REDUCED, "MwSt.", "0.07", True),
    ("AT", "", TaxClass.STANDARD, "USt.", "0.20", True),
    ("AT", "", TaxClass.REDUCED, "USt.", "0.10", True),
    ("FR", "", TaxClass.STANDARD, "TVA", "0.20", True),
    ("FR", "", TaxClass.REDUCED, "TVA", "0.055", True),
    ("NL", "", TaxClass.STANDARD, "btw", "0.21", True),
    ("NL", "", TaxClass.REDUCED, "btw", "0.09", True),
    ("GB", "", TaxClass.STANDARD, "VAT", "0.20", True),
    ("GB", "", TaxClass.REDUCED, "VAT", "0.05", True),
    ("CA", "", TaxClass.STANDARD, "GST", "0.05", False),
    ("JP", "", TaxClass.STANDARD, "Consumption tax", "0.10", True),
    ("JP", "", TaxClass.REDUCED, "Consumption tax", "0.08", True),
)


def install_defaults(*, currency: str) -> None:
    """Give a shop that sells in ``currency`` ways to ship and tax rates to begin with.

    Leaves alone whatever is there already, by code, and by country, region and class: safe to repeat after staff changed them.
    """
    with transaction.atomic(durable=True):
        ShippingMethod.objects.bulk_create(
            (
                ShippingMethod(
                    code=code,
                    name=name,
                    countries=list(countries),
                    flat_amount=_amount(flat, currency),
                    amount_per_kg=_amount(per_kg, currency),
                    free_from=None if free_from is None else _amount(free_from, currency),
                    currency=currency,
                    min_days=days[0],
                    max_days=days[1],
                    position=position,
                )
                for position, (code, name, countries, flat, per_kg, free_from, days) in enumerate(SHIPPING)
            ),
            ignore_conflicts=True,
        )
        TaxRate.objects.bulk_create(
            (
                TaxRate(
                    country=country,
                    region=region,
                    tax_class=tax_class,
                    name=name,
                    rate=Decimal(rate),
                    is_included=included,
                )
                for country, region, tax_class, name, rate, included in TAXES
            ),
            ignore_conflicts=True,
        )


def _amount(text: str, currency: str) -> Decimal:
    """An amount meant for a currency with cents; where there are none, a unit is taken to be worth about a cent."""
    scale = 100 if exponent(currency) == 0 else 1
    return round_amount(Decimal(text) * scale, currency)
