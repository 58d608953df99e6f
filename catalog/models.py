"""The catalogue: what there is, what it is called, what it costs. Stock is `inventory`'s."""

from typing import ClassVar

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.core.validators import FileExtensionValidator
from django.db import models
from django.db.models.functions import MD5, Upper
from django.utils.translation import gettext_lazy as _
from treebeard.mp_tree import MP_Node

from catalog.types import AttributeKind, TaxClass
from core.clock import now
from core.fields import AmountField, CurrencyField, refuse_vector_images

# Recorded by the database itself, whoever changes an address: a former one leads to its owner, until somebody else takes it.
_REMEMBER = """
IF OLD.{column} ~ '^[^/]' THEN
    INSERT INTO {table} ({column}, {owner}, replaced_at) VALUES (OLD.{column}, NEW.id, clock_timestamp())
    ON CONFLICT ({column}) DO UPDATE SET {owner} = EXCLUDED.{owner}, replaced_at = EXCLUDED.replaced_at;
END IF;
DELETE FROM {table} WHERE {column} = NEW.{column};
RETURN NULL;
"""
# Once a statement: a call for each row would take several times as long as the row itself.
_FORGET = """
DELETE FROM {table} former USING taken WHERE former.{column} = taken.{column};
RETURN NULL;
"""


def _remembering(*, table: str, column: str, owner: str) -> list[pgtrigger.Trigger]:
    return [
        pgtrigger.Trigger(
            name="take_address",
            level=pgtrigger.Statement,
            when=pgtrigger.After,
            operation=pgtrigger.Insert,
            referencing=pgtrigger.Referencing(new="taken"),
            func=_FORGET.format(table=table, column=column),
        ),
        pgtrigger.Trigger(
            name="change_address",
            when=pgtrigger.After,
            operation=pgtrigger.UpdateOf(column),
            condition=pgtrigger.Q(**{f"old__{column}__df": pgtrigger.F(f"new__{column}")}),
            func=_REMEMBER.format(table=table, column=column, owner=owner),
        ),
    ]


class Category(MP_Node):  # type: ignore[misc]  # treebeard has no types
    """A node of the category tree. ``path`` is treebeard's materialised path, ``slug_path`` the one in addresses."""

    name = models.CharField(_("name"), max_length=200)
    slug = models.SlugField(_("slug"), max_length=200)
    slug_path = models.CharField(_("address"), max_length=500, unique=True)
    description = models.TextField(_("description"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    node_order_by: ClassVar[list[str]] = ["name"]

    class Meta:
        verbose_name_plural = "categories"
        triggers = _remembering(table="catalog_formercategoryaddress", column="slug_path", owner="category_id")

    def __str__(self) -> str:
        return self.name


class Brand(models.Model):
    """Who makes a product."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    slug = models.SlugField(_("slug"), max_length=200, unique=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Seller(models.Model):
    """Who sells a product: the shop itself, or a merchant on its marketplace."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    slug = models.SlugField(_("slug"), max_length=200, unique=True)
    email = models.EmailField(_("e-mail address"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ProductFamily(models.Model):
    """Products that differ by colour, size and so on, shown as one card; a product without siblings is a family of one."""

    title = models.CharField(_("title"), max_length=500)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="families")
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="families")
    seller = models.ForeignKey(Seller, on_delete=models.PROTECT, related_name="families")
    # Codes of the attributes by which the variants differ, in the order the switcher shows them.
    variation_axes = ArrayField(models.SlugField(max_length=100), default=list, blank=True)
    code = models.CharField(_("code"), max_length=100, unique=True)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        verbose_name_plural = "product families"
        indexes = [
            models.Index(name="family_category", fields=["category", "id"], condition=models.Q(is_active=True)),
            models.Index(name="family_brand", fields=["brand", "id"], condition=models.Q(is_active=True)),
        ]

    def __str__(self) -> str:
        return self.title


class Product(models.Model):
    """The sellable unit, one SKU."""

    family = models.ForeignKey(ProductFamily, on_delete=models.PROTECT, related_name="products")
    sku = models.CharField(_("SKU"), max_length=64, unique=True)
    eans = ArrayField(models.CharField(max_length=14), default=list, blank=True, verbose_name=_("EANs"))
    slug = models.SlugField(
        _("slug"),
        max_length=500,
        unique=True,
        help_text=_("The product's address. Links to a former one keep working."),
    )
    title = models.CharField(_("title"), max_length=500)
    description = models.TextField(_("description"), blank=True)
    price = AmountField(_("price"))
    compare_at_price = AmountField(_("compare-at price"), null=True, blank=True)
    currency = CurrencyField(_("currency"))
    tax_class = models.CharField(_("tax class"), max_length=20, choices=TaxClass, default=TaxClass.STANDARD)
    weight_grams = models.PositiveIntegerField(_("weight in grams"), default=0)
    rating = models.DecimalField(_("rating"), max_digits=3, decimal_places=2, default=0)
    review_count = models.PositiveIntegerField(_("reviews"), default=0)
    max_per_order = models.PositiveIntegerField(_("most per order"), default=30)
    position = models.PositiveIntegerField(_("position in its family"), default=0)
    is_active = models.BooleanField(_("active"), default=True)
    released_at = models.DateTimeField(_("released"), null=True, blank=True)
    created_at = models.DateTimeField(default=now, editable=False)
    updated_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.CheckConstraint(name="product_price_not_negative", condition=models.Q(price__gte=0)),
            models.CheckConstraint(
                name="product_compare_at_above_price",
                condition=models.Q(compare_at_price=None) | models.Q(compare_at_price__gt=models.F("price")),
            ),
            models.CheckConstraint(name="product_rating_in_range", condition=models.Q(rating__gte=0, rating__lte=5)),
            models.CheckConstraint(name="product_max_per_order_positive", condition=models.Q(max_per_order__gte=1)),
            models.CheckConstraint(
                name="product_currency_upper_case", condition=models.Q(currency__regex="^[A-Z]{3}$")
            ),
            models.CheckConstraint(name="product_sku_not_empty", condition=~models.Q(sku="")),
        ]
        indexes = [
            models.Index(name="product_family", fields=["family", "position", "id"]),
            models.Index(name="product_newest", fields=["-released_at", "id"], condition=models.Q(is_active=True)),
            # For staff, who look for a part of either.
            GinIndex(OpClass(Upper("sku"), name="gin_trgm_ops"), name="product_sku_trigram"),
            GinIndex(OpClass(Upper("title"), name="gin_trgm_ops"), name="product_title_trigram"),
        ]
        triggers = _remembering(table="catalog_formerproductaddress", column="slug", owner="product_id")

    def __str__(self) -> str:
        return self.title


class Attribute(models.Model):
    """A property that products can have, such as Colour or Weight."""

    code = models.SlugField(_("code"), max_length=100, unique=True)
    name = models.CharField(_("name"), max_length=200)
    kind = models.CharField(_("kind"), max_length=10, choices=AttributeKind, default=AttributeKind.TEXT)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    is_filter = models.BooleanField(_("offered as a filter"), default=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ProductAttribute(models.Model):
    """One value of one attribute of a product. A number is kept as a number too, so that it compares and sorts as one."""

    # The constraint and the index below begin with them: indexes of their own would only slow down imports.
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="attributes", db_index=False)
    attribute = models.ForeignKey(Attribute, on_delete=models.PROTECT, related_name="values", db_index=False)
    # Lists of compatible devices run to thousands of characters.
    value = models.CharField(_("value"), max_length=10_000)
    number = models.DecimalField(_("number"), max_digits=24, decimal_places=6, null=True, blank=True)
    position = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            # By its hash: a long value does not fit into an index.
            models.UniqueConstraint("product", "attribute", MD5("value"), name="product_attribute_once"),
            models.CheckConstraint(name="product_attribute_not_empty", condition=~models.Q(value="")),
        ]
        indexes = [models.Index(name="product_attribute_number", fields=["attribute", "number"])]

    def __str__(self) -> str:
        return f"{self.attribute_id}: {self.value}"


class ProductMedia(models.Model):
    """A picture of a product: a file of ours, or the address it was announced under and not fetched from yet."""

    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="media")
    file = models.ImageField(
        _("file"),
        upload_to="products/%Y/%m/",
        blank=True,
        validators=[refuse_vector_images, FileExtensionValidator(["jpg", "jpeg", "png", "webp", "avif"])],
    )
    source_url = models.URLField(_("source address"), max_length=1000, blank=True)
    alt = models.CharField(_("alternative text"), max_length=500, blank=True)
    position = models.PositiveIntegerField(_("position"), default=0)

    class Meta:
        verbose_name_plural = "product media"
        constraints = [
            models.CheckConstraint(name="media_has_a_source", condition=~models.Q(file="") | ~models.Q(source_url="")),
            models.UniqueConstraint(
                name="media_position_once", fields=["product", "position"], deferrable=models.Deferrable.DEFERRED
            ),
        ]

    def __str__(self) -> str:
        return self.alt or str(self.file or self.source_url)


class FormerProductAddress(models.Model):
    """A slug that a product had, and that leads to it; written by the triggers of `Product`."""

    slug = models.SlugField(_("slug"), max_length=500, unique=True)
    product = models.ForeignKey(Product, on_delete=models.CASCADE, related_name="former_addresses")
    replaced_at = models.DateTimeField(_("replaced"))

    def __str__(self) -> str:
        return self.slug


class FormerCategoryAddress(models.Model):
    """An address that a category had, and that leads to it; written by the triggers of `Category`."""

    slug_path = models.CharField(_("address"), max_length=500, unique=True)
    category = models.ForeignKey(Category, on_delete=models.CASCADE, related_name="former_addresses")
    replaced_at = models.DateTimeField(_("replaced"))

    def __str__(self) -> str:
        return self.slug_path


class ImportRun(models.Model):
    """A file being brought into the shop, and how far that got: written with each batch, so that a killed run goes on there."""

    # Of the file, the mapping and the limit: the same again is the same run.
    fingerprint = models.CharField(max_length=64)
    file_name = models.CharField(_("file"), max_length=255)
    line = models.BigIntegerField(_("lines done"), default=0)
    created = models.BigIntegerField(_("new"), default=0)
    changed = models.BigIntegerField(_("changed"), default=0)
    unchanged = models.BigIntegerField(_("unchanged"), default=0)
    refused = models.BigIntegerField(_("refused"), default=0)
    started_at = models.DateTimeField(_("started"))
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="import_run_unfinished_once", fields=["fingerprint"], condition=models.Q(finished_at=None)
            )
        ]

    def __str__(self) -> str:
        return self.file_name


class ImportRefusal(models.Model):
    """A row that an import did not take, and why."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="refusals")
    line = models.BigIntegerField(_("line"))
    code = models.CharField(_("code"), max_length=20)
    field = models.CharField(_("column"), max_length=200, blank=True)
    detail = models.CharField(_("reason"), max_length=500)
    row = models.TextField(_("row"), blank=True)

    class Meta:
        indexes = [models.Index(name="import_refusal_line", fields=["run", "line"])]

    def __str__(self) -> str:
        return f"{self.line}: {self.detail}"
