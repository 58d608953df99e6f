"""The catalogue for staff. Every save is announced, so that what others derive from a product follows it."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.forms import BaseModelFormSet, ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from treebeard.admin import TreeAdmin

from catalog import operations, services
from catalog.forms import CategoryForm
from catalog.models import (
    Attribute,
    Brand,
    Category,
    ImportRefusal,
    ImportRun,
    Product,
    ProductAttribute,
    ProductFamily,
    ProductMedia,
    Seller,
)
from catalog.pictures import picture_of
from catalog.thumbnails import make_thumbnails
from catalog.types import PartKind
from core.clock import now


@admin.register(Category)
class CategoryAdmin(TreeAdmin):  # type: ignore[misc]  # treebeard has no types
    """The category tree: drag to move, or say where a category belongs in its form."""

    form = CategoryForm
    list_display = ("name", "slug_path", "is_active")
    search_fields = ("name", "slug_path")
    prepopulated_fields = {"slug": ("name",)}

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show or save a category; one save at a time, for each changes the addresses or places of others."""
        with transaction.atomic():
            if request.method == "POST":
                operations.hold_categories()
            answer: HttpResponse = super().changeform_view(request, *args, **kwargs)
        return answer

    def save_model(self, request: HttpRequest, obj: Category, form: Any, change: bool) -> None:
        """Save, then give it and all below it the address that fits. Admin has a transaction open."""
        super().save_model(request, obj, form, change)
        changed = [obj.pk, *operations.readdress_categories()]
        operations.announce_part(kind=PartKind.CATEGORY, ids=changed, now=now())

    def move_node(self, request: HttpRequest) -> HttpResponse:
        """Move by dragging; refused where two categories would get the same address."""
        try:
            with transaction.atomic():
                operations.hold_categories()
                answer: HttpResponse = super().move_node(request)
                operations.announce_part(kind=PartKind.CATEGORY, ids=operations.readdress_categories(), now=now())
        except IntegrityError:
            line = _("There is a category of this name already.")
            messages.error(request, line)
            return HttpResponseBadRequest(line)
        return answer


class PartAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # of what is registered with it; so below
    """Something that many products share: all of them are not what they were once it is saved."""

    part: PartKind

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save and announce. Admin has a transaction open."""
        super().save_model(request, obj, form, change)
        operations.announce_part(kind=self.part, ids=[obj.pk], now=now())


@admin.register(Brand)
class BrandAdmin(PartAdmin):
    """Brands."""

    part = PartKind.BRAND

    list_display = ("name", "slug")
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Seller)
class SellerAdmin(PartAdmin):
    """Sellers. What one that is not active sells is not listed."""

    part = PartKind.SELLER

    list_display = ("name", "email", "is_active")
    list_filter = ("is_active",)
    search_fields = ("name",)
    prepopulated_fields = {"slug": ("name",)}


@admin.register(Attribute)
class AttributeAdmin(PartAdmin):
    """Attributes, and which of them lists can be narrowed by."""

    part = PartKind.ATTRIBUTE

    list_display = ("name", "code", "kind", "unit", "is_filter")
    list_filter = ("is_filter", "kind")
    search_fields = ("name", "code")


class VariantInline(admin.TabularInline):  # type: ignore[type-arg]  # of Product
    """The variants of a family, with what one changes most."""

    model = Product
    fields = ("sku", "slug", "title", "price", "compare_at_price", "currency", "position", "is_active")
    extra = 0
    show_change_link = True

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Orders and stock refer to products: switch one off instead."""
        return False


@admin.register(ProductFamily)
class ProductFamilyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    """Families with their variants."""

    list_display = ("title", "code", "brand", "category", "is_active")
    list_filter = ("is_active",)
    list_select_related = ("brand", "category")
    search_fields = ("title", "code")
    raw_id_fields = ("category", "brand", "seller")
    readonly_fields = ("created_at", "updated_at")
    show_full_result_count = False
    inlines = (VariantInline,)

    def save_model(self, request: HttpRequest, obj: ProductFamily, form: Any, change: bool) -> None:
        """Save, with the moment."""
        obj.updated_at = now()
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the variants, then announce them all: a family's title and category are theirs too."""
        super().save_related(request, form, formsets, change)
        operations.announce(product_ids=form.instance.products.values_list("pk", flat=True), now=now())


class AttributeInline(admin.TabularInline):  # type: ignore[type-arg]  # of ProductAttribute
    """The specification."""

    model = ProductAttribute
    fields = ("attribute", "value", "number", "position")
    raw_id_fields = ("attribute",)
    extra = 0


class MediaInline(admin.TabularInline):  # type: ignore[type-arg]  # of ProductMedia
    """The pictures."""

    model = ProductMedia
    fields = ("preview", "file", "alt", "position", "source_url")
    readonly_fields = ("preview", "source_url")
    extra = 0

    @admin.display(description=gettext_lazy("preview"))
    def preview(self, row: ProductMedia) -> str:
        """The picture, small."""
        if not row.file:
            return ""
        picture = picture_of(file=row.file.name or "", alt=row.alt, title="", category_path="")
        return format_html('<img src="{}" alt="{}" width="60" height="60">', picture.line_url, picture.alt)


class RefusalInline(admin.TabularInline):  # type: ignore[type-arg]  # of ImportRefusal
    """The lines that were not taken."""

    model = ImportRefusal
    fields = ("line", "code", "field", "detail")
    readonly_fields = fields
    ordering = ("line",)
    max_num = 0
    can_delete = False


@admin.register(ImportRun)
class ImportRunAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    """Imports, to look at: how far each got, and what it refused."""

    list_display = ("file_name", "started_at", "finished_at", "line", "created", "changed", "unchanged", "refused")
    inlines = (RefusalInline,)
    exclude = ("fingerprint",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """They are begun by `import_products`."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What happened, happened."""
        return False


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # as above
    """Products with specification and pictures. Their stock is changed on the pages of inventory."""

    list_display = ("sku", "title", "price", "currency", "is_active")
    list_filter = ("is_active", "tax_class")
    search_fields = ("sku", "title")
    raw_id_fields = ("family",)
    readonly_fields = ("rating", "review_count", "former_slugs", "created_at", "updated_at")
    prepopulated_fields = {"slug": ("title",)}
    show_full_result_count = False
    inlines = (AttributeInline, MediaInline)
    actions = ("put_on_sale", "take_off_sale")

    @admin.action(description=gettext_lazy("Put on sale"), permissions=["change"])
    def put_on_sale(self, request: HttpRequest, queryset: "QuerySet[Product]") -> None:
        """Let the selected products be bought again."""
        changed = services.put_on_sale(product_ids=list(queryset.values_list("pk", flat=True)), now=now())
        messages.success(request, _("%(count)d products are on sale now.") % {"count": changed})

    @admin.action(description=gettext_lazy("Take off sale"), permissions=["change"])
    def take_off_sale(self, request: HttpRequest, queryset: "QuerySet[Product]") -> None:
        """Let the selected products be bought no more."""
        changed = services.take_off_sale(product_ids=list(queryset.values_list("pk", flat=True)), now=now())
        messages.success(request, _("%(count)d products are off sale now.") % {"count": changed})

    @admin.display(description=gettext_lazy("former slugs"))
    def former_slugs(self, row: Product) -> str:
        """The addresses that lead here from earlier."""
        return ", ".join(row.former_addresses.order_by("replaced_at").values_list("slug", flat=True)) or "-"

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Product]":
        """Newest first."""
        return super().get_queryset(request).order_by("-pk")

    def save_model(self, request: HttpRequest, obj: Product, form: "ModelForm[Product]", change: bool) -> None:
        """Save, with the moment."""
        obj.updated_at = now()
        super().save_model(request, obj, form, change)

    def save_formset(
        self, request: HttpRequest, form: Any, formset: "BaseModelFormSet[Any, Any]", change: bool
    ) -> None:
        """Save pictures and attributes; new pictures get their thumbnails once they are there for good."""
        super().save_formset(request, form, formset, change)
        saved = [*formset.new_objects, *(row for row, _fields in formset.changed_objects)]
        for row in saved:
            if isinstance(row, ProductMedia) and row.file:
                transaction.on_commit(partial(make_thumbnails, file=row.file.name or ""), robust=True)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save what belongs to the product, then announce it."""
        super().save_related(request, form, formsets, change)
        operations.announce(product_ids=[form.instance.pk], now=now())

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Orders and stock refer to products: switch one off instead."""
        return False
