"""What staff fill in about shipping and tax: refused where a quote could not be made from it."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django_countries import countries

from pricing.models import ShippingMethod, TaxRate


class ShippingMethodForm(forms.ModelForm):  # type: ignore[type-arg]  # ShippingMethod, as Meta says
    """A way to ship."""

    class Meta:
        model = ShippingMethod
        fields = "__all__"  # noqa: DJ007 - staff may change all of it

    def clean_currency(self) -> str:
        """Codes are written in capitals."""
        currency = str(self.cleaned_data["currency"]).upper()
        if len(currency) != 3 or not currency.isascii() or not currency.isalpha():
            raise ValidationError(_("A currency has three letters, such as USD."))
        return currency

    def clean_countries(self) -> list[str]:
        """Codes that exist, in capitals."""
        codes = [str(code).strip().upper() for code in self.cleaned_data["countries"]]
        unknown = [code for code in codes if code not in dict(countries)]
        if unknown:
            raise ValidationError(_("These are no country codes: %(codes)s.") % {"codes": ", ".join(unknown)})
        return codes


class TaxRateForm(forms.ModelForm):  # type: ignore[type-arg]  # TaxRate, as Meta says
    """The rate of a tax class somewhere."""

    class Meta:
        model = TaxRate
        fields = "__all__"  # noqa: DJ007 - staff may change all of it

    def clean(self) -> dict[str, Any] | None:
        """A country's prices include their taxes, or none of them do: a purchase is taxed one way."""
        given = super().clean()
        country, included = self.cleaned_data.get("country"), bool(self.cleaned_data.get("is_included"))
        others = TaxRate.objects.filter(country=country).exclude(pk=self.instance.pk)
        if country and others.exclude(is_included=included).exists():
            raise ValidationError(_("The other rates of this country say otherwise about being included in prices."))
        return given
