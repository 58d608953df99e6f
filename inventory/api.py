"""Stock for outside clients."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog import selectors as catalog
from core.errors import NotFound
from inventory import selectors
from inventory.serializers import AvailabilitySerializer


class AvailabilityView(APIView):
    """Whether a product can be had."""

    authentication_classes = ()

    @extend_schema(operation_id="product_availability", responses={200: AvailabilitySerializer})
    def get(self, request: Request, product_id: int) -> Response:
        """How many units of a product can be had, in all and by warehouse. One query for whatever a warehouse keeps."""
        found = selectors.availability(product_ids=[product_id])[product_id]
        if not found.warehouses and not catalog.sellable(product_ids=[product_id]):
            raise NotFound(_("There is no such product."))
        return Response(AvailabilitySerializer(found).data, headers={"Cache-Control": "no-store"})
