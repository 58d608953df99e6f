"""Shoppers over HTTP, each a client of its own, all started at once; and how often each answer was given."""

import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
Call = Callable[[httpx.Client], T]
PATIENCE_SECONDS = 60
_TLS = ssl.create_default_context()  # of no use over plain HTTP, but slow to make for each


def new_client(url: str) -> httpx.Client:
    """A client of the shop's API; each request takes a connection of its own, so that any worker may get it."""
    alone = httpx.Limits(max_keepalive_connections=0)
    return httpx.Client(base_url=f"{url}/api/v1", timeout=PATIENCE_SECONDS, trust_env=False, verify=_TLS, limits=alone)


def at_once(url: str, calls: Sequence[Call[T]], *, meanwhile: Callable[[], Any] = lambda: None) -> list[T]:
    """Start all ``calls`` together, each with a client of its own, and do ``meanwhile`` here; what each returned, in order."""
    start = threading.Barrier(len(calls) + 1)

    def run(call: Call[T]) -> T:
        with new_client(url) as client:
            start.wait(PATIENCE_SECONDS)
            return call(client)

    with ThreadPoolExecutor(len(calls)) as pool:
        running = [pool.submit(run, call) for call in calls]
        start.wait(PATIENCE_SECONDS)
        meanwhile()
        return [each.result(PATIENCE_SECONDS) for each in running]


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
