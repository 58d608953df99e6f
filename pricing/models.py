"""What shipping and tax cost. A quote is computed from these, never stored here."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from catalog.types import TaxClass
from core.fields import AmountField, CurrencyField


class ShippingMethod(models.Model):
    """A way to ship: a flat amount and one per kilogram, free from a goods value on. No countries means everywhere."""

    code = models.SlugField(_("code"), max_length=40, unique=True)
    name = models.CharField(_("name"), max_length=100)
    countries = ArrayField(models.CharField(max_length=2), default=list, blank=True, verbose_name=_("countries"))
    flat_amount = AmountField(_("flat amount"))
    amount_per_kg = AmountField(_("amount per kilogram"), default=Decimal(0))
    free_from = AmountField(_("free from"), null=True, blank=True)
    currency = CurrencyField(_("currency"))
    tax_class = models.CharField(_("tax class"), max_length=20, choices=TaxClass, default=TaxClass.STANDARD)
    min_days = models.PositiveSmallIntegerField(_("fewest days"), default=1)
    max_days = models.PositiveSmallIntegerField(_("most days"), default=5)
    position = models.PositiveSmallIntegerField(_("position"), default=0)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ("position", "code")
        constraints = [
            models.CheckConstraint(
                name="shipping_amounts_not_negative",
                condition=models.Q(flat_amount__gte=0, amount_per_kg__gte=0)
                & (models.Q(free_from=None) | models.Q(free_from__gte=0)),
            ),
            models.CheckConstraint(
                name="shipping_days_in_order", condition=models.Q(min_days__lte=models.F("max_days"))
            ),
        ]

    def __str__(self) -> str:
        return self.name


class TaxRate(models.Model):
    """The rate of a tax class in a country, or in one region of it, which then goes before the country's."""

    country = CountryField(_("country"))
    region = models.CharField(_("state or region"), max_length=100, blank=True)
    tax_class = models.CharField(_("tax class"), max_length=20, choices=TaxClass, default=TaxClass.STANDARD)
    name = models.CharField(_("name"), max_length=50)
    rate = models.DecimalField(_("rate"), max_digits=6, decimal_places=5, help_text=_("0.19 is 19 %"))
    is_included = models.BooleanField(_("included in prices"), default=False)

    class Meta:
        ordering = ("country", "region", "tax_class")
        constraints = [
            models.UniqueConstraint(name="tax_rate_once", fields=["country", "region", "tax_class"]),
            models.CheckConstraint(name="tax_rate_in_range", condition=models.Q(rate__gte=0, rate__lt=1)),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.country} {self.region}".strip()
