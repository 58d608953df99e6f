"""The shop's own files: compressed, cacheable, with the headers every answer has, and nothing outside their folder."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.module_loading import import_string

STYLES = "/static/vendor/bootstrap/bootstrap.min.css"


def content(answer: Any) -> bytes:
    """The whole body."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_file_is_served_with_its_type_and_the_security_headers(client: Client) -> None:
    answer = client.get(STYLES)

    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/css")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert int(answer["Content-Length"]) == len(content(answer)) > 100_000


def test_a_file_that_has_not_changed_is_not_sent_again(client: Client) -> None:
    first = client.get(STYLES)

    again = client.get(STYLES, headers={"If-None-Match": first["ETag"]})
    head = client.head(STYLES)
    part = client.get(STYLES, headers={"Range": "bytes=0-9"})

    assert (again.status_code, content(again)) == (304, b"")
    assert (head.status_code, content(head)) == (200, b"")
    assert (part.status_code, content(part)) == (206, content(first)[:10])


@pytest.mark.parametrize(
    "address", ["/static/", "/static/nothing.css", "/static/../manage.py", "/static/%2e%2e/manage.py", "/static"]
)
def test_nothing_else_is_served(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("path", settings.MIDDLEWARE)
def test_no_middleware_puts_an_event_loop_around_every_page(path: str) -> None:
    assert getattr(import_string(path), "sync_capable", True)
