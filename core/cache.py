"""The cache in Valkey, guarded: no page waits for it longer than a blink, and none fails because it is away."""

import time
from typing import Any
from urllib.parse import urlsplit

from django.core.cache.backends.locmem import LocMemCache
from django_redis.cache import CONNECTION_INTERRUPTED, RedisCache
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as ValkeyConnectionError
from redis.exceptions import TimeoutError as ValkeyTimeoutError
from redis.retry import Retry

FAILURES_BEFORE_SKIP = 3
SKIP_SECONDS = 1.0
LIMIT_PREFIX = "allauth:rl:"
NEARBY_ENTRIES = 10_000


class Breaker:
    """Counts failures of this process: after FAILURES_BEFORE_SKIP in a row Valkey is skipped for SKIP_SECONDS.

    Threads share one without a lock: a count that is off by one delays the skip by one try.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.closed_again_at = 0.0

    def is_open(self) -> bool:
        """Whether Valkey is to be skipped at this moment."""
        return time.monotonic() < self.closed_again_at

    def succeeded(self) -> None:
        """Valkey answered."""
        self.failures = 0

    def failed(self) -> None:
        """Valkey did not answer in time, or not at all."""
        self.failures += 1
        if self.failures >= FAILURES_BEFORE_SKIP:
            self.closed_again_at = time.monotonic() + SKIP_SECONDS


breaker = Breaker()


class _Guarded:
    """A connection that reports to the breaker, and is not even tried while it is open."""

    _is_connecting = False

    def connect(self, *args: Any, **kwargs: Any) -> None:
        """Connect. Raises ConnectionError at once while the breaker is open."""
        _refuse_while_open()
        self._is_connecting = True
        try:
            super().connect(*args, **kwargs)  # type: ignore[misc]  # the connection's, beside which this class stands
        except (ValkeyConnectionError, ValkeyTimeoutError):
            breaker.failed()
            raise
        finally:
            self._is_connecting = False

    def send_packed_command(self, *args: Any, **kwargs: Any) -> None:
        """Send a command. Raises ConnectionError at once while the breaker is open: connections made before are tried no more."""
        _refuse_while_open()
        super().send_packed_command(*args, **kwargs)  # type: ignore[misc]  # as above

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Read an answer."""
        try:
            answer = super().read_response(*args, **kwargs)  # type: ignore[misc]  # as above
        except (ValkeyConnectionError, ValkeyTimeoutError):
            if not self._is_connecting:  # else connect counts it
                breaker.failed()
            raise
        breaker.succeeded()
        return answer


def _refuse_while_open() -> None:
    if breaker.is_open():
        raise ValkeyConnectionError("Valkey failed just now and is skipped for a moment")


class GuardedConnection(_Guarded, Connection):
    """Over TCP."""


class GuardedTlsConnection(_Guarded, SSLConnection):
    """Over TLS."""


class GuardedSocketConnection(_Guarded, UnixDomainSocketConnection):
    """Over a socket of this machine."""


CONNECTIONS = {"redis": GuardedConnection, "rediss": GuardedTlsConnection, "unix": GuardedSocketConnection}


class GuardedCache(RedisCache):  # type: ignore[misc]  # django-redis is untyped here
    """django-redis over guarded connections, without retries.

    While Valkey is away everything is a miss, but for the counts of security limits (log-in, reset, sign-up): each process
    keeps its own then, so that the limits neither fall nor lock everybody out.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {**params.get("OPTIONS", {})}
        options["CONNECTION_POOL_KWARGS"] = {
            "connection_class": CONNECTIONS[urlsplit(server).scheme],
            "retry": Retry(NoBackoff(), 0),
        }
        super().__init__(server, {**params, "OPTIONS": options})
        self._nearby = LocMemCache("security-limits", {"OPTIONS": {"MAX_ENTRIES": NEARBY_ENTRIES}})

    def add(self, key: str, value: Any, *args: Any, **options: Any) -> bool | None:
        """Store what is not there yet; None when Valkey is away."""
        stored: bool | None = super().add(key, value, *args, **options)
        return self._nearby.add(key, value, *args, **options) if stored is None and _is_limit(key) else stored

    def get(self, key: str, default: Any = None, version: int | None = None, client: Any = None) -> Any:
        """The value, or ``default``."""
        value = self._get(key, default, version, client)
        if value is not CONNECTION_INTERRUPTED:
            return value
        return self._nearby.get(key, default, version) if _is_limit(key) else default

    def set(self, key: str, value: Any, *args: Any, **options: Any) -> bool | None:
        """Store; None when Valkey is away."""
        stored: bool | None = super().set(key, value, *args, **options)
        if stored is None and _is_limit(key):
            self._nearby.set(key, value, *args, **options)
        return stored

    def delete(self, key: str, *args: Any, **options: Any) -> bool | None:
        """Forget; None when Valkey is away."""
        gone: bool | None = super().delete(key, *args, **options)
        return self._nearby.delete(key, *args, **options) if gone is None and _is_limit(key) else gone


def _is_limit(key: str) -> bool:
    return key.startswith(LIMIT_PREFIX)
