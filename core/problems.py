"""What a refusal looks like from outside: one table of codes, and problem documents (RFC 9457) made from it."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, OperationalError
from django.http import Http404, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from psycopg_pool import PoolTimeout
from rest_framework import exceptions as drf
from rest_framework.response import Response

from core.errors import Conflict, DomainError, FieldError, Forbidden, InvalidInput, NotFound, Unavailable
from core.problem_codes import KINDS

logger = logging.getLogger(__name__)
CONTENT_TYPE = "application/problem+json"
BUSY_SECONDS = 1

# By class, the nearest ancestor counts; a code of its own goes before.
STATUS_BY_CLASS: dict[type[DomainError], HTTPStatus] = {
    InvalidInput: HTTPStatus.BAD_REQUEST,
    NotFound: HTTPStatus.NOT_FOUND,
    Forbidden: HTTPStatus.FORBIDDEN,
    Conflict: HTTPStatus.CONFLICT,
    Unavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    DomainError: HTTPStatus.BAD_REQUEST,
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A refusal as it is shown: to a client as a document, to a shopper as a page."""

    status: int
    code: str
    title: str
    detail: str
    params: Mapping[str, Any]
    errors: tuple[FieldError, ...] = ()
    retry_after: int | None = None

    def document(self) -> dict[str, Any]:
        """The problem document."""
        fields = [{"pointer": error.pointer, "code": error.code, "detail": error.detail} for error in self.errors]
        head = {"type": f"/problems/{self.code}/", "title": self.title, "status": self.status, "detail": self.detail}
        return {**self.params, **head, "code": self.code, **({"errors": fields} if fields else {})}

    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        return {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}


def problem_of(error: BaseException) -> Problem | None:
    """How ``error`` is shown, or None when it is a defect rather than a refusal."""
    if isinstance(error, DomainError):
        return _from_domain(error)
    if isinstance(error, drf.APIException):
        return _from_framework(error)
    if isinstance(error, Http404):
        return plain("not_found", _("There is nothing at this address."))
    if isinstance(error, RequestDataTooBig):
        return plain("too_large", _("Send less at a time."))
    if isinstance(error, SuspiciousOperation):
        return plain("malformed", _("The request makes no sense."))
    if isinstance(error, PermissionDenied):
        return plain("forbidden", _("You may not do this."))
    if is_overload(error):
        return plain("unavailable", _("The shop is very busy. Try again in a moment."), retry_after=BUSY_SECONDS)
    return None


def is_overload(error: BaseException) -> bool:
    """Whether the database was away, or too busy to answer in time: no defect, and worth another try."""
    if isinstance(error, PoolTimeout):
        return True
    if isinstance(error, OperationalError):
        return True
    sqlstate = getattr(error.__cause__, "sqlstate", None) if isinstance(error, DatabaseError) else None
    return sqlstate in ("55P03", "57014", "40P01", "40001")  # lock_timeout, statement_timeout, deadlock, serialization


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's hook: every error of the API is a problem document."""
    problem = problem_of(error)
    if problem is None:
        logger.error("API request failed", exc_info=error)
        problem = plain("server_error", _("The request could not be finished."))
    elif problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.warning("API request refused: %s", problem.detail, exc_info=error)
    headers = problem.headers()
    if isinstance(error, drf.MethodNotAllowed):
        headers["Allow"] = ", ".join(getattr(context.get("view"), "allowed_methods", []))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Token"
    return Response(problem.document(), status=problem.status, headers=headers, content_type=CONTENT_TYPE)


def json_response(problem: Problem) -> HttpResponse:
    """The problem document for views outside Django REST framework."""
    return JsonResponse(problem.document(), status=problem.status, headers=problem.headers(), content_type=CONTENT_TYPE)


def plain(code: str, detail: str, *, errors: tuple[FieldError, ...] = (), retry_after: int | None = None) -> Problem:
    """The problem of a code in the table."""
    kind = KINDS[code]
    return Problem(int(kind.status), code, str(kind.title), detail, {}, errors, retry_after)


def _from_domain(error: DomainError) -> Problem:
    kind = KINDS.get(error.code)
    ancestor = next(ancestor for ancestor in type(error).__mro__ if ancestor in STATUS_BY_CLASS)
    status = kind.status if kind else STATUS_BY_CLASS[ancestor]
    title = str(kind.title) if kind else str(KINDS[ancestor.code].title)
    return Problem(int(status), error.code, title, error.detail, error.params, error.errors, error.retry_after)


def _from_framework(error: drf.APIException) -> Problem:
    if isinstance(error, drf.ValidationError):
        return plain("invalid_input", _("Some fields are wrong."), errors=tuple(_field_errors(error.detail)))
    by_status = {
        400: "malformed",
        401: "not_authenticated",
        403: "forbidden",
        404: "not_found",
        405: "method_not_allowed",
        406: "not_acceptable",
        413: "too_large",
        415: "unsupported_media_type",
        429: "too_many_requests",
        503: "unavailable",
    }
    wait = getattr(error, "wait", None)
    return plain(
        by_status.get(error.status_code, "server_error"), str(error.detail), retry_after=int(wait) + 1 if wait else None
    )


def _field_errors(detail: Any, pointer: str = "") -> Iterator[FieldError]:
    """Flatten the framework's nested errors into JSON pointers."""
    pairs: Iterable[tuple[Any, Any]]
    if isinstance(detail, Mapping):
        pairs = (
            (f"{pointer}/{name}" if name != "non_field_errors" else pointer, inner) for name, inner in detail.items()
        )
    elif isinstance(detail, list):
        nested = any(isinstance(inner, Mapping) for inner in detail)
        pairs = ((f"{pointer}/{index}" if nested else pointer, inner) for index, inner in enumerate(detail))
    else:
        yield FieldError(pointer or "/", str(getattr(detail, "code", "invalid")), str(detail))
        return
    for where, inner in pairs:
        yield from _field_errors(inner, where)
