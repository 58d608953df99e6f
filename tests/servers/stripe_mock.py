"""Stripe's own mock of its API: it checks every request against Stripe's description of it, and answers in its shapes.

It keeps no state and knows none of our metadata. So what a test needs to find in its answers is laid over them on their way back.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from core.embedded import free_port
from tests.requirements import command
from tests.servers.stand_in import Answer, Asked, standing_in
from tests.servers.waiting import wait_for

REMEDY = "bash deploy/prepare-machine.sh builds it, with Go"
_PASSED_ON = ("Authorization", "Content-Type", "Idempotency-Key", "Stripe-Version")


@dataclass
class StripeMock:
    """Where it answers, what it was asked and with what status, and what is laid over its objects, by their kind."""

    url: str = ""
    asked: list[tuple[str, int]] = field(default_factory=list)
    over: dict[str, dict[str, Any]] = field(default_factory=dict)


@contextmanager
def running_stripe_mock() -> Iterator[StripeMock]:
    """A stripe-mock of one's own."""
    port = free_port()
    program = command("stripe-mock", REMEDY)
    # It listens for TLS too, and on a port that is always the same unless told.
    addresses = ["-http-addr", f"127.0.0.1:{port}", "-https-addr", f"127.0.0.1:{free_port()}"]
    process = subprocess.Popen([program, *addresses], stdout=subprocess.DEVNULL)
    behind = f"http://127.0.0.1:{port}"
    mock = StripeMock()
    try:
        wait_for(lambda: _answers(behind), "stripe-mock did not answer")
        with standing_in(lambda asked: _pass_on(mock, behind, asked)) as front:
            mock.url = f"http://127.0.0.1:{front}"
            yield mock
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code > 0
    except httpx.HTTPError:
        return False


def _pass_on(mock: StripeMock, behind: str, asked: Asked) -> Answer:
    method, _space, path = asked.what.partition(" ")
    headers = {name: value for name, value in asked.headers.items() if name in _PASSED_ON}
    url = f"{behind}{path}?{asked.query}" if asked.query else f"{behind}{path}"
    answer = httpx.request(method, url, content=asked.body, headers=headers, trust_env=False)
    mock.asked.append((asked.what, answer.status_code))
    return Answer(json.dumps(_laid_over(mock.over, answer.json())), answer.status_code)


def _laid_over(over: dict[str, dict[str, Any]], found: Any) -> Any:
    if isinstance(found, list):
        return [_laid_over(over, it) for it in found]
    if not isinstance(found, dict):
        return found
    return {name: _laid_over(over, it) for name, it in found.items()} | over.get(str(found.get("object")), {})
