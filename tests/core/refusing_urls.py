"""Views that refuse in every way there is."""

from typing import NoReturn

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction
from django.http import Http404, HttpRequest
from django.urls import include, path
from psycopg_pool import PoolTimeout
from rest_framework import serializers
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import pagination
from core.errors import Conflict, FieldError, InvalidInput, Unavailable

handler400 = "core.views.bad_request"
handler403 = "core.views.permission_denied"
handler404 = "core.views.not_found"
handler500 = "core.views.server_error"


def refusal(kind: str) -> Exception:
    """The error that a name stands for."""
    if kind == "timeout":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = 20")
            cursor.execute("SELECT pg_sleep(5)")
    return {
        "conflict": Conflict("It moved.", params={"lines": [{"product_id": 7, "available": 2}]}),
        "invalid": InvalidInput("Wrong.", errors=[FieldError("/address/country", "unknown", "No such country.")]),
        "unavailable": Unavailable("Away.", retry_after=5),
        "missing": Http404("secret detail"),
        "denied": PermissionDenied("secret detail"),
        "down": OperationalError("secret detail"),
        "pool": PoolTimeout("secret detail"),
        "too_deep": pagination.PageTooDeep("Too deep."),
        "defect": ValueError("secret detail"),
    }[kind]


def page(request: HttpRequest, kind: str) -> NoReturn:
    """A page that refuses."""
    raise refusal(kind)


class Address(serializers.Serializer):  # type: ignore[type-arg]  # it makes no instances
    """Part of a body."""

    country = serializers.CharField(max_length=2)


class Body(serializers.Serializer):  # type: ignore[type-arg]  # it makes no instances
    """A body with a part and a list."""

    address = Address()
    quantities = serializers.ListField(child=serializers.IntegerField())


class Api(APIView):
    """An API view that refuses, or reads a body."""

    def get(self, request: Request, kind: str) -> Response:
        """Refuse."""
        raise refusal(kind)

    def post(self, request: Request, kind: str) -> Response:
        """Read a body."""
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        return Response(body.validated_data)


class Private(APIView):
    """For people who are logged in."""

    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        """Answer."""
        return Response({})


urlpatterns = [
    path("refuse/<kind>/", page),
    path("api/v1/refuse/<kind>", Api.as_view()),
    path("api/v1/private", Private.as_view()),
    path("", include("core.urls")),
]
