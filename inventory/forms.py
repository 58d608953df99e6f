"""What staff fill in to change the stock."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.utils.translation import gettext_lazy as _

from inventory.models import Inventory, Warehouse

_PRODUCT = Inventory.product.field


class StockForm(forms.Form):
    """One change of the stock of a product in a warehouse."""

    RECEIVE, ADJUST, COUNT, TRANSFER, THRESHOLD = "receive", "adjust", "count", "transfer", "threshold"
    KINDS = (
        (RECEIVE, _("Receive units that arrived")),
        (ADJUST, _("Adjust the books by so many, more or less")),
        (COUNT, _("Count: so many lie on the shelf, sold ones that wait to be shipped among them")),
        (TRANSFER, _("Transfer so many to another warehouse")),
        (THRESHOLD, _("Call stock low below so many")),
    )
    product = _PRODUCT.formfield(widget=ForeignKeyRawIdWidget(_PRODUCT.remote_field, admin.site))
    warehouse = forms.ModelChoiceField(label=_("Warehouse"), queryset=Warehouse.objects.all())
    kind = forms.ChoiceField(label=_("What to do"), choices=KINDS)
    to_warehouse = forms.ModelChoiceField(
        label=_("To warehouse"), queryset=Warehouse.objects.all(), required=False, help_text=_("Only to transfer.")
    )
    quantity = forms.IntegerField(label=_("Units"))
    reference = forms.CharField(
        label=_("Reference"), max_length=100, required=False, help_text=_("Such as the number of a delivery.")
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False, help_text=_("Needed to adjust."))

    def clean(self) -> dict[str, Any] | None:
        """A transfer goes somewhere."""
        given = super().clean() or self.cleaned_data
        if given.get("kind") == self.TRANSFER and not given.get("to_warehouse"):
            self.add_error("to_warehouse", _("Say where to."))
        return given
