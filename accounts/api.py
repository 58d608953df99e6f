"""Log-in for outside clients: `/api/v1/auth/...`."""

from drf_spectacular.utils import OpenApiResponse, extend_schema
from knox.models import AuthToken
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.serializers import CredentialsSerializer, SessionSerializer
from core.clock import now
from core.shopper import shopper_of


class RegisterView(APIView):
    """Make an account."""

    authentication_classes = ()

    @extend_schema(operation_id="register", request=CredentialsSerializer, responses={201: SessionSerializer})
    def post(self, request: Request) -> Response:
        """Make an account and log in. A guest's cart, named by X-Cart-Token, comes along."""
        given = CredentialsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        session = services.register(**given.validated_data, cart_token=shopper_of(request).cart_token, now=now())
        return Response(SessionSerializer(session).data, status=201)


class LoginView(APIView):
    """Get a token."""

    authentication_classes = ()

    @extend_schema(operation_id="log_in", request=CredentialsSerializer, responses={200: SessionSerializer})
    def post(self, request: Request) -> Response:
        """Get a token: send it as `Authorization: Token ...`. A guest's cart, named by X-Cart-Token, comes along."""
        given = CredentialsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        token = shopper_of(request).cart_token
        session = services.log_in(request=request._request, **given.validated_data, cart_token=token, now=now())  # noqa: SLF001 - Django's own request is what authenticate takes
        return Response(SessionSerializer(session).data)


class LogoutView(APIView):
    """Give a token back."""

    permission_classes = (IsAuthenticated,)

    @extend_schema(
        operation_id="log_out", request=None, responses={204: OpenApiResponse(description="The token is gone.")}
    )
    def post(self, request: Request) -> Response:
        """Make the token of this request worthless."""
        token = request.auth
        if isinstance(token, AuthToken):
            token.delete()
        return Response(status=204)
