"""A Valkey that is up, down, or emptied all the while."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from tests.servers.embedded import PrivateValkey

UP, DOWN, EMPTIED = "up", "down", "emptied"
STATES = (UP, DOWN, EMPTIED)
PAUSE_SECONDS = 0.002


@contextmanager
def valkey_that_is(state: str, valkey: PrivateValkey) -> Iterator[None]:
    """Kill ``valkey``, or flush it again and again, until the block ends; then it is there as before."""
    if state == DOWN:
        valkey.kill()
        try:
            yield
        finally:
            valkey.start()
    elif state == EMPTIED:
        with _emptied(valkey):
            yield
    else:
        yield


@contextmanager
def _emptied(valkey: PrivateValkey) -> Iterator[None]:
    over, flushed = threading.Event(), 0
    found = 0

    def flush() -> None:
        nonlocal flushed, found
        with redis.Redis.from_url(valkey.url) as client:
            while not over.wait(PAUSE_SECONDS):
                found += client.dbsize()
                client.flushdb()
                flushed += 1

    thread = threading.Thread(target=flush)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert found > 0, f"flushed {flushed} times, and there never was anything"
    print(f"Valkey was emptied {flushed} times, of {found} entries")  # noqa: T201 - to be read with `pytest -s`
