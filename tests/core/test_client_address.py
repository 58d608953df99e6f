"""Whose address a request comes from: proxies we trust are believed, clients are not."""

from typing import Any

import pytest
from django.test import RequestFactory

from core.net import client_address, is_within


@pytest.mark.parametrize(
    ("socket", "forwarded", "expected"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "127.0.0.1, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "nonsense", "nonsense"),
    ],
    ids=[
        "no proxy",
        "a client that claims to be a proxy",
        "one proxy",
        "a client that forwards for loopback",
        "two proxies",
        "a client inside the trusted network",
        "a proxy that says nothing",
        "nonsense",
    ],
)
def test_the_address_is_the_last_one_no_trusted_proxy_has(
    settings: Any, socket: str, forwarded: str, expected: str
) -> None:
    settings.TRUSTED_PROXIES = ("10.0.0.0/8",)

    request = RequestFactory().get("/", REMOTE_ADDR=socket, HTTP_X_FORWARDED_FOR=forwarded)

    assert client_address(request) == expected


def test_without_trusted_proxies_the_address_is_the_sockets(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ()

    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="127.0.0.1")

    assert client_address(request) == "10.0.0.1"


def test_what_is_no_address_lies_in_no_network() -> None:
    assert not is_within("nonsense", ("0.0.0.0/0", "::/0"))
    assert not is_within("", ("0.0.0.0/0",))
    assert is_within("::ffff:127.0.0.1", ("127.0.0.0/8",))
