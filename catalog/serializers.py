"""The catalogue as the API shows it."""

from rest_framework import serializers

from core.serializers import MoneyField


class PictureSerializer(serializers.Serializer):  # type: ignore[type-arg]  # of a frozen dataclass, as all here
    """A picture in its sizes."""

    card_url = serializers.CharField()
    page_url = serializers.CharField()
    line_url = serializers.CharField()
    alt = serializers.CharField()


class CategoryLinkSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """A category; ``path`` is what `?category=` takes."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    path = serializers.CharField()


class CategoryTreeSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """A category with everything below it."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()
    path = serializers.CharField()

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]  # as above
        """The fields, and the children in the same form."""
        return {**super().get_fields(), "children": CategoryTreeSerializer(many=True)}


class CategoriesSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """The whole tree."""

    results = CategoryTreeSerializer(many=True)


class AttributeValueSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """One row of a specification."""

    code = serializers.CharField()
    name = serializers.CharField()
    value = serializers.CharField()
    number = serializers.DecimalField(max_digits=24, decimal_places=6, allow_null=True)
    unit = serializers.CharField(allow_blank=True)


class VariantChoiceSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """One choice of the variant switcher."""

    value = serializers.CharField()
    slug = serializers.CharField()
    selected = serializers.BooleanField()
    exact = serializers.BooleanField()


class VariantAxisSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """What variants of a family differ by."""

    code = serializers.CharField()
    name = serializers.CharField()
    choices = VariantChoiceSerializer(many=True)


class ProductSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """All there is to know of a product."""

    id = serializers.IntegerField()
    family_id = serializers.IntegerField()
    sku = serializers.CharField()
    eans = serializers.ListField(child=serializers.CharField())
    slug = serializers.CharField()
    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    brand = serializers.CharField()
    seller = serializers.CharField()
    price = MoneyField()
    compare_at_price = MoneyField(allow_null=True)
    rating = serializers.DecimalField(max_digits=3, decimal_places=2)
    review_count = serializers.IntegerField()
    max_per_order = serializers.IntegerField()
    released_at = serializers.DateTimeField(allow_null=True)
    is_active = serializers.BooleanField()
    categories = CategoryLinkSerializer(many=True, source="breadcrumbs")
    pictures = PictureSerializer(many=True)
    attributes = AttributeValueSerializer(many=True)
    variants = VariantAxisSerializer(many=True, source="axes")
