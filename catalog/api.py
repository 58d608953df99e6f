"""The catalogue for outside clients: `/api/v1/categories` and `/products/{id}`."""

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import selectors
from catalog.serializers import CategoriesSerializer, ProductSerializer


class CategoriesView(APIView):
    """The category tree."""

    @extend_schema(operation_id="list_categories", responses={200: CategoriesSerializer})
    def get(self, request: Request) -> Response:
        """All categories as a tree, by name."""
        return Response(CategoriesSerializer({"results": selectors.category_tree()}).data)


class ProductView(APIView):
    """One product."""

    @extend_schema(operation_id="get_product", responses={200: ProductSerializer})
    def get(self, request: Request, product_id: int) -> Response:
        """All there is to know of a product, also when it is no longer sold (`is_active`)."""
        return Response(ProductSerializer(selectors.product_page(product_id=product_id)).data)
