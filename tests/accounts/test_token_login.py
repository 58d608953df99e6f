"""Tokens for outside clients: what comes along, how often one may try, and what production asks besides."""

from datetime import datetime
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client
from knox.models import AuthToken

from accounts.models import User
from core import cache as guarded
from core.embedded import free_port
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db
CART_TOKEN = "c" * 43
calls: list[dict[str, Any]] = []


def remember(**call: Any) -> None:
    """A hook that writes down how it was called."""
    calls.append(call)


@pytest.fixture(autouse=True)
def hooks(settings: Any) -> list[dict[str, Any]]:
    """The calls of the one hook there is."""
    settings.LOGIN_HOOKS = ["tests.accounts.test_token_login.remember"]
    calls.clear()
    return calls


def log_in(client: Client, email: str, password: str = PASSWORD, **headers: str) -> Any:
    """Ask for a token."""
    body = {"email": email, "password": password}
    return client.post("/api/v1/auth/login", body, content_type="application/json", headers=headers)


def register(client: Client, email: str, **headers: str) -> Any:
    """Ask for an account."""
    body = {"email": email, "password": PASSWORD}
    return client.post("/api/v1/auth/register", body, content_type="application/json", headers=headers)


def test_the_answer_holds_the_token_its_end_and_its_owner(client: Client) -> None:
    user = make_user(email="a@example.com")

    answer = log_in(client, "A@example.com")

    assert answer.status_code == 200
    assert answer.json()["user"] == {"id": user.pk, "email": "a@example.com"}
    assert datetime.fromisoformat(answer.json()["expiry"]).tzinfo is not None
    assert (
        client.post("/api/v1/auth/logout", headers={"Authorization": f"Token {answer.json()['token']}"}).status_code
        == 204
    )


@pytest.mark.parametrize("way", ["login", "register"])
def test_the_guests_cart_comes_along(client: Client, way: str) -> None:
    if way == "login":
        make_user(email="a@example.com")
        answer = log_in(client, "a@example.com", **{"X-Cart-Token": CART_TOKEN})
    else:
        answer = register(client, "a@example.com", **{"X-Cart-Token": CART_TOKEN})

    assert answer.status_code in (200, 201)
    assert [(call["user_id"], call["cart_token"]) for call in calls] == [(User.objects.get().pk, CART_TOKEN)]


def test_a_log_in_on_the_pages_brings_the_cart_of_the_cookie(client: Client) -> None:
    user = make_user(email="a@example.com")
    client.cookies["cart_token"] = CART_TOKEN

    client.post("/account/login/", {"login": "a@example.com", "password": PASSWORD})

    assert [(call["user_id"], call["cart_token"]) for call in calls] == [(user.pk, CART_TOKEN)]


def test_a_wrong_password_brings_nothing_along(client: Client) -> None:
    make_user(email="a@example.com")

    assert log_in(client, "a@example.com", "wrong", **{"X-Cart-Token": CART_TOKEN}).status_code == 401

    assert calls == []
    assert not AuthToken.objects.exists()


def test_the_oldest_of_too_many_tokens_ends(client: Client, settings: Any) -> None:
    settings.REST_KNOX = {**settings.REST_KNOX, "TOKEN_LIMIT_PER_USER": 2}
    make_user(email="a@example.com")
    other = log_in(client, register(client, "b@example.com").json()["user"]["email"]).json()["token"]

    first, second, third = (log_in(client, "a@example.com").json()["token"] for _ in range(3))

    assert client.post("/api/v1/auth/logout", headers={"Authorization": f"Token {first}"}).status_code == 401
    for token in (second, third, other):
        assert client.post("/api/v1/auth/logout", headers={"Authorization": f"Token {token}"}).status_code == 204


def test_guessing_is_stopped_for_the_account_and_says_when_to_come_back(client: Client) -> None:
    make_user(email="a@example.com")
    make_user(email="b@example.com")

    tries = [log_in(client, "a@example.com", "wrong").status_code for _ in range(6)]
    stopped = log_in(client, "a@example.com")

    assert tries == [401] * 5 + [429]
    assert (stopped.status_code, stopped.json()["code"], stopped["Retry-After"]) == (429, "too_many_requests", "60")
    assert log_in(client, "b@example.com").status_code == 200


@pytest.mark.fault
def test_without_valkey_people_log_in_and_guessing_is_still_stopped(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_user(email="a@example.com")
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": f"redis://127.0.0.1:{free_port()}/0"}}
    monkeypatch.setattr(guarded, "breaker", guarded.Breaker())
    LocMemCache("security-limits", {}).clear()

    first = log_in(client, "a@example.com")
    tries = [log_in(client, "a@example.com", "wrong").status_code for _ in range(6)]

    assert first.status_code == 200
    assert tries == [401] * 5 + [429]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        ("{", "application/json", 400, "malformed"),
        ("[]", "application/json", 400, "invalid_input"),
        ("email=a", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        ('{"email": "a@example.com"}', "application/json", 400, "invalid_input"),
        ('{"email": {"a": 1}, "password": "x"}', "application/json", 400, "invalid_input"),
        ('{"email": "a@example.com", "password": "a\\u0000b"}', "application/json", 400, "malformed"),
    ],
)
@pytest.mark.parametrize("way", ["login", "register"])
def test_bodies_that_make_no_sense_are_named(
    client: Client, way: str, body: str, content_type: str, status: int, code: str
) -> None:
    answer = client.post(f"/api/v1/auth/{way}", body, content_type=content_type)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_production_gives_no_token_before_the_address_is_confirmed(client: Client, settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"

    made = register(client, "a@example.com")
    early = log_in(client, "a@example.com")
    assert (made.status_code, set(made.json())) == (202, {"detail"})
    assert (early.status_code, early.json()["code"]) == (403, "email_not_confirmed")
    assert [message.to for message in mail.outbox] == [["a@example.com"]]

    EmailAddress.objects.filter(email="a@example.com").update(verified=True)

    assert log_in(client, "a@example.com").status_code == 200


def test_production_does_not_tell_whether_an_address_has_an_account(client: Client, settings: Any) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    make_user(email="a@example.com")

    taken = register(client, "a@example.com")
    free = register(client, "b@example.com")

    assert (taken.status_code, taken.json()) == (free.status_code, free.json())
    assert [message.to for message in mail.outbox] == [["a@example.com"], ["b@example.com"]]
    assert mail.outbox[0].body != mail.outbox[1].body
    assert User.objects.filter(email="a@example.com").count() == 1
