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


class CategoryCountSerializer(CategoryLinkSerializer):
    """A category as a choice of a facet."""

    count = serializers.IntegerField()


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


class CardSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """A family in a list: ``id`` is the product to show, ``price`` the lowest of its variants."""

    id = serializers.IntegerField(source="product_id")
    family_id = serializers.IntegerField()
    sku = serializers.CharField()
    slug = serializers.CharField()
    title = serializers.CharField()
    brand = serializers.CharField()
    category = serializers.CharField(source="category_name")
    price = MoneyField()
    compare_at_price = MoneyField(allow_null=True)
    price_varies = serializers.BooleanField()
    variant_count = serializers.IntegerField()
    rating = serializers.DecimalField(max_digits=3, decimal_places=2)
    review_count = serializers.IntegerField()
    is_new = serializers.BooleanField()
    picture = PictureSerializer(allow_null=True)


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


class FacetValueSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """One choice of a facet."""

    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the API's word; Field has an attribute of that name
    count = serializers.IntegerField()
    selected = serializers.BooleanField()


class PriceRangeSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """A range of prices, both ends included; null is open."""

    minimum = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    maximum = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    count = serializers.IntegerField()
    selected = serializers.BooleanField()


class AttributeFacetSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """The values of one attribute: `?attr.CODE=` takes them."""

    code = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    values = FacetValueSerializer(many=True)


class FacetsSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """What a list can be narrowed by."""

    categories = CategoryCountSerializer(many=True)
    brands = FacetValueSerializer(many=True)
    price_ranges = PriceRangeSerializer(many=True)
    ratings = FacetValueSerializer(many=True)
    attributes = AttributeFacetSerializer(many=True)


class ListingSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """A page of a list."""

    results = CardSerializer(many=True, source="cards")
    total = serializers.IntegerField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    facets = FacetsSerializer()
    avg_rating = serializers.DecimalField(
        max_digits=3, decimal_places=2, allow_null=True, source="average_rating", coerce_to_string=False
    )


class SearchSerializer(ListingSerializer):
    """A page of what was found. ``fallback`` tells that the search engine was away and the database answered."""

    latency_ms = serializers.FloatField()
    fallback = serializers.BooleanField()


class ProductHitSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """A product that may be meant."""

    id = serializers.IntegerField()
    sku = serializers.CharField()
    slug = serializers.CharField()
    title = serializers.CharField()
    price = MoneyField()


class BrandSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """A brand; ``slug`` is what `?brand=` takes."""

    slug = serializers.CharField()
    name = serializers.CharField()


class SuggestionsSerializer(serializers.Serializer):  # type: ignore[type-arg]  # as above
    """What may be meant by what has been typed so far."""

    products = ProductHitSerializer(many=True)
    categories = CategoryLinkSerializer(many=True)
    brands = BrandSerializer(many=True)
    queries = serializers.ListField(child=serializers.CharField())
