"""The catalogue for outside clients: `/api/v1/categories`, `/products`, `/search`."""

from time import perf_counter

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import selectors
from catalog.params import listing_filters, page_number
from catalog.serializers import (
    CategoriesSerializer,
    ListingSerializer,
    ProductSerializer,
    SearchSerializer,
    SuggestionsSerializer,
)
from catalog.types import SortOrder

ENGINE_HEADER = "X-Search-Engine"
ENGINE = "postgres"
_FILTERS = [
    OpenApiParameter("category", OpenApiTypes.STR, description="A category's path; what is below it is listed too."),
    OpenApiParameter("brand", OpenApiTypes.STR, many=True, description="Slugs of brands; repeat the name."),
    OpenApiParameter("price_min", OpenApiTypes.DECIMAL),
    OpenApiParameter("price_max", OpenApiTypes.DECIMAL),
    OpenApiParameter("rating", OpenApiTypes.DECIMAL, description="The least rating."),
    OpenApiParameter("in_stock", OpenApiTypes.BOOL),
    OpenApiParameter("attr.NAME", OpenApiTypes.STR, many=True, description="Values of the attribute with code NAME."),
    OpenApiParameter("sort", OpenApiTypes.STR, enum=SortOrder.values),
    OpenApiParameter("page", OpenApiTypes.INT, description="1 to 500, 20 results each."),
]
_QUERY = OpenApiParameter("q", OpenApiTypes.STR, description="Words, a SKU, an EAN or a brand.")


class CategoriesView(APIView):
    """The category tree."""

    @extend_schema(operation_id="list_categories", responses={200: CategoriesSerializer})
    def get(self, request: Request) -> Response:
        """All categories as a tree, by name."""
        return Response(CategoriesSerializer({"results": selectors.category_tree()}).data)


class ProductsView(APIView):
    """Products, a card a family."""

    @extend_schema(operation_id="list_products", parameters=_FILTERS, responses={200: ListingSerializer})
    def get(self, request: Request) -> Response:
        """A page of what is sold, with the facets it can be narrowed by."""
        given = request.query_params
        return Response(
            ListingSerializer(selectors.family_cards(filters=listing_filters(given), page=page_number(given))).data
        )


class ProductView(APIView):
    """One product."""

    @extend_schema(operation_id="get_product", responses={200: ProductSerializer})
    def get(self, request: Request, product_id: int) -> Response:
        """All there is to know of a product, also when it is no longer sold (`is_active`)."""
        return Response(ProductSerializer(selectors.product_page(product_id=product_id)).data)


class SearchView(APIView):
    """Search."""

    @extend_schema(operation_id="search", parameters=[_QUERY, *_FILTERS], responses={200: SearchSerializer})
    def get(self, request: Request) -> Response:
        """A page of what fits the words, with facets. The header X-Search-Engine tells which engine answered."""
        begin = perf_counter()
        given = request.query_params
        listing = selectors.family_cards(filters=listing_filters(given), page=page_number(given))
        answer = {
            **ListingSerializer(listing).data,
            "latency_ms": round((perf_counter() - begin) * 1000, 1),
            "fallback": False,
        }
        return Response(answer, headers={ENGINE_HEADER: ENGINE})


class SuggestView(APIView):
    """Suggestions while somebody types."""

    @extend_schema(operation_id="suggest", parameters=[_QUERY], responses={200: SuggestionsSerializer})
    def get(self, request: Request) -> Response:
        """Products, categories and brands that may be meant; nothing for less than two characters."""
        found = selectors.suggestions(query=request.query_params.get("q", ""))
        return Response(SuggestionsSerializer(found).data)
