"""Log-in for outside clients: `/api/v1/auth/...`."""

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from knox.models import AuthToken
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services, sign_in
from accounts.serializers import CredentialsSerializer, SessionSerializer, UnconfirmedSerializer
from core.clock import now
from core.shopper import shopper_of


class RegisterView(APIView):
    """Make an account."""

    authentication_classes = ()

    @extend_schema(
        operation_id="register",
        request=CredentialsSerializer,
        responses={201: SessionSerializer, 202: UnconfirmedSerializer},
    )
    def post(self, request: Request) -> Response:
        """Make an account and log in. A guest's cart, named by X-Cart-Token, comes along.

        202 where the e-mail address must be confirmed first: log in after that.
        """
        given = CredentialsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        account = sign_in.register(request._request, **given.validated_data)  # noqa: SLF001 - what allauth takes
        if account is None:
            detail = _("We have sent a message to this address: follow the link in it, then log in.")
            return Response(UnconfirmedSerializer({"detail": detail}).data, status=202)
        session = services.open_session(account=account, cart_token=shopper_of(request).cart_token, now=now())
        return Response(SessionSerializer(session).data, status=201)


class LoginView(APIView):
    """Get a token."""

    authentication_classes = ()

    @extend_schema(operation_id="log_in", request=CredentialsSerializer, responses={200: SessionSerializer})
    def post(self, request: Request) -> Response:
        """Get a token: send it as `Authorization: Token ...`. A guest's cart, named by X-Cart-Token, comes along."""
        given = CredentialsSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        account = sign_in.prove(request._request, **given.validated_data)  # noqa: SLF001 - what allauth takes
        session = services.open_session(account=account, cart_token=shopper_of(request).cart_token, now=now())
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
