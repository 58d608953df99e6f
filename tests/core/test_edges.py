"""What machines and strangers get: health, figures, problem documents, the address a request comes from."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.cache import caches
from django.test import Client, RequestFactory

from core import cache as guarded
from core.errors import FieldError
from core.net import client_address
from core.problems import KINDS, problem_of


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "not an address", "not an address"),
    ],
)
def test_only_what_trusted_proxies_wrote_is_believed(settings: Any, peer: str, forwarded: str, expected: str) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}

    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)

    assert client_address(request) == expected


@pytest.mark.django_db
def test_figures_are_for_this_machine_and_those_allowed(client: Client, settings: Any) -> None:
    assert client.get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="198.51.100.7").status_code == 404

    settings.METRICS_ALLOW = ("198.51.100.0/24",)

    assert client.get("/metrics", REMOTE_ADDR="198.51.100.7").status_code == 200
    # A stranger who claims to be this machine is still a stranger.
    assert (
        client.get("/metrics", REMOTE_ADDR="203.0.113.1", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 404
    )


@pytest.mark.django_db
def test_health_tells_what_is_up(client: Client) -> None:
    assert client.get("/health/live").json() == {"status": "live"}

    ready = client.get("/health/ready")

    assert ready.status_code == 200
    assert ready.json()["checks"]["postgresql"] is True
    assert ready.json()["checks"]["valkey"] is True
    assert "no-store" in ready["Cache-Control"]
    assert client.get("/health/").status_code == 200


@pytest.mark.django_db
def test_an_address_below_api_that_does_not_exist_is_a_problem_document(client: Client) -> None:
    answer = client.get("/api/v1/nothing")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"
    assert answer.json()["type"] == "/problems/not_found/"


@pytest.mark.django_db
@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_code_has_a_page_that_says_what_to_do(client: Client, code: str) -> None:
    answer = client.get(f"/problems/{code}/")

    assert answer.status_code == 200
    assert code in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{", "application/json", 400, "malformed"),
        ("[]", "application/json", 400, "invalid_input"),
        ("email=a", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (json.dumps({"email": "a@example.com"}), "application/json", 400, "invalid_input"),
    ],
)
def test_bodies_that_make_no_sense_are_named(
    client: Client, body: str, content_type: str, status: int, code: str
) -> None:
    answer = client.post("/api/v1/auth/login", body, content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.django_db
def test_a_method_that_is_not_there_names_those_that_are(client: Client) -> None:
    answer = client.get("/api/v1/auth/login")

    assert answer.status_code == 405
    assert "POST" in answer["Allow"]


def test_a_defect_is_no_problem_document() -> None:
    assert problem_of(KeyError("x")) is None


def test_field_errors_carry_pointers() -> None:
    assert FieldError("/a/b", "required", "x").pointer == "/a/b"


@contextmanager
def _black_hole() -> Iterator[int]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        kept: list[socket.socket] = []
        threading.Thread(target=lambda: _accept(server, kept), daemon=True).start()
        yield server.getsockname()[1]
        for connection in kept:
            connection.close()


def _accept(server: socket.socket, kept: list[socket.socket]) -> None:
    while True:
        try:
            kept.append(server.accept()[0])
        except OSError:
            return


@pytest.fixture
def cache_at(settings: Any) -> Iterator[Any]:
    original = settings.CACHES

    def at(port: int) -> Any:
        settings.CACHES = {"default": {**original["default"], "LOCATION": f"redis://127.0.0.1:{port}/0"}}
        return caches["default"]

    guarded.breaker = guarded.Breaker()
    yield at
    guarded.breaker = guarded.Breaker()


@pytest.mark.fault
@pytest.mark.parametrize("kind", ["refused", "black hole"])
def test_valkey_away_is_a_miss_and_soon_not_even_tried(cache_at: Any, kind: str) -> None:
    with _black_hole() as port:
        cache = cache_at(9 if kind == "refused" else port)

        answers = [cache.get("key", "nothing") for _ in range(guarded.FAILURES_BEFORE_SKIP)]
        begin = time.monotonic()
        answers += [cache.get("key", "nothing") for _ in range(50)]
        spent = time.monotonic() - begin

    assert answers == ["nothing"] * 53
    assert guarded.breaker.failures >= guarded.FAILURES_BEFORE_SKIP
    # Fifty reads that each waited for the socket's 100 ms would take five seconds; the open breaker tried none of them.
    assert guarded.breaker.failures <= guarded.FAILURES_BEFORE_SKIP + 1
    assert spent < guarded.SKIP_SECONDS


@pytest.mark.fault
@pytest.mark.django_db
def test_pages_and_log_in_work_without_valkey(client: Client, cache_at: Any) -> None:
    cache_at(9)

    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["checks"]["valkey"] is False
