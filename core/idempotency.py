"""One key, one effect: claims on requests that carry an `Idempotency-Key` (DESIGN.md section 4, "Checkout").

The row in PostgreSQL decides; it is committed before anything else is done. A claim is a lease with a fencing number: past
the lease another process may take it over with the next number, and the one that lost it can neither go on nor answer. Valkey
answers repeats sooner, and may be away or emptied.
"""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.core.cache import cache
from django.db import Error as DatabaseTrouble
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from psycopg_pool import PoolTimeout
from rest_framework.renderers import JSONRenderer

from core.errors import Conflict, InvalidInput
from core.models import IdempotencyClaim
from core.problems import CONTENT_TYPE, problem_of
from core.transactions import require_transaction

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY_LENGTH = 255
BUSY_SECONDS = 5
LOCK_NOT_AVAILABLE = "55P03"


class KeyMissing(InvalidInput):
    """The request needs a key and has none."""

    code = "idempotency_key_missing"


class KeyInvalid(InvalidInput):
    """The key is too long, or not printable ASCII."""

    code = "idempotency_key_invalid"


class KeyReused(Conflict):
    """The key belongs to a request that was not the same."""

    code = "idempotency_key_reused"


class InProgress(Conflict):
    """The first request of this key is still running."""

    code = "idempotency_in_progress"


class LeaseLost(Conflict):
    """Another process has taken the claim over; what this one was about to write must not be written."""

    code = "idempotency_in_progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was, or will be, answered: enough to say it again byte for byte."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    is_final: bool = True
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """That this process runs the request of a key, until its lease ends."""

    id: int
    fence: int
    cache_key: str
    fingerprint: str
    is_applied: bool = False


def read_key(headers: Mapping[str, str]) -> str:
    """The key that ``headers`` carry. Raises KeyMissing, or KeyInvalid for one that can not be used."""
    key = headers.get(HEADER, "")
    if not key:
        raise KeyMissing(_("Send the header Idempotency-Key, with a fresh value for each thing you want done once."))
    if len(key) > KEY_LENGTH or not key.isascii() or not key.isprintable():
        raise KeyInvalid(_("An Idempotency-Key has 1 to 255 printable ASCII characters."))
    return key


def fingerprint_of(*, method: str, path: str, body: bytes) -> str:
    """What tells a repeated request from another one of the same key."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


def claim(*, scope: str, owner: str, key: str, fingerprint: str, now: datetime) -> Claim | Answer:
    """Claim ``key`` of ``owner`` for this process, or say what was answered before. Commits.

    Raises InProgress while another process holds it, KeyReused when its request was another one.
    """
    place = _cache_key(scope, owner, key)
    known = _known_answer(place, fingerprint)
    if known is not None:
        return known
    found = _claim_or_answer(scope=scope, owner=owner, key=key, fingerprint=fingerprint, now=now)
    if isinstance(found, Answer):
        return found
    row_id, fence, is_applied = found
    lease = settings.IDEMPOTENCY_LEASE.total_seconds()
    cache.set(place, json.dumps({"state": "running", "fingerprint": fingerprint}), timeout=lease)
    return Claim(id=row_id, fence=fence, cache_key=place, fingerprint=fingerprint, is_applied=is_applied)


def is_known(*, scope: str, owner: str, key: str) -> bool:
    """Whether ``owner`` has used ``key``, as far as that is remembered. One query."""
    return IdempotencyClaim.objects.filter(scope=scope, owner=owner, key=key).exists()


def hold(claimed: Claim) -> None:
    """Lock the claim until the caller's transaction ends, before all its other locks. Raises LeaseLost."""
    require_transaction("core.idempotency.hold")
    if not IdempotencyClaim.objects.select_for_update().filter(pk=claimed.id, fence=claimed.fence).exists():
        raise LeaseLost(_("Another process answers this request."), retry_after=BUSY_SECONDS)


def store(claimed: Claim, answer: Answer, *, now: datetime) -> None:
    """Keep ``answer`` with a claim that `hold` has locked: it stands or falls with the caller's transaction."""
    require_transaction("core.idempotency.store")
    _write(claimed, answer, IdempotencyClaim.State.DONE, settings.IDEMPOTENCY_REPLAY_LIFETIME, now)


def mark_applied(claimed: Claim) -> None:
    """Note, with a claim that `hold` has locked, that its effect stands or falls with the caller's transaction."""
    require_transaction("core.idempotency.mark_applied")
    IdempotencyClaim.objects.filter(pk=claimed.id, fence=claimed.fence).update(is_applied=True)


def refuse(claimed: Claim, refusal: Exception, *, now: datetime) -> None:
    """Remember for a while that the request was refused, with what the API says of ``refusal``. Commits."""
    problem = problem_of(refusal)
    if problem is None or problem.status >= 500:
        forget(claimed)
        return
    body = JSONRenderer().render(problem.document())  # as the API says it the first time
    answer = Answer(status=problem.status, body=body, headers={"Content-Type": CONTENT_TYPE, **problem.headers()})
    with transaction.atomic(durable=True):
        hold(claimed)
        _write(claimed, answer, IdempotencyClaim.State.REFUSED, settings.IDEMPOTENCY_REFUSAL_LIFETIME, now)


def forget(claimed: Claim) -> None:
    """Give the claim back as if it had never been, so that any repeat runs at once; harmless when it was lost. Commits.

    Where the database is away the lease ends by itself: nothing is raised, for what went wrong before is what to tell.
    """
    with suppress(DatabaseTrouble, PoolTimeout):
        _running(claimed).delete()
    cache.delete(claimed.cache_key)


def release(claimed: Claim, *, now: datetime) -> None:
    """End the lease without an answer: a repeat of the same request goes on from here. As harmless as `forget`. Commits."""
    with suppress(DatabaseTrouble, PoolTimeout):
        _running(claimed).update(lease_until=now)
    cache.delete(claimed.cache_key)


def _running(claimed: Claim) -> "QuerySet[IdempotencyClaim]":
    return IdempotencyClaim.objects.filter(pk=claimed.id, fence=claimed.fence, state=IdempotencyClaim.State.RUNNING)


def _claim_or_answer(
    *, scope: str, owner: str, key: str, fingerprint: str, now: datetime
) -> tuple[int, int, bool] | Answer:
    """The id and fence of a claim that is now this process', and whether its effect is there; or what was answered before."""
    try:
        with transaction.atomic(durable=True):
            row_id = _insert(scope=scope, owner=owner, key=key, fingerprint=fingerprint, now=now)
            if row_id is not None:
                return row_id, 1, False
            rows = IdempotencyClaim.objects.filter(scope=scope, owner=owner, key=key)
            answer = _answer_of(rows.first(), fingerprint, now)
            if answer is not None:
                return answer
            # Nobody should be at it. Who has it locked all the same is taking it over, or slow and writing its answer.
            row = rows.select_for_update(nowait=True).first()
            answer = _answer_of(row, fingerprint, now)
            if answer is not None:
                return answer
            assert row is not None
            _take_over(row, fingerprint, now)
            return row.pk, row.fence, row.is_applied
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) != LOCK_NOT_AVAILABLE:
            raise
        raise _busy() from error


def _insert(*, scope: str, owner: str, key: str, fingerprint: str, now: datetime) -> int | None:
    """Write a new claim and return its id; None when there is one. Of two at once the second waits for the first's commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO core_idempotencyclaim"
            " (scope, owner, key, fingerprint, state, fence, lease_until, response_headers, created_at, expires_at)"
            " VALUES (%s, %s, %s, %s, 'running', 1, %s, '{}', %s, %s) ON CONFLICT DO NOTHING RETURNING id",
            [scope, owner, key, fingerprint, now + settings.IDEMPOTENCY_LEASE, now, _abandoned_at(now)],
        )
        made = cursor.fetchone()
    return None if made is None else int(made[0])


def _answer_of(row: IdempotencyClaim | None, fingerprint: str, now: datetime) -> Answer | None:
    """The answer that a row holds, None when it is there to be taken over. Raises InProgress and KeyReused."""
    if row is None:  # the one that ran gave it back at this very moment
        raise _busy()
    is_over = row.expires_at is not None and row.expires_at <= now
    if is_over:
        return None
    if row.fingerprint != fingerprint:
        raise reused()
    if row.state != row.State.RUNNING:
        return _stored_answer(row)
    if row.lease_until > now:
        raise _busy()
    return None


def _take_over(row: IdempotencyClaim, fingerprint: str, now: datetime) -> None:
    row.fence += 1
    if row.state != row.State.RUNNING:  # it was answered, long ago: this is another request with the same key
        row.is_applied = False
    row.state, row.fingerprint, row.expires_at = row.State.RUNNING, fingerprint, _abandoned_at(now)
    row.lease_until = now + settings.IDEMPOTENCY_LEASE
    row.save(update_fields=["fence", "state", "fingerprint", "expires_at", "lease_until", "is_applied"])


def _abandoned_at(now: datetime) -> datetime:
    """When a claim that nobody ever answers is forgotten."""
    return now + settings.IDEMPOTENCY_REPLAY_LIFETIME


def _stored_answer(row: IdempotencyClaim) -> Answer:
    return Answer(
        status=row.response_status or 500,
        body=bytes(row.response_body or b""),
        headers=row.response_headers,
        replayed=True,
    )


def _write(claimed: Claim, answer: Answer, state: IdempotencyClaim.State, lifetime: timedelta, now: datetime) -> None:
    IdempotencyClaim.objects.filter(pk=claimed.id, fence=claimed.fence).update(
        state=state,
        response_status=answer.status,
        response_headers=dict(answer.headers),
        response_body=answer.body,
        completed_at=now,
        expires_at=now + lifetime,
    )
    remembered = {
        "state": "done",
        "fingerprint": claimed.fingerprint,
        "status": answer.status,
        "headers": dict(answer.headers),
        "body": answer.body.decode(),
    }
    seconds = lifetime.total_seconds()
    transaction.on_commit(lambda: cache.set(claimed.cache_key, json.dumps(remembered), timeout=seconds))


def _known_answer(place: str, fingerprint: str) -> Answer | None:
    """What Valkey knows: an answer, None when it knows nothing. Raises as `claim` does."""
    try:
        known = json.loads(cache.get(place) or "null")
        if not isinstance(known, dict):
            return None
        if known["fingerprint"] != fingerprint:
            raise reused()
        if known["state"] == "running":
            raise _busy()
        return Answer(status=known["status"], body=known["body"].encode(), headers=known["headers"], replayed=True)
    except (ValueError, KeyError, TypeError):
        return None


def _cache_key(scope: str, owner: str, key: str) -> str:
    # A key is anything printable; hashed, it can neither be too long for Valkey nor run into another's.
    return f"idem:{scope}:{hashlib.sha256(f'{owner} {key}'.encode()).hexdigest()}"


def reused() -> KeyReused:
    """The refusal of a key that came with another request before."""
    return KeyReused(_("This Idempotency-Key was used for another request. Use a new key for a new request."))


def _busy() -> InProgress:
    return InProgress(_("The first request with this key is still running."), retry_after=BUSY_SECONDS)


def as_replay(answer: Answer) -> Answer:
    """``answer`` as it is said again: a success is 200, and every replay is marked."""
    status = 200 if 200 <= answer.status < 300 else answer.status
    return replace(answer, status=status, replayed=True, headers={**answer.headers, REPLAYED: "true"})
