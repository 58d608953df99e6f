"""Quotes, checkout and orders for outside clients."""

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import idempotency
from core.clock import now
from core.errors import InvalidInput
from core.idempotent import KEY_NEEDED, idempotent
from core.shopper import HEADER, shopper_of
from orders import policies, refunding, selectors, services
from orders.answers import checkout_answer
from orders.errors import InvalidAddress
from orders.serializers import (
    CheckoutSerializer,
    OrderPageSerializer,
    OrderSerializer,
    QuoteRequestSerializer,
    QuoteSerializer,
    RefundRequestSerializer,
    RefundSerializer,
)
from orders.types import CheckoutRequest

CART_TOKEN = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description="A guest's cart, which opens its orders too."
)
KEY = OpenApiParameter(
    idempotency.HEADER,
    str,
    OpenApiParameter.HEADER,
    required=True,
    description="Fresh for each purchase, the same for each try.",
)
NO_STORE = {"Cache-Control": "no-store"}


class QuoteView(APIView):
    """What the cart costs."""

    @extend_schema(
        operation_id="quote", parameters=[CART_TOKEN], request=QuoteRequestSerializer, responses={200: QuoteSerializer}
    )
    def post(self, request: Request) -> Response:
        """What the cart costs, shipped to an address: lines, shipping, tax, total, and the ways to ship."""
        given = QuoteRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        address = given.validated_data["shipping_address"]
        quote = selectors.quote_cart(
            shopper=shopper_of(request),
            country=address["country"].upper(),
            region=address["region"],
            shipping_method=given.validated_data["shipping_method"],
            now=now(),
        )
        return Response(QuoteSerializer(quote).data, headers=NO_STORE)


class OrdersView(APIView):
    """Buying, and the list of one's orders."""

    @extend_schema(
        operation_id="checkout",
        parameters=[CART_TOKEN, KEY],
        request=CheckoutSerializer,
        responses={
            201: OrderSerializer,
            200: OpenApiResponse(OrderSerializer, description="A replay: the header Idempotent-Replayed is true."),
            202: OpenApiResponse(
                OrderSerializer, description="Not settled yet: see next_action, or ask for the order again."
            ),
        },
    )
    def post(self, request: Request) -> HttpResponse:
        """Buy the cart, once for each Idempotency-Key."""
        key = idempotency.read_key(request.headers)
        body = request._request.body  # noqa: SLF001 - the bytes as they came; the framework's request has them parsed only
        given = CheckoutSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        answer = services.place_order(
            shopper=shopper_of(request),
            request=_checked(given.to_request()),
            key=key,
            fingerprint=idempotency.fingerprint_of(method="POST", path=request.path, body=body),
            render=checkout_answer,
            now=now(),
        )
        return HttpResponse(answer.body, status=answer.status, headers={**answer.headers, **NO_STORE})

    @extend_schema(
        operation_id="orders", parameters=[OpenApiParameter("page", int)], responses={200: OrderPageSerializer}
    )
    def get(self, request: Request) -> Response:
        """The user's own orders, the newest first."""
        if not request.user.is_authenticated:
            self.permission_denied(request)
        given = request.query_params.get("page", "1")
        if not given.isascii() or not given.isdecimal() or not 1 <= int(given[:9]) <= 500:
            raise InvalidInput(_("Pages go from 1 to 500."))
        page = selectors.orders_of(user_id=request.user.pk, page=int(given))
        return Response(OrderPageSerializer(page).data, headers=NO_STORE)


class OrderDetailView(APIView):
    """One order."""

    @extend_schema(operation_id="order", parameters=[CART_TOKEN], responses={200: OrderSerializer})
    def get(self, request: Request, number: str) -> Response:
        """An order with its history, for the user who placed it or the guest who has its cart's token."""
        view = selectors.order_view(number=number, shopper=shopper_of(request))
        return Response(OrderSerializer(view).data, headers=NO_STORE)


class MayRefund(BasePermission):
    """Staff who may refund."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Whether whoever asks is one."""
        return bool(request.user.is_staff and request.user.has_perm("payments.add_refund"))


class RefundsView(APIView):
    """Money back, by staff."""

    permission_classes = (MayRefund,)

    @extend_schema(
        operation_id="refund",
        parameters=[KEY_NEEDED],
        request=RefundRequestSerializer,
        responses={201: RefundSerializer},
    )
    @idempotent("refunds", required=True)
    def post(self, request: Request, number: str) -> Response:
        """Give back lines, shipping, an amount, or all that is left; once for each Idempotency-Key. For staff who may refund."""
        given = RefundRequestSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        view = refunding.refund_order(
            number=number,
            request=given.to_request(),
            key=idempotency.read_key(request.headers),
            actor_id=request.user.pk,
            now=now(),
        )
        return Response(RefundSerializer(view).data, status=201, headers=NO_STORE)


def _checked(given: CheckoutRequest) -> CheckoutRequest:
    """The request with both addresses in their usual form. Raises InvalidAddress with one error a wrong field."""
    shipping = policies.check_address(given.shipping_address, pointer="/shipping_address")
    billing = policies.check_address(given.billing_address, pointer="/billing_address")
    errors = [*shipping.errors, *(billing.errors if given.billing_address != given.shipping_address else ())]
    if errors:
        raise InvalidAddress(_("Nobody could deliver to this address."), errors=errors)
    return CheckoutRequest(
        email=given.email,
        shipping_address=shipping.address,
        billing_address=billing.address,
        shipping_method=given.shipping_method,
        payment_method=given.payment_method,
        total=given.total,
    )
