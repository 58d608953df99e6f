"""The cache in Valkey, guarded: no page waits for it longer than a blink, and none fails because it is away."""

import time
from typing import Any
from urllib.parse import urlsplit

from django_redis.cache import RedisCache
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection, UnixDomainSocketConnection
from redis.exceptions import ConnectionError as ValkeyConnectionError
from redis.exceptions import TimeoutError as ValkeyTimeoutError
from redis.retry import Retry

FAILURES_BEFORE_SKIP = 3
SKIP_SECONDS = 1.0


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
    """django-redis over guarded connections, without retries."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {**params.get("OPTIONS", {})}
        options["CONNECTION_POOL_KWARGS"] = {
            "connection_class": CONNECTIONS[urlsplit(server).scheme],
            "retry": Retry(NoBackoff(), 0),
        }
        super().__init__(server, {**params, "OPTIONS": options})
