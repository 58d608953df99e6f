"""Turns refusals into answers: problem documents below /api/, pages that say what to do elsewhere."""

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from core.answers import answer
from core.problems import plain, problem_of

logger = logging.getLogger(__name__)


class DomainErrorMiddleware:
    """Views raise; this answers. What is no refusal is a defect and goes on to Django's own 500."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # PostgreSQL stores no zero bytes and no name of ours has one: refused here, no query need think of them.
        if "%00" in request.META.get("QUERY_STRING", "") or "\x00" in request.path_info:
            return answer(request, plain("malformed", _("The address holds a zero byte.")))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Answer for ``error``, or leave it to Django."""
        problem = problem_of(error)
        if problem is None:
            return None
        if problem.status >= 500:
            logger.warning("%s %s: %s", request.method, request.path, problem.detail, exc_info=error)
        return answer(request, problem)
