"""What a refusal looks like from outside: one table of codes, and problem documents (RFC 9457) made from it."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg_pool import PoolTimeout
from rest_framework import exceptions as drf
from rest_framework.response import Response

from core.errors import Conflict, DomainError, FieldError, Forbidden, InvalidInput, NotFound, Unavailable

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
class Kind:
    """One stable code: its status, its title, and what a reader can do about it."""

    status: HTTPStatus
    title: Any
    remedy: Any


KINDS: dict[str, Kind] = {
    code: Kind(status, title, remedy)
    for code, status, title, remedy in (
        (
            "invalid_input",
            HTTPStatus.BAD_REQUEST,
            gettext_lazy("The request can not be right"),
            gettext_lazy("See errors for the fields, mend them, and send it again."),
        ),
        (
            "malformed",
            HTTPStatus.BAD_REQUEST,
            gettext_lazy("The body can not be read"),
            gettext_lazy("Send JSON, with the header Content-Type: application/json."),
        ),
        (
            "not_authenticated",
            HTTPStatus.UNAUTHORIZED,
            gettext_lazy("Log in first"),
            gettext_lazy("Get a token at /api/v1/auth/login and send it as Authorization: Token ..."),
        ),
        (
            "wrong_credentials",
            HTTPStatus.UNAUTHORIZED,
            gettext_lazy("E-mail address and password do not fit"),
            gettext_lazy("Check both, or reset the password at /account/password/reset/."),
        ),
        (
            "forbidden",
            HTTPStatus.FORBIDDEN,
            gettext_lazy("Not allowed"),
            gettext_lazy("Use an account that may do this."),
        ),
        (
            "not_found",
            HTTPStatus.NOT_FOUND,
            gettext_lazy("There is no such thing"),
            gettext_lazy("It does not exist, or is not yours."),
        ),
        (
            "method_not_allowed",
            HTTPStatus.METHOD_NOT_ALLOWED,
            gettext_lazy("Not with this method"),
            gettext_lazy("The header Allow names the methods that work."),
        ),
        (
            "not_acceptable",
            HTTPStatus.NOT_ACCEPTABLE,
            gettext_lazy("Not in this format"),
            gettext_lazy("Ask for application/json."),
        ),
        (
            "unsupported_media_type",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            gettext_lazy("Not in this format"),
            gettext_lazy("Send JSON, with the header Content-Type: application/json."),
        ),
        (
            "conflict",
            HTTPStatus.CONFLICT,
            gettext_lazy("Not in the state things are in"),
            gettext_lazy("Read the thing anew, then decide again."),
        ),
        (
            "page_too_deep",
            HTTPStatus.BAD_REQUEST,
            gettext_lazy("That page is too far back"),
            gettext_lazy("Narrow the list by filters; pages go up to 500."),
        ),
        (
            "insufficient_inventory",
            HTTPStatus.CONFLICT,
            gettext_lazy("Not enough of it is left"),
            gettext_lazy("The field lines says what is available: take less, or something else."),
        ),
        (
            "price_changed",
            HTTPStatus.CONFLICT,
            gettext_lazy("The price has changed"),
            gettext_lazy("The field quote holds the present one: show it, and send its total."),
        ),
        (
            "payment_declined",
            HTTPStatus.PAYMENT_REQUIRED,
            gettext_lazy("The payment was declined"),
            gettext_lazy("Nothing was charged. Try again with another card and a new Idempotency-Key."),
        ),
        (
            "idempotency_key_missing",
            HTTPStatus.BAD_REQUEST,
            gettext_lazy("An Idempotency-Key is needed"),
            gettext_lazy("Send the header Idempotency-Key: one fresh key for each thing you want done once."),
        ),
        (
            "idempotency_key_invalid",
            HTTPStatus.BAD_REQUEST,
            gettext_lazy("The Idempotency-Key can not be used"),
            gettext_lazy("Use 1 to 255 printable ASCII characters, for instance a UUID."),
        ),
        (
            "idempotency_key_reused",
            HTTPStatus.UNPROCESSABLE_ENTITY,
            gettext_lazy("The Idempotency-Key belongs to another request"),
            gettext_lazy("Use a new key for a new request, the old one only to repeat the very same."),
        ),
        (
            "idempotency_in_progress",
            HTTPStatus.CONFLICT,
            gettext_lazy("The first request is still running"),
            gettext_lazy("Ask again after the seconds that Retry-After names."),
        ),
        (
            "too_many_requests",
            HTTPStatus.TOO_MANY_REQUESTS,
            gettext_lazy("Too often"),
            gettext_lazy("Wait for the seconds that Retry-After names."),
        ),
        (
            "unavailable",
            HTTPStatus.SERVICE_UNAVAILABLE,
            gettext_lazy("Away for a moment"),
            gettext_lazy("Try again after the seconds that Retry-After names."),
        ),
        (
            "server_error",
            HTTPStatus.INTERNAL_SERVER_ERROR,
            gettext_lazy("Something broke on our side"),
            gettext_lazy("It has been logged. Trying again may help; with an Idempotency-Key it is safe."),
        ),
    )
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
        return _plain("not_found", _("There is nothing at this address."))
    if isinstance(error, PermissionDenied):
        return _plain("forbidden", _("You may not do this."))
    if is_overload(error):
        return _plain("unavailable", _("The shop is very busy. Nothing was changed."), retry_after=BUSY_SECONDS)
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
        problem = _plain("server_error", _("The request could not be finished."))
    headers = problem.headers()
    if isinstance(error, drf.MethodNotAllowed):
        headers["Allow"] = ", ".join(getattr(context.get("view"), "allowed_methods", []))
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Token"
    return Response(problem.document(), status=problem.status, headers=headers, content_type=CONTENT_TYPE)


def json_response(problem: Problem) -> HttpResponse:
    """The problem document for views outside Django REST framework."""
    return JsonResponse(problem.document(), status=problem.status, headers=problem.headers(), content_type=CONTENT_TYPE)


def api_not_found(request: HttpRequest, path: str = "") -> HttpResponse:
    """The answer to addresses below /api/ that do not exist."""
    return json_response(_plain("not_found", _("There is nothing at this address.")))


def _plain(code: str, detail: str, *, errors: tuple[FieldError, ...] = (), retry_after: int | None = None) -> Problem:
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
        return _plain("invalid_input", _("Some fields are wrong."), errors=tuple(_field_errors(error.detail)))
    by_status = {
        400: "malformed",
        401: "not_authenticated",
        403: "forbidden",
        404: "not_found",
        405: "method_not_allowed",
        406: "not_acceptable",
        415: "unsupported_media_type",
        429: "too_many_requests",
        503: "unavailable",
    }
    wait = getattr(error, "wait", None)
    return _plain(
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
