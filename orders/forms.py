"""The checkout's form."""

from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django_countries import countries

from core.errors import FieldError
from core.money import Money
from orders import policies
from orders.types import CheckoutRequest, PostalAddress
from payments import selectors as payments

# What the simulated provider's cards do; a real provider's script makes a token of the card that is typed into its own field.
CARDS = [
    ("pm_card_visa", _("A card that works")),
    ("pm_card_declined", _("A card that is declined")),
    ("pm_card_insufficient_funds", _("A card without enough money")),
    ("pm_card_authentication_required", _("A card whose bank asks for a confirmation")),
]
NO_CARD = _("Please enter your card. That needs JavaScript, since the card's number goes to our payment provider only.")
# What a price depends on asks for it anew as soon as it changes; without scripts, the button below the methods does.
RECALCULATE = {
    "hx-post": "",
    "hx-trigger": "change",
    "hx-include": "closest form",
    "hx-vals": '{"update": "1"}',
    "hx-target": "#costs",
    "hx-select": "#costs",
    "hx-select-oob": "#shipping-methods",
    "hx-swap": "outerHTML",
    # Nobody buys at a total that is just being worked out anew.
    "hx-disabled-elt": "#costs button",
}
ADDRESS_FIELDS = ("name", "line1", "line2", "city", "region", "postal_code", "country", "phone")


class CheckoutForm(forms.Form):
    """Everything a purchase needs. ``total`` and ``idempotency_key`` travel with the page that showed them."""

    email = forms.EmailField(label=_("E-mail address"), max_length=254)
    name = forms.CharField(label=_("Full name"), max_length=150)
    line1 = forms.CharField(label=_("Address"), max_length=200)
    line2 = forms.CharField(label=_("Second line (optional)"), max_length=200, required=False)
    city = forms.CharField(label=_("City"), max_length=100)
    region = forms.CharField(label=_("State or region"), max_length=100, required=False)
    postal_code = forms.CharField(label=_("Postal code"), max_length=20, required=False)
    country = forms.ChoiceField(label=_("Country"), choices=lambda: list(countries))
    phone = forms.CharField(label=_("Phone (optional)"), max_length=30, required=False)
    shipping_method = forms.CharField(max_length=40, required=False)
    payment_method = forms.ChoiceField(choices=CARDS, initial=CARDS[0][0])
    total = forms.DecimalField(max_digits=14, decimal_places=3, widget=forms.HiddenInput)
    idempotency_key = forms.CharField(max_length=255, widget=forms.HiddenInput)

    autocomplete = {
        "email": "email",
        "name": "name",
        "line1": "address-line1",
        "line2": "address-line2",
        "city": "address-level2",
        "region": "address-level1",
        "postal_code": "postal-code",
        "country": "country",
        "phone": "tel",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if payments.card_entry() is not None:
            self.fields["payment_method"] = forms.CharField(max_length=100, error_messages={"required": NO_CARD})
        for name, token in self.autocomplete.items():
            look = "form-select" if name == "country" else "form-control"
            self.fields[name].widget.attrs.update({"class": look, "autocomplete": token})
        for name in ("country", "region"):
            self.fields[name].widget.attrs.update(RECALCULATE)

    def clean(self) -> dict[str, Any]:
        """Check the address by its country's rules."""
        data = super().clean() or {}
        if not self.errors:
            checked = policies.check_address(self._address(data), pointer="")
            for error in checked.errors:
                name = error.pointer.strip("/")
                self.add_error(name if name in self.fields else None, error.detail)
            self.checked_address = checked.address
        return data

    def to_request(self) -> CheckoutRequest:
        """What to buy, once valid. Raises ValueError for a total that is no amount of the shop's currency."""
        data = self.cleaned_data
        return CheckoutRequest(
            email=data["email"],
            shipping_address=self.checked_address,
            billing_address=self.checked_address,
            shipping_method=data["shipping_method"],
            payment_method=data["payment_method"],
            total=Money.rounded(data["total"], settings.CURRENCY),
        )

    def add_refusals(self, errors: tuple[FieldError, ...]) -> None:
        """Show the errors of a refusal beside their fields."""
        for error in errors:
            name = error.pointer.rpartition("/")[2]
            self.add_error(name if name in self.fields else None, error.detail)

    @staticmethod
    def _address(data: dict[str, Any]) -> PostalAddress:
        return PostalAddress(**{name: data.get(name, "") for name in ADDRESS_FIELDS})
