"""Stock for outside clients."""

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.errors import FieldError, InvalidInput, NotFound
from inventory import selectors
from inventory.serializers import AvailabilitiesSerializer, AvailabilitySerializer

MOST_PRODUCTS = 100
LARGEST_ID = 2**63 - 1
_FRESH = {"Cache-Control": "no-store"}
_IDS = OpenApiParameter(
    "id", OpenApiTypes.INT64, many=True, required=True, description="Ids of products, 1 to 100; repeat the name."
)


class AvailabilityView(APIView):
    """Whether a product can be had."""

    authentication_classes = ()

    @extend_schema(operation_id="product_availability", responses={200: AvailabilitySerializer})
    def get(self, request: Request, product_id: int) -> Response:
        """How many units of a product can be had, in all and by warehouse. One query."""
        found = selectors.availability(product_ids=[product_id] if product_id <= LARGEST_ID else [])
        if product_id not in found:
            raise NotFound(_("There is no such product."))
        return Response(AvailabilitySerializer(found[product_id]).data, headers=_FRESH)


class AvailabilitiesView(APIView):
    """Whether several products can be had."""

    authentication_classes = ()

    @extend_schema(operation_id="products_availability", parameters=[_IDS], responses={200: AvailabilitiesSerializer})
    def get(self, request: Request) -> Response:
        """The same of up to 100 products, in the order asked for; those that do not exist are left out. One query."""
        ids = _ids(request.query_params.getlist("id"))
        found = selectors.availability(product_ids=ids)
        results = [found[product_id] for product_id in ids if product_id in found]
        return Response(AvailabilitiesSerializer({"results": results}).data, headers=_FRESH)


def _ids(given: list[str]) -> list[int]:
    """The ids asked for, each once. Raises InvalidInput."""
    asked = dict.fromkeys(given)
    if not 0 < len(asked) <= MOST_PRODUCTS:
        raise _bad_ids(_("Name 1 to %(most)d products: ?id=1&id=2.") % {"most": MOST_PRODUCTS})
    if not all(text.isascii() and text.isdecimal() and int(text[:20]) <= LARGEST_ID for text in asked):
        raise _bad_ids(_("An id is a whole number."))
    return [int(text) for text in asked]


def _bad_ids(detail: str) -> InvalidInput:
    return InvalidInput(detail, errors=[FieldError("/id", "invalid", detail)])
