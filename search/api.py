"""Search for outside clients: `/api/v1/search`, `/search/suggest`, and `/products`, which is a search for everything."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from catalog.types import SortOrder
from core.clock import now
from search import logbook, selectors
from search.params import listing_filters, page_number
from search.serializers import ClickSerializer, SearchSerializer, SuggestionsSerializer
from search.sessions import session_of
from search.suggesting import suggestions
from search.views import ENGINE_HEADER

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
    OpenApiParameter("cursor", OpenApiTypes.STR, description="Of the last answer: goes on behind it, to the very end."),
]
# Made once: making the fields of all that is in an answer takes longer than filling them.
_FOUND, _SUGGESTED = SearchSerializer(), SuggestionsSerializer()
_QUERY = OpenApiParameter("q", OpenApiTypes.STR, description="Words, a SKU, an EAN or a brand.")


class ProductsView(APIView):
    """Products, a card a family."""

    @extend_schema(operation_id="list_products", parameters=_FILTERS, responses={200: SearchSerializer})
    def get(self, request: Request) -> Response:
        """A page of what is sold, with the facets it can be narrowed by."""
        return _found(request)


class SearchView(APIView):
    """Search."""

    @extend_schema(operation_id="search", parameters=[_QUERY, *_FILTERS], responses={200: SearchSerializer})
    def get(self, request: Request) -> Response:
        """A page of what fits the words, with facets. The header X-Search-Engine tells which engine answered."""
        return _found(request)


class SuggestView(APIView):
    """Suggestions while somebody types."""

    @extend_schema(operation_id="suggest", parameters=[_QUERY], responses={200: SuggestionsSerializer})
    def get(self, request: Request) -> Response:
        """Products, categories and brands that may be meant; nothing for less than two characters."""
        found = suggestions(typed=request.query_params.get("q", ""))
        return Response(_SUGGESTED.to_representation(found))


class ClicksView(APIView):
    """What was opened of what was found."""

    # A page tells it while the browser is leaving: nobody waits for an answer, and nothing is to be looked up for it.
    authentication_classes = ()

    @extend_schema(operation_id="search_click", request=ClickSerializer, responses={202: None}, auth=[])
    def post(self, request: Request) -> Response:
        """Tell that a product was opened from a list, so that the shop learns what its searches are good for."""
        asked = ClickSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        moment = now()
        logbook.note_click(**asked.validated_data, session=session_of(request, now=moment), now=moment)
        return Response(status=202)


def _found(request: Request) -> Response:
    given, moment = request.query_params, now()
    filters = listing_filters(given)
    page = selectors.search(filters=filters, page=page_number(given), cursor=given.get("cursor") or None)
    logbook.note_search(listing=page, filters=filters, session=session_of(request, now=moment), now=moment)
    return Response(_FOUND.to_representation(page), headers={ENGINE_HEADER: page.engine})
