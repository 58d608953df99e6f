"""Shoppers over HTTP, each a client of its own, all started at once; and how often each answer was given."""

import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
Call = Callable[[httpx.Client], T]
PATIENCE_SECONDS = 60
# Said where no database connection was to be had within a second (core.problems); of a lock the shop says something else.
BUSY = "The shop is very busy. Try again in a moment."
_TLS = ssl.create_default_context()  # of no use over plain HTTP, but slow to make for each


class Patient(httpx.BaseTransport):
    """Sends a request again that a busy machine turned away before it began; never one that could not get a lock."""

    def __init__(self) -> None:
        self.turned_away = 0
        self._transport = _alone()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The first answer that is another one, or the last when patience is over."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while True:
            response = self._transport.handle_request(request)
            if response.status_code != httpx.codes.SERVICE_UNAVAILABLE or time.monotonic() > patience:
                return response
            response.read()
            if response.json()["detail"] != BUSY:
                return response
            self.turned_away += 1

    def close(self) -> None:
        """Let its connections go."""
        self._transport.close()


def _alone() -> httpx.HTTPTransport:
    """Every request takes a connection of its own, so that any worker may get it."""
    return httpx.HTTPTransport(verify=_TLS, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


def new_client(url: str, transport: httpx.BaseTransport | None = None) -> httpx.Client:
    """A client of the shop's API; each request takes a connection of its own."""
    return httpx.Client(base_url=f"{url}/api/v1", timeout=PATIENCE_SECONDS, transport=transport or _alone())


def at_once(url: str, calls: Sequence[Call[T]], *, meanwhile: Callable[[], Any] = lambda: None) -> list[T]:
    """Start all ``calls`` together, each with a client of its own, and do ``meanwhile`` here; what each returned, in order."""
    start = threading.Barrier(len(calls) + 1)
    transports = [Patient() for _ in calls]

    def run(call: Call[T], transport: Patient) -> T:
        with new_client(url, transport) as client:
            start.wait(PATIENCE_SECONDS)
            return call(client)

    with ThreadPoolExecutor(len(calls)) as pool:
        running = [pool.submit(run, *each) for each in zip(calls, transports, strict=True)]
        start.wait(PATIENCE_SECONDS)
        meanwhile()
        told = [each.result() for each in running]
    count("  asked again", ["busy"] * sum(transport.turned_away for transport in transports))
    return told


def adding(product_id: int, headers: Mapping[str, str] | None = None) -> Call[httpx.Response]:
    """POST /cart/items for one more: by a new guest unless ``headers`` say who it is."""
    body = {"product_id": product_id, "quantity": 1}
    return lambda client: client.post("/cart/items", json=body, headers=headers)


def answer(response: httpx.Response) -> str:
    """The status, and the code of a refusal."""
    code = "" if response.is_success else response.json()["code"]
    return f"{response.status_code} {code}".strip()


def count(race: str, answers: Iterable[str]) -> Counter[str]:
    """How often each was given, printed too: a race and its control are read side by side."""
    counts = Counter(answers)
    print(f"{race}: {dict(sorted(counts.items()))}")  # noqa: T201 - to be read with `pytest -s`, and when a race fails
    return counts
