"""Forms of the admin."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from treebeard.forms import MoveNodeForm

from catalog.models import Category

PATH_LENGTH = 500


class CategoryForm(MoveNodeForm):  # type: ignore[misc]  # treebeard has no types
    """A category and its place in the tree. Its address follows from both."""

    class Meta:
        model = Category
        exclude = ("path", "depth", "numchild", "slug_path")

    def clean(self) -> dict[str, Any]:
        """Refuse an address that another category has, or that is too long to be kept."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        slug = cleaned.get("slug")
        if slug:
            above = self._above(cleaned)
            address = f"{above.slug_path}/{slug}" if above else slug
            if len(address) > PATH_LENGTH:
                raise ValidationError({"slug": _("The address of this category would be too long.")})
            if Category.objects.filter(slug_path=address).exclude(pk=self.instance.pk).exists():
                raise ValidationError({"slug": _("Another category has this address already.")})
        return cleaned

    def _above(self, cleaned: dict[str, Any]) -> Category | None:
        """The category that this one shall be right below, None at the root."""
        reference: Category | None = cleaned.get("treebeard_ref_node")
        if reference is None or str(cleaned.get("treebeard_position", "")).endswith("child"):
            return reference
        parent: Category | None = Category.objects.get_parent(reference)
        return parent
