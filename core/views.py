"""What machines ask: is it alive, is it ready, how is it doing; and what a problem's code means."""

import logging
import os
import sys

from django.conf import settings
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess
from psycopg_pool import PoolTimeout

from core.answers import answer
from core.health import checks, is_ready
from core.net import client_address, is_loopback, is_within
from core.problem_codes import KINDS
from core.problems import plain, problem_of

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "live"})


@require_safe
@never_cache
def ready(request: HttpRequest) -> HttpResponse:
    """200 when shoppers can be served, else 503; what is away but not required is reported."""
    found = checks()
    body = {"status": "ready" if is_ready(found) else "unready", "checks": {check.name: check.is_up for check in found}}
    return JsonResponse(body, status=200 if is_ready(found) else 503)


@require_safe
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """The same for people."""
    found = checks()
    return render(
        request, "core/health.html", {"checks": found, "ready": is_ready(found)}, status=200 if is_ready(found) else 503
    )


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures of all worker processes, for loopback and METRICS_ALLOW only; others are told there is nothing."""
    address = client_address(request)
    if not is_loopback(address) and not is_within(address, settings.METRICS_ALLOW):
        raise Http404
    for path in settings.METRIC_OBSERVERS:
        try:
            import_string(path)()
        except (DatabaseError, PoolTimeout) as trouble:
            logger.warning("What %s tells stays as it was: %s", path, trouble)
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


@require_safe
def problem(request: HttpRequest, code: str) -> HttpResponse:
    """What a problem document's code means: its ``type`` leads here."""
    if code not in KINDS:
        raise Http404
    return render(request, "core/problem.html", {"code": code, "kind": KINDS[code]})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler for what no view saw: a request that makes no sense."""
    return answer(request, problem_of(exception) or plain("malformed", _("The request makes no sense.")))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler for what middleware forbade."""
    return answer(request, plain("forbidden", _("You may not do this.")))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler for addresses that do not exist."""
    return answer(request, plain("not_found", _("There is nothing at this address.")))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler for defects, which it has logged; a database that is away before or after the view comes here too."""
    error = sys.exc_info()[1]
    found = problem_of(error) if error else None
    return answer(request, found or plain("server_error", _("The request could not be finished.")))
