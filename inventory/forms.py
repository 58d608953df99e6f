"""What staff fill in to change the stock."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import ForeignKeyRawIdWidget
from django.utils.translation import gettext_lazy as _

from inventory.models import Inventory


class StockForm(forms.ModelForm):  # type: ignore[type-arg]  # only its two choices are the model's; nothing is saved by it
    """One change of the stock of a product in a warehouse."""

    RECEIVE, ADJUST, THRESHOLD = "receive", "adjust", "threshold"
    KINDS = (
        (RECEIVE, _("Receive units that arrived")),
        (ADJUST, _("Adjust the books by so many, more or less")),
        (THRESHOLD, _("Call stock low below so many")),
    )
    kind = forms.ChoiceField(label=_("What to do"), choices=KINDS)
    quantity = forms.IntegerField(label=_("Units"))
    reference = forms.CharField(
        label=_("Reference"), max_length=100, required=False, help_text=_("Such as the number of a delivery.")
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False, help_text=_("Needed to adjust."))

    class Meta:
        model = Inventory
        fields = ("product", "warehouse")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        relation = Inventory._meta.get_field("product").remote_field  # noqa: SLF001 - Django's own interface
        self.fields["product"].widget = ForeignKeyRawIdWidget(relation, admin.site)

    def validate_unique(self) -> None:
        """The pair is there already as a rule: it is what will be changed."""

    def validate_constraints(self) -> None:
        """As above; services check what they write."""
