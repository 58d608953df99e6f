"""What machines ask: is it alive, is it ready, how is it doing; and what a problem's code means."""

import os

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest, multiprocess

from core.health import checks, is_ready
from core.net import client_address, is_loopback, is_within
from core.problems import KINDS


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
