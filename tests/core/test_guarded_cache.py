"""Valkey refuses, stalls, or comes back: no page waits longer than a blink for it, and none fails."""

import socket
import time
from collections.abc import Iterator
from contextlib import closing

import pytest
from django.core.cache import cache
from django.test import Client

from core import cache as guarded
from core.cache import FAILURES_BEFORE_SKIP, GuardedCache
from core.embedded import free_port
from tests.servers.embedded import private_valkey

OPTIONS = {"SOCKET_CONNECT_TIMEOUT": 0.1, "SOCKET_TIMEOUT": 0.1, "IGNORE_EXCEPTIONS": True}


@pytest.fixture(autouse=True)
def fresh_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test meets another's failures."""
    monkeypatch.setattr(guarded, "breaker", guarded.Breaker())


@pytest.fixture
def black_hole() -> Iterator[int]:
    """The port of a listener that takes connections and never says a word."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as listener:
        yield listener.getsockname()[1]


def cache_at(port: int) -> GuardedCache:
    """The shop's cache, as settings make it, at another port."""
    return GuardedCache(f"redis://127.0.0.1:{port}/0", {"OPTIONS": OPTIONS})


def seconds_of_get(store: GuardedCache) -> float:
    """How long reading a value takes, which is not there."""
    begin = time.monotonic()
    assert store.get("anything", "not there") == "not there"
    return time.monotonic() - begin


def test_a_black_hole_costs_one_time_out_a_try_and_then_nothing(black_hole: int) -> None:
    store = cache_at(black_hole)

    tries = [seconds_of_get(store) for _ in range(FAILURES_BEFORE_SKIP)]
    skipped = seconds_of_get(store)

    assert all(0.09 < seconds < 0.3 for seconds in tries)
    assert skipped < 0.02


def test_a_refused_connection_is_a_miss_and_is_then_skipped() -> None:
    store = cache_at(free_port())

    for _ in range(FAILURES_BEFORE_SKIP):
        assert seconds_of_get(store) < 0.1

    assert guarded.breaker.is_open()
    assert store.set("key", 1) is None


def test_writes_and_counts_are_ignored_while_valkey_is_away() -> None:
    store = cache_at(free_port())

    assert store.set("key", 1) is None
    assert store.get_many(["key"]) == {}
    assert store.delete("key") is None


def test_an_answer_between_failures_keeps_the_breaker_closed() -> None:
    breaker = guarded.Breaker()

    for _ in range(FAILURES_BEFORE_SKIP - 1):
        breaker.failed()
    breaker.succeeded()
    breaker.failed()

    assert not breaker.is_open()


def test_tries_again_after_the_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = guarded.Breaker()
    for _ in range(FAILURES_BEFORE_SKIP):
        breaker.failed()
    assert breaker.is_open()

    later = time.monotonic() + guarded.SKIP_SECONDS + 0.01
    monkeypatch.setattr(guarded.time, "monotonic", lambda: later)

    assert not breaker.is_open()


@pytest.mark.servers
@pytest.mark.fault
def test_serves_again_when_a_killed_valkey_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with private_valkey() as server:
        store = GuardedCache(server.url, {"OPTIONS": OPTIONS})
        store.set("key", "before")
        assert store.get("key") == "before"

        server.kill()
        assert [store.get("key") for _ in range(5)] == [None] * 5
        server.start()
        monkeypatch.setattr(guarded, "SKIP_SECONDS", 0.0)
        monkeypatch.setattr(guarded.breaker, "closed_again_at", 0.0)

        store.set("key", "after")
        assert store.get("key") == "after"


@pytest.mark.django_db
def test_sessions_outlive_the_cache(client: Client, django_user_model: type) -> None:
    user = django_user_model.objects.create_user("reader@example.com", "correct-horse-battery")  # type: ignore[attr-defined]  # the fixture's type is just a class
    client.force_login(user)

    cache.clear()

    assert client.get("/orders/").status_code != 302
