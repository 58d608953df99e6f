"""The cache in Valkey, guarded: no page waits for it longer than a blink, and none fails because it is away."""

import time
from typing import Any

from django_redis.cache import RedisCache
from redis.backoff import NoBackoff
from redis.connection import Connection
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


class GuardedConnection(Connection):
    """A connection that reports to the breaker, and is not even tried while it is open."""

    def connect(self, *args: Any, **kwargs: Any) -> None:
        """Connect. Raises ConnectionError at once while the breaker is open."""
        if breaker.is_open():
            raise ValkeyConnectionError("Valkey failed just now and is skipped for a moment")
        try:
            super().connect(*args, **kwargs)  # type: ignore[no-untyped-call]  # redis-py types its asynchronous half only
        except (ValkeyConnectionError, ValkeyTimeoutError):
            breaker.failed()
            raise

    def read_response(self, *args: Any, **kwargs: Any) -> Any:
        """Read an answer."""
        try:
            answer = super().read_response(*args, **kwargs)
        except (ValkeyConnectionError, ValkeyTimeoutError):
            breaker.failed()
            raise
        breaker.succeeded()
        return answer


class GuardedCache(RedisCache):  # type: ignore[misc]  # django-redis is untyped here
    """django-redis over guarded connections, without retries."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {**params.get("OPTIONS", {})}
        options["CONNECTION_POOL_KWARGS"] = {"connection_class": GuardedConnection, "retry": Retry(NoBackoff(), 0)}
        super().__init__(server, {**params, "OPTIONS": options})
