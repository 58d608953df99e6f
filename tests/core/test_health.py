"""Health and figures: never a 500, never long, never cached, and the figures for those who may see them."""

import socket
import time
from contextlib import closing
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from core import cache as guarded
from core.embedded import free_port

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.core.refusing_urls")]


@pytest.mark.parametrize("address", ["/health/live", "/health/ready", "/health/", "/metrics"])
def test_answers_and_is_not_cached(client: Client, address: str) -> None:
    answer = client.get(address)

    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


def test_ready_names_each_dependency(client: Client, settings: Any) -> None:
    settings.PAYMENT_SIMULATOR_URL = ""

    assert client.get("/health/ready").json() == {"status": "ready", "checks": {"postgresql": True, "valkey": True}}


@pytest.mark.parametrize(
    ("name", "setting"), [("payments", "PAYMENT_SIMULATOR_URL"), ("elasticsearch", "ELASTICSEARCH_URL")]
)
def test_ready_without_what_is_not_required_which_is_reported(
    client: Client, settings: Any, name: str, setting: str
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as black_hole:
        setattr(settings, setting, f"http://127.0.0.1:{black_hole.getsockname()[1]}")

        begin = time.monotonic()
        answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["checks"][name] is False
    assert time.monotonic() - begin < 3


def test_ready_without_valkey_which_is_reported(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    breaker = guarded.Breaker()
    breaker.closed_again_at = time.monotonic() + 60
    monkeypatch.setattr(guarded, "breaker", breaker)

    answer = client.get("/health/ready")

    assert answer.status_code == 200
    assert answer.json()["checks"]["valkey"] is False
    assert client.get("/health/").status_code == 200


@pytest.mark.fault
@pytest.mark.parametrize("kind", ["refused", "black hole"])
def test_unready_without_postgresql_and_soon_told(client: Client, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as black_hole:
        port = free_port() if kind == "refused" else black_hole.getsockname()[1]
        monkeypatch.setitem(connection.settings_dict, "PORT", port)

        begin = time.monotonic()
        answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {"postgresql": False, "valkey": True}
    assert time.monotonic() - begin < 3


@pytest.mark.parametrize("address", ["203.0.113.9", "10.1.2.3", ""])
def test_figures_are_not_for_strangers(client: Client, settings: Any, address: str) -> None:
    settings.METRICS_ALLOW = ("192.0.2.0/24",)

    assert client.get("/metrics", REMOTE_ADDR=address).status_code == 404


def test_figures_are_for_those_allowed(client: Client, settings: Any) -> None:
    settings.METRICS_ALLOW = ("192.0.2.0/24",)

    answer = client.get("/metrics", REMOTE_ADDR="192.0.2.7")

    assert answer.status_code == 200
    assert b"django_http_requests" in answer.content


def test_a_stranger_who_claims_to_be_this_machine_is_not_believed(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)

    assert client.get("/metrics", REMOTE_ADDR="203.0.113.9", HTTP_X_FORWARDED_FOR="127.0.0.1").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="203.0.113.9").status_code == 404
