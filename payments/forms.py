"""What staff fill in to give money back."""

from django import forms
from django.utils.translation import gettext_lazy as _


class RefundForm(forms.Form):
    """How much of a payment goes back, and why. ``key`` makes a double click one refund."""

    amount = forms.DecimalField(label=_("Amount"), max_digits=14, decimal_places=3)
    reason = forms.CharField(label=_("Reason"), max_length=200)
    key = forms.UUIDField(widget=forms.HiddenInput)
