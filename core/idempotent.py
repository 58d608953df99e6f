"""`Idempotency-Key` for any endpoint of the API: the effect happens once, and repeats get the first answer.

The claim rides along in the unit of work of the one service that the endpoint calls: the effect is committed together with the
mark that it happened, so that neither a kill nor a slow process does it twice. Checkout, which takes several transactions and
waits for others, has its own way (`orders.services`).
"""

import hashlib
from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

from django.http import HttpResponse, HttpResponseBase
from drf_spectacular.utils import OpenApiParameter
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from core import clock, idempotency
from core.idempotency import HEADER, Answer, Claim, LeaseLost
from core.net import pseudonym
from core.problems import problem_of
from core.shopper import shopper_of
from core.transactions import riding_along, unit_of_work

KEY = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description="Fresh for each thing you want done once, the same for each try."
)
KEY_NEEDED = OpenApiParameter(HEADER, str, OpenApiParameter.HEADER, required=True, description=KEY.description)
Handler = TypeVar("Handler", bound=Callable[..., HttpResponseBase])


def idempotent(
    scope: str, *, required: bool = False, again: Callable[..., Response] | None = None
) -> Callable[[Handler], Handler]:
    """Let a method of an APIView honour the key, or need it; it is to call one service, whose unit of work is one.

    ``again`` (view, request, ...) tells how things stand, for a repeat whose first try had its effect and died before it
    answered; without it the method itself is called, which must be harmless then. Refusals are remembered for a while. Raises
    KeyMissing, KeyInvalid, KeyReused, InProgress, LeaseLost.
    """

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not required and HEADER not in request.headers:
                return handler(view, request, *args, **kwargs)
            claimed = _claim(scope, request)
            if isinstance(claimed, Answer):
                return _said(idempotency.as_replay(claimed))
            if again is not None and claimed.is_applied:
                return _said(idempotency.as_replay(_run(claimed, partial(again, view, request, *args, **kwargs))))
            return _said(_run(claimed, partial(handler, view, request, *args, **kwargs)))

        return wrapper  # type: ignore[return-value]  # the same method, with the key looked at first

    return decorate


def _claim(scope: str, request: Request) -> Claim | Answer:
    key = idempotency.read_key(request.headers)
    body = request._request.body  # noqa: SLF001 - the bytes as they came; the framework's request has them parsed only
    return idempotency.claim(
        scope=scope,
        owner=_owner(scope, request, key),
        key=key,
        fingerprint=idempotency.fingerprint_of(method=request.method or "", path=request.get_full_path(), body=body),
        now=clock.now(),
    )


def _owner(scope: str, request: Request, key: str) -> str:
    """Whose key it is: the user's, else the guest's cart's; a guest who has none yet is known by the address alone.

    A key that was used as a guest stays the guest's when the shopper, who still sends the token, logs in meanwhile.
    """
    shopper = shopper_of(request)
    guest = f"guest:{hashlib.sha256(shopper.cart_token.encode()).hexdigest()}" if shopper.cart_token else ""
    if shopper.user_id is None:
        return guest or f"new:{pseudonym(shopper.address)}"
    was_guest = bool(guest) and idempotency.is_known(scope=scope, owner=guest, key=key)
    return guest if was_guest else f"user:{shopper.user_id}"


def _run(claimed: Claim, call: Callable[[], HttpResponseBase]) -> Answer:
    """Do it, and keep the answer. What is no refusal leaves the claim to the next try, and whether it had its effect with it."""
    try:
        with riding_along(first=partial(idempotency.hold, claimed), last=partial(idempotency.mark_applied, claimed)):
            response = call()
        answer = _answer_of(response)
        with unit_of_work():
            idempotency.hold(claimed)
            idempotency.store(claimed, answer, now=clock.now())
    except LeaseLost:
        raise
    except Exception as problem:
        known = problem_of(problem)
        if known is not None and known.status < 500:
            idempotency.refuse(claimed, problem, now=clock.now())
        else:
            idempotency.release(claimed, now=clock.now())
        raise
    return answer


def _answer_of(response: HttpResponseBase) -> Answer:
    assert isinstance(response, Response)  # as every method of the API answers
    headers = {**response.headers, "Content-Type": "application/json"}
    return Answer(status=response.status_code, body=JSONRenderer().render(response.data), headers=headers)


def _said(answer: Answer) -> HttpResponse:
    return HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
