"""Turns refusals into answers: problem documents below /api/, pages that say what to do elsewhere."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from core.problems import json_response, problem_of

logger = logging.getLogger(__name__)
PAGES = {
    400: "400.html",
    401: "403.html",
    403: "403.html",
    404: "404.html",
    409: "409.html",
    429: "429.html",
    503: "503.html",
}


class DomainErrorMiddleware:
    """Views raise; this answers. What is no refusal is a defect and goes on to Django's own 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for ``error``, or leave it to Django."""
        problem = problem_of(error)
        if problem is None:
            return None
        if problem.status >= 500:
            logger.warning("%s %s: %s", request.method, request.path, problem.detail, exc_info=error)
        if request.path.startswith(("/api/", "/webhooks/")):
            return json_response(problem)
        page = PAGES.get(problem.status, "409.html" if problem.status < 500 else "503.html")
        response = render(None, page, {"problem": problem}, status=problem.status)  # a page of an error asks nothing
        for name, value in problem.headers().items():
            response[name] = value
        return response
