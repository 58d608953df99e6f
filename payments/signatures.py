"""How the simulated provider signs its webhooks, in Stripe's manner: a time and a digest over time and body."""

import hashlib
import hmac

HEADER = "Simulator-Signature"


def sign(*, secret: str, body: bytes, at: int) -> str:
    """The header's value for ``body`` sent at ``at``, in seconds since 1970."""
    return f"t={at},v1={_digest(secret, body, at)}"


def signed_at(*, secret: str, body: bytes, header: str) -> int | None:
    """When a webhook was signed, in seconds since 1970, or None when the signature is not right."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    stamp = parts.get("t", "")
    if not secret or not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 12:
        return None
    expected = _digest(secret, body, int(stamp))
    return int(stamp) if hmac.compare_digest(expected.encode(), parts.get("v1", "").encode()) else None


def _digest(secret: str, body: bytes, at: int) -> str:
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
