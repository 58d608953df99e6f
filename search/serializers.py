"""Search as the API shows it."""

from typing import Any
from uuid import UUID

from rest_framework import serializers

from core.serializers import MoneyField, ReadOnlySerializer
from search.types import EXACT_TO, PAGE_SIZE

_LARGEST_ID = 2**63 - 1


class CardPictureSerializer(ReadOnlySerializer):
    """A picture in its sizes."""

    card_url = serializers.CharField()
    page_url = serializers.CharField()
    line_url = serializers.CharField()
    alt = serializers.CharField()


class FoundCategorySerializer(ReadOnlySerializer):
    """A category; ``path`` is what `?category=` takes."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    path = serializers.CharField()


class CategoryCountSerializer(FoundCategorySerializer):
    """A category as a choice of a facet."""

    count = serializers.IntegerField()


class CardSerializer(ReadOnlySerializer):
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
    picture = CardPictureSerializer(allow_null=True)


class FacetValueSerializer(ReadOnlySerializer):
    """One choice of a facet."""

    value = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]  # the API's word; Field has an attribute of that name
    count = serializers.IntegerField()
    selected = serializers.BooleanField()


class PriceRangeSerializer(ReadOnlySerializer):
    """A range of prices from ``minimum`` up to ``maximum``; null is open. ``key`` names it."""

    key = serializers.CharField()
    minimum = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    maximum = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    count = serializers.IntegerField()
    selected = serializers.BooleanField()


class AttributeFacetSerializer(ReadOnlySerializer):
    """The values of one attribute: `?attr.CODE=` takes them."""

    code = serializers.CharField()
    name = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)
    values = FacetValueSerializer(many=True)


class FacetsSerializer(ReadOnlySerializer):
    """What a list can be narrowed by."""

    categories = CategoryCountSerializer(many=True)
    brands = FacetValueSerializer(many=True)
    price_ranges = PriceRangeSerializer(many=True)
    ratings = FacetValueSerializer(many=True)
    in_stock = serializers.IntegerField()
    attributes = AttributeFacetSerializer(many=True)


class SearchSerializer(ReadOnlySerializer):
    """A page of what was found.

    ``total`` is exact up to 10,000, and "more than" beyond (``total_is_exact``); ``cursor`` leads on to the very end, null there.
    ``fallback`` tells that the search engine was away and the database answered, ``stale`` that this is an older answer.
    ``search_id`` is what `/search/clicks` takes.
    """

    search_id = serializers.UUIDField()
    results = CardSerializer(many=True, source="cards")
    total = serializers.IntegerField()
    total_is_exact = serializers.BooleanField()
    page = serializers.IntegerField()
    pages = serializers.IntegerField()
    cursor = serializers.CharField(allow_null=True)
    facets = FacetsSerializer()
    facets_approximate = serializers.BooleanField()
    avg_rating = serializers.DecimalField(
        max_digits=3, decimal_places=2, allow_null=True, source="average_rating", coerce_to_string=False
    )
    latency_ms = serializers.FloatField()
    fallback = serializers.BooleanField()
    stale = serializers.BooleanField()
    searched = serializers.CharField(help_text="Searched in place of what was typed, which nothing has; else empty.")
    left_out = serializers.ListField(
        child=serializers.CharField(), help_text="Words of it that nothing has beside the others."
    )
    redirect_to = serializers.CharField(help_text="A page of the shop that is of more use for this query; else empty.")
    did_you_mean = serializers.CharField(help_text="What may have been meant, where little was found; else empty.")


class ProductHitSerializer(ReadOnlySerializer):
    """A product that may be meant."""

    id = serializers.IntegerField()
    sku = serializers.CharField()
    slug = serializers.CharField()
    title = serializers.CharField()
    price = MoneyField()


class BrandSerializer(ReadOnlySerializer):
    """A brand; ``slug`` is what `?brand=` takes."""

    slug = serializers.CharField()
    name = serializers.CharField()


class SuggestionsSerializer(ReadOnlySerializer):
    """What may be meant by what has been typed so far."""

    products = ProductHitSerializer(many=True)
    categories = FoundCategorySerializer(many=True)
    brands = BrandSerializer(many=True)
    queries = serializers.ListField(child=serializers.CharField())


class SearchIdField(serializers.UUIDField):
    """A UUID as text; the framework's own field takes any number for one."""

    def to_internal_value(self, data: Any) -> UUID:
        """The UUID. Raises ValidationError for what is none."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class ClickSerializer(serializers.Serializer):  # type: ignore[type-arg]  # of what a client sent
    """A product that was opened, and its place in the whole list, counted from 1 over all pages."""

    search_id = SearchIdField()
    position = serializers.IntegerField(min_value=1, max_value=EXACT_TO + PAGE_SIZE)
    product_id = serializers.IntegerField(min_value=1, max_value=_LARGEST_ID)
