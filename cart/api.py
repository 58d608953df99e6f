"""The cart for outside clients: guests by `X-Cart-Token`, users by their token of `/api/v1/auth/login`."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from cart import selectors, services
from cart.errors import CartNotFound
from cart.serializers import CartSerializer, NewItemSerializer, QuantitySerializer
from cart.types import CartChange
from core.clock import now
from core.idempotent import KEY, idempotent
from core.shopper import HEADER, Shopper, shopper_of

TOKEN_SENT = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description="A guest's cart; none begins a new one."
)
TOKEN_GIVEN = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, response=[201], description="The guest's new cart: send it back from now on."
)


def _as_it_is(view: APIView, request: Request, *_args: object, **_kwargs: object) -> Response:
    """The cart, for a repeat whose first try changed it and died before it could say so."""
    shopper = _shopper(request)
    found = selectors.fresh_view(shopper=shopper, now=now())
    return _answer(CartChange(cart=found, token=found.token, created=False))


def _added_or_as_it_is(view: "ItemsView", request: Request) -> Response:
    """As `_as_it_is`; a guest whose cart was lost with the answer, for none has its token, begins another."""
    shopper = _shopper(request)
    has_cart = shopper.user_id is not None or shopper.cart_token
    return _as_it_is(view, request) if has_cart else view.add(request)


class CartView(APIView):
    """The shopper's cart."""

    @extend_schema(operation_id="cart", parameters=[TOKEN_SENT], responses={200: CartSerializer})
    def get(self, request: Request) -> Response:
        """What is in the cart; an empty one for who has none yet."""
        shopper = _shopper(request)
        view = selectors.cart_view(shopper=shopper, now=now())
        if shopper.user_id is None and shopper.cart_token and not view.token and HEADER in request.headers:
            raise CartNotFound.of_token()
        return Response(CartSerializer(view).data, headers={"Cache-Control": "no-store"})

    @extend_schema(operation_id="cart_clear", parameters=[TOKEN_SENT, KEY], responses={200: CartSerializer})
    @idempotent("cart", again=_as_it_is)
    def delete(self, request: Request) -> Response:
        """Take everything out of the cart."""
        return _answer(services.clear(shopper=_shopper(request), now=now()))


class ItemsView(APIView):
    """The lines of the cart."""

    @extend_schema(
        operation_id="cart_add",
        parameters=[TOKEN_SENT, TOKEN_GIVEN, KEY],
        request=NewItemSerializer,
        responses={201: CartSerializer},
    )
    @idempotent("cart", again=_added_or_as_it_is)
    def post(self, request: Request) -> Response:
        """Put a product into the cart, held for the shopper. A guest's first answer carries `X-Cart-Token`."""
        return self.add(request)

    def add(self, request: Request) -> Response:
        """What `post` does, whatever key it carries."""
        shopper = _shopper(request)
        given = NewItemSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        known = HEADER in request.headers
        return _answer(services.add_item(shopper=shopper, **given.validated_data, now=now(), known_cart=known), 201)


class ItemView(APIView):
    """One line of the cart."""

    @extend_schema(
        operation_id="cart_change",
        parameters=[TOKEN_SENT, KEY],
        request=QuantitySerializer,
        responses={200: CartSerializer},
    )
    @idempotent("cart", again=_as_it_is)
    def patch(self, request: Request, item_id: int) -> Response:
        """Change how many there are; the hold follows and begins anew."""
        shopper = _shopper(request)
        given = QuantitySerializer(data=request.data)
        given.is_valid(raise_exception=True)
        return _answer(services.change_item(shopper=shopper, item_id=item_id, **given.validated_data, now=now()))

    @extend_schema(operation_id="cart_remove", parameters=[TOKEN_SENT, KEY], responses={200: CartSerializer})
    @idempotent("cart", again=_as_it_is)
    def delete(self, request: Request, item_id: int) -> Response:
        """Take the line out."""
        return _answer(services.remove_item(shopper=_shopper(request), item_id=item_id, now=now()))


class HoldView(APIView):
    """The hold of one line."""

    @extend_schema(
        operation_id="cart_hold", parameters=[TOKEN_SENT, KEY], request=None, responses={200: CartSerializer}
    )
    @idempotent("cart", again=_as_it_is)
    def post(self, request: Request, item_id: int) -> Response:
        """Hold a lapsed line again, or a held one for longer."""
        return _answer(services.hold_item(shopper=_shopper(request), item_id=item_id, now=now()))


def _shopper(request: Request) -> Shopper:
    """Who sends ``request``. Raises CartNotFound for a token that none of ours can look like."""
    shopper = shopper_of(request)
    if shopper.user_id is None and request.headers.get(HEADER) and not shopper.cart_token:
        raise CartNotFound.of_token()
    return shopper


def _answer(change: CartChange, status: int = 200) -> Response:
    headers = {"Cache-Control": "no-store", **({HEADER: change.token} if change.created else {})}
    return Response(CartSerializer(change.cart).data, status=status, headers=headers)
