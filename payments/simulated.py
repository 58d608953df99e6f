"""The simulated provider, as the shop speaks to it: HTTP to `payments.simulator`, a process of its own."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from core.money import Money
from payments import signatures
from payments.errors import ProviderRefused, ProviderUnavailable, WebhookRefused, WebhookTooOld
from payments.types import PaymentRef, ProviderNotice, ProviderPayment, ProviderRefund, ProviderState, RefundStatus

SIGNATURE_LIFETIME = timedelta(minutes=5)
LARGEST_ANSWER = 1_000_000
NOT_FOUND = "not_found"
PAGE = 500
# What an answer's status says beyond its class: the server is there, but not now.
_PASSING = frozenset({httpx.codes.REQUEST_TIMEOUT, httpx.codes.TOO_MANY_REQUESTS})


class SimulatedProvider:
    """Speaks to the simulated payment server. Amounts travel in the currency's smallest coin."""

    name = "simulated"

    def __init__(self) -> None:
        # Proxies of the environment are for the world outside; this server is next door.
        self._client = httpx.Client(trust_env=False, limits=httpx.Limits(max_connections=None, keepalive_expiry=5))

    def authorise(self, payment: PaymentRef, *, return_url: str, metadata: Mapping[str, str]) -> ProviderPayment:
        """See `payments.types.Provider`."""
        body = {
            "key": str(payment.key),
            "reference": payment.reference,
            "amount": payment.amount.minor,
            "currency": payment.amount.currency,
            "method": payment.method,
            "return_url": return_url,
            "metadata": dict(metadata),
        }
        return _payment(self._ask("POST", "/v1/payments", body))

    def capture(self, payment: PaymentRef) -> ProviderPayment:
        """See `payments.types.Provider`."""
        body = {"amount": payment.amount.minor, "currency": payment.amount.currency}
        return _payment(self._ask("POST", f"/v1/payments/{payment.key}/capture", body))

    def void(self, payment: PaymentRef) -> ProviderPayment:
        """See `payments.types.Provider`."""
        body = {
            "reference": payment.reference,
            "amount": payment.amount.minor,
            "currency": payment.amount.currency,
        }
        return _payment(self._ask("POST", f"/v1/payments/{payment.key}/void", body))

    def refund(self, payment: PaymentRef, *, key: uuid.UUID, amount: Money) -> ProviderRefund:
        """See `payments.types.Provider`."""
        body = {"key": str(key), "amount": amount.minor, "currency": amount.currency}
        return _refund(self._ask("POST", f"/v1/payments/{payment.key}/refunds", body))

    def find_by_key(self, payment: PaymentRef) -> ProviderPayment | None:
        """See `payments.types.Provider`."""
        try:
            return _payment(self._ask("GET", f"/v1/payments/{payment.key}"))
        except ProviderRefused as refusal:
            if refusal.failure_code == NOT_FOUND:
                return None
            raise

    def list_payments(self, *, since: datetime) -> Iterator[ProviderPayment]:
        """See `payments.types.Provider`. The oldest first."""
        after = 0
        while True:
            path = f"/v1/payments?after={after}&limit={PAGE}&since={int(since.timestamp())}"
            page, last = _page(self._ask("GET", path))
            yield from page
            if last <= after:
                return
            after = last

    def parse_webhook(self, *, body: bytes, headers: Mapping[str, str], now: datetime) -> ProviderNotice | None:
        """See `payments.types.Provider`."""
        header = headers.get(signatures.HEADER, "")
        stamp = signatures.signed_at(secret=settings.PAYMENT_SIMULATOR_SECRET, body=body, header=header)
        if stamp is None:
            raise WebhookRefused(_("The signature of this webhook is not right."))
        if abs(now - datetime.fromtimestamp(stamp, UTC)) > SIGNATURE_LIFETIME:
            raise WebhookTooOld(_("The signature of this webhook is too old."))
        try:
            found = json.loads(body)
            return ProviderNotice(
                event_id=str(found["id"])[:100],
                type=str(found["type"])[:100],
                payment=_payment(found["payment"]),
                refund=_refund(found["refund"]) if found.get("refund") else None,
            )
        except (ValueError, KeyError, TypeError, AttributeError, ProviderUnavailable) as problem:
            raise WebhookRefused(_("This webhook makes no sense.")) from problem

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask within settings.PAYMENT_PROVIDER_TIMEOUT, twice where a kept connection had gone stale: the key makes that safe."""
        if not settings.PAYMENT_SIMULATOR_URL:
            raise ProviderUnavailable("PAYMENT_SIMULATOR_URL is empty")
        deadline = time.monotonic() + settings.PAYMENT_PROVIDER_TIMEOUT.total_seconds() * 0.95
        try:
            return self._ask_once(method, path, body, deadline)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            pass
        except httpx.HTTPError as problem:
            raise ProviderUnavailable(f"{type(problem).__name__}: {problem}") from problem
        try:
            return self._ask_once(method, path, body, deadline)
        except httpx.HTTPError as problem:
            raise ProviderUnavailable(f"{type(problem).__name__}: {problem}") from problem

    def _ask_once(self, method: str, path: str, body: Mapping[str, Any] | None, deadline: float) -> Any:
        left = max(deadline - time.monotonic(), 0.001)
        url = f"{settings.PAYMENT_SIMULATOR_URL}{path}"
        timeout = httpx.Timeout(connect=left * 0.1, write=left * 0.1, pool=left * 0.05, read=left * 0.75)
        with self._client.stream(method, url, json=body, timeout=timeout) as response:
            answer = bytearray()
            # Each wait for a piece has its own limit, and no piece is waited for past the deadline: an answer that drips
            # is given up long before the lease of the checkout that waits for it ends.
            for piece in response.iter_raw():
                answer += piece
                if len(answer) > LARGEST_ANSWER or time.monotonic() > deadline:
                    raise ProviderUnavailable("the answer has no end")
        return _answer(response.status_code, bytes(answer))


def _answer(status: int, body: bytes) -> Any:
    if status >= httpx.codes.INTERNAL_SERVER_ERROR or status in _PASSING:
        raise ProviderUnavailable(f"status {status}")
    try:
        found = json.loads(body)
    except ValueError:
        raise ProviderUnavailable(f"status {status} without JSON") from None
    if status >= httpx.codes.BAD_REQUEST:
        code = str(found.get("code", "refused")) if isinstance(found, dict) else "refused"
        raise ProviderRefused(
            _("The payment provider refused: %(code)s.") % {"code": code}, params={"failure_code": code}
        )
    return found


def _payment(found: Any) -> ProviderPayment:
    """A payment out of the server's JSON. Raises ProviderUnavailable for what is none: nothing is known then."""
    try:
        currency = str(found["currency"])
        return ProviderPayment(
            key=uuid.UUID(found["key"]),
            reference=str(found["reference"]),
            provider_reference=str(found["id"]),
            state=ProviderState(found["state"]),
            amount=Money.from_minor(int(found["amount"]), currency),
            captured=Money.from_minor(int(found["captured"]), currency),
            refunded=Money.from_minor(int(found["refunded"]), currency),
            failure_code=str(found["failure_code"])[:50],
            next_action_url=str(found["next_action_url"])[:500],
        )
    except (KeyError, ValueError, TypeError, AttributeError) as problem:
        raise ProviderUnavailable(f"an answer that is no payment: {problem!r}") from problem


def _page(found: Any) -> tuple[list[ProviderPayment], int]:
    """A page of the server's list, and the number of its last payment; 0 for an empty one."""
    try:
        rows = list(found["payments"])
        return [_payment(row) for row in rows], int(rows[-1]["number"]) if rows else 0
    except (KeyError, ValueError, TypeError) as problem:
        raise ProviderUnavailable(f"an answer that is no list: {problem!r}") from problem


def _refund(found: Any) -> ProviderRefund:
    try:
        return ProviderRefund(
            key=uuid.UUID(found["key"]),
            provider_reference=str(found["id"]),
            status=RefundStatus(found["status"]),
            amount=Money.from_minor(int(found["amount"]), str(found["currency"])),
        )
    except (KeyError, ValueError, TypeError, AttributeError) as problem:
        raise ProviderUnavailable(f"an answer that is no refund: {problem!r}") from problem
