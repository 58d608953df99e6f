"""Style sheets, scripts and pictures of the shop itself, served in the same thread as everything else.

servestatic knows the files, their hashes and their compressed forms; its own middleware is asynchronous and would put an event
loop around every page, which costs each 4 ms.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NoReturn

from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from servestatic.middleware import ServeStaticMiddleware
from servestatic.responders import Redirect, StaticFile


class StaticFilesMiddleware:
    """Answers for the files that servestatic's settings name; everything else goes on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.files = ServeStaticMiddleware(_never).files

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        found = self.files.get(request.path_info)
        return self.get_response(request) if found is None else _answer(found, request)


class _File(FileResponse):
    """A file whose headers are known already."""

    def set_headers(self, filelike: Any) -> None:
        """Guess nothing."""


def _answer(found: StaticFile | Redirect, request: HttpRequest) -> HttpResponseBase:
    given = found.get_response(request.method or "GET", request.META)
    status = HTTPStatus(given.status)
    response = HttpResponse(status=status) if given.file is None else _File(given.file, status=status)
    del response["Content-Type"]
    for name, value in given.headers:
        if value is not None:
            response[name] = value
    return response


async def _never(request: HttpRequest) -> NoReturn:
    raise AssertionError("servestatic's own middleware is not called")
