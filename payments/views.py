"""Where providers tell the shop what happened."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from core.clock import now
from payments import services


@csrf_exempt  # the provider has no session: its signature is what counts
@require_POST
def webhook(request: HttpRequest, provider: str) -> HttpResponse:
    """Take a webhook: 200 when it was taken, now or before; a problem document, and another try later, when not."""
    receipt = services.receive_webhook(provider=provider, body=request.body, headers=dict(request.headers), now=now())
    return JsonResponse({"received": receipt is not None and receipt.is_new})
