"""Valkey refuses, stalls, or comes back: no page waits longer than a blink for it, and none fails."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from typing import Any

import pytest
from django.test import Client

from core import cache as guarded
from core.cache import FAILURES_BEFORE_SKIP, GuardedCache
from core.embedded import free_port
from tests.factories import make_user
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


def test_tries_again_after_the_skip_and_skips_again_if_that_fails() -> None:
    breaker = guarded.Breaker()
    for _ in range(FAILURES_BEFORE_SKIP):
        breaker.failed()
    assert breaker.is_open()
    assert breaker.closed_again_at <= time.monotonic() + guarded.SKIP_SECONDS

    breaker.closed_again_at -= guarded.SKIP_SECONDS
    assert not breaker.is_open()
    breaker.failed()

    assert breaker.is_open()


@pytest.mark.servers
@pytest.mark.fault
def test_a_connection_made_before_is_not_tried_while_valkey_is_skipped() -> None:
    with private_valkey() as server:
        store = GuardedCache(server.url, {"OPTIONS": OPTIONS})
        store.set("key", "value")
        os.kill(server.process, signal.SIGSTOP)

        tries = [store.get("key") for _ in range(FAILURES_BEFORE_SKIP)]
        begin = time.monotonic()
        skipped = [store.get("key") for _ in range(50)]

        assert tries + skipped == [None] * (FAILURES_BEFORE_SKIP + 50)
        assert time.monotonic() - begin < 0.1


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
def test_sessions_outlive_the_cache(settings: Any) -> None:
    user = make_user()
    client = Client()
    client.force_login(user)

    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": f"redis://127.0.0.1:{free_port()}/0"}}
    session = import_module(settings.SESSION_ENGINE).SessionStore(client.cookies[settings.SESSION_COOKIE_NAME].value)

    assert session["_auth_user_id"] == str(user.pk)
    session["seen"] = True
    session.save()
