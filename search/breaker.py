"""The circuit breaker before Elasticsearch: one for all workers in Valkey, each worker's own where Valkey is away.

Three failures in a row open it. Ten seconds later one request at a time may try; two that succeed close it, one that fails opens
it again. The steps are written twice, in Python and as a script for Valkey; a test holds the two against each other.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from redis.exceptions import RedisError

from core.scripts import run_script
from search import metrics

FAILURES, OPEN_SECONDS, SUCCESSES = 3, 10.0, 2
# Whoever tries and never tells, because it was killed, keeps others from trying for so long.
TRIAL_SECONDS = 1.0
FORGOTTEN_AFTER_SECONDS = 3600


class State(StrEnum):
    """Closed: requests pass. Open: none does. Half open: one at a time tries."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Step(StrEnum):
    """What a caller wants to know or tell."""

    LOOK = "look"  # asks without being counted on to tell
    ASK = "ask"
    SUCCESS = "success"
    FAILURE = "failure"


@dataclass(slots=True)
class Circuit:
    """The steps, in Python. Times are seconds of any one clock."""

    state: State = State.CLOSED
    failures: int = 0
    successes: int = 0
    since: float = 0.0  # when it opened, or when the last trial began

    def take(self, step: Step, now: float) -> bool:
        """Whether the caller may go on; what was told may always be told."""
        if step == Step.LOOK:
            return self.state == State.CLOSED
        if step == Step.ASK:
            return self._ask(now)
        if step == Step.SUCCESS:
            self._success()
        else:
            self._failure(now)
        return True

    def _ask(self, now: float) -> bool:
        if self.state == State.CLOSED:
            return True
        waits = OPEN_SECONDS if self.state == State.OPEN else TRIAL_SECONDS
        if now - self.since < waits:
            return False
        if self.state == State.OPEN:
            self.state, self.successes = State.HALF_OPEN, 0
        self.since = now
        return True

    def _success(self) -> None:
        if self.state == State.CLOSED:
            self.failures = 0
        elif self.state == State.HALF_OPEN:
            self.successes += 1
            self.since = -TRIAL_SECONDS  # the next may try at once
            if self.successes >= SUCCESSES:
                self.state, self.failures = State.CLOSED, 0

    def _failure(self, now: float) -> None:
        """A late failure of a request that began before it opened changes nothing."""
        if self.state == State.OPEN:
            return
        self.failures += 1
        if self.state == State.HALF_OPEN or self.failures >= FAILURES:
            self.state, self.since = State.OPEN, now


_SCRIPT = """
local kept = redis.call('HMGET', KEYS[1], 'state', 'failures', 'successes', 'since')
local state, failures = kept[1] or 'closed', tonumber(kept[2] or '0')
local successes, since = tonumber(kept[3] or '0'), tonumber(kept[4] or '0')
local step, passes = ARGV[1], 1
local now = tonumber(ARGV[2])
if now < 0 then
    local time = redis.call('TIME')
    now = tonumber(time[1]) + tonumber(time[2]) / 1000000
end
if step == 'look' then return {state == 'closed' and 1 or 0, state} end
if step == 'ask' and state ~= 'closed' then
    local waits = tonumber(state == 'open' and ARGV[3] or ARGV[4])
    if now - since < waits then
        passes = 0
    else
        if state == 'open' then state, successes = 'half_open', 0 end
        since = now
    end
elseif step == 'success' and state == 'closed' then
    failures = 0
elseif step == 'success' and state == 'half_open' then
    successes, since = successes + 1, -tonumber(ARGV[4])
    if successes >= tonumber(ARGV[6]) then state, failures = 'closed', 0 end
elseif step == 'failure' and state ~= 'open' then
    failures = failures + 1
    if state == 'half_open' or failures >= tonumber(ARGV[5]) then state, since = 'open', now end
end
redis.call('HSET', KEYS[1], 'state', state, 'failures', failures, 'successes', successes, 'since', string.format('%.17g', since))
redis.call('EXPIRE', KEYS[1], ARGV[7])
return {passes, state}
"""


def take_shared(key: str, step: Step, now: float | None = None) -> tuple[bool, State]:
    """A step of the breaker that all workers share, by Valkey's own clock unless ``now`` is given. Raises RedisError."""
    moment = -1 if now is None else now
    limits = (OPEN_SECONDS, TRIAL_SECONDS, FAILURES, SUCCESSES, FORGOTTEN_AFTER_SECONDS)
    passes, state = run_script(_SCRIPT, key, step.value, moment, *limits)
    return bool(passes), State(state.decode())


@dataclass(slots=True)
class Breaker:
    """The breaker of a service: what callers ask before they call it, and tell afterwards."""

    service: str
    clock: Callable[[], float] = time.monotonic
    _own: Circuit = field(default_factory=Circuit)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def lets_pass(self) -> bool:
        """Whether the service may be called now. Whoever is let pass tells afterwards how it went."""
        return self._take(Step.ASK)

    def is_closed(self) -> bool:
        """Whether all is well: for calls that can be left out, and do not tell how they went."""
        return self._take(Step.LOOK)

    def succeeded(self) -> None:
        """It answered, be it with a refusal."""
        self._take(Step.SUCCESS)

    def failed(self) -> None:
        """It did not answer, or not in time, or with nonsense."""
        self._take(Step.FAILURE)

    def _take(self, step: Step) -> bool:
        """Where Valkey answers, its word counts; the worker's own follows along, to be at the same place when Valkey goes."""
        with self._lock:
            passes = self._own.take(step, self.clock())
            state = self._own.state
        with suppress(RedisError):
            passes, state = take_shared(f"breaker:{self.service}", step)
        metrics.BREAKER_STATE.labels(self.service).set(metrics.STATES[state])
        return passes
