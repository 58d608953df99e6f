"""Registering and logging in, over the API and on the pages."""

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def test_a_new_account_gets_a_token_that_works_until_log_out(client: Client) -> None:
    made = client.post(
        "/api/v1/auth/register", {"email": " New@Example.com ", "password": PASSWORD}, content_type="application/json"
    )
    assert made.status_code == 201
    assert made.json()["user"]["email"] == "new@example.com"
    token = {"Authorization": f"Token {made.json()['token']}"}

    assert client.post("/api/v1/auth/logout", headers=token).status_code == 204
    assert client.post("/api/v1/auth/logout", headers=token).status_code == 401


@pytest.mark.parametrize(
    ("email", "password", "pointer", "code"),
    [
        ("no address", PASSWORD, "/email", "invalid"),
        ("taken@example.com", PASSWORD, "/email", "taken"),
        ("TAKEN@example.com", PASSWORD, "/email", "taken"),
        ("a@example.com", "short", "/password", "password_too_short"),
        ("a@example.com", "password123", "/password", "password_too_common"),
    ],
)
def test_what_is_wrong_is_named(client: Client, email: str, password: str, pointer: str, code: str) -> None:
    make_user(email="taken@example.com")

    answer = client.post(
        "/api/v1/auth/register", {"email": email, "password": password}, content_type="application/json"
    )

    assert answer.status_code == 400
    assert (pointer, code) in [(error["pointer"], error["code"]) for error in answer.json()["errors"]]
    assert User.objects.count() == 1


@pytest.mark.parametrize(("email", "password"), [("a@example.com", "wrong"), ("nobody@example.com", PASSWORD)])
def test_wrong_password_and_unknown_address_look_the_same(client: Client, email: str, password: str) -> None:
    make_user(email="a@example.com")

    answer = client.post("/api/v1/auth/login", {"email": email, "password": password}, content_type="application/json")

    assert answer.status_code == 401
    assert answer.json()["code"] == "wrong_credentials"
    assert answer.json()["detail"] == "There is no account with this e-mail address and password."


def test_a_switched_off_account_gets_no_token(client: Client) -> None:
    make_user(email="a@example.com", is_active=False)

    answer = client.post(
        "/api/v1/auth/login", {"email": "a@example.com", "password": PASSWORD}, content_type="application/json"
    )

    assert answer.status_code == 401


def test_pages_sign_up_log_out_and_log_in(client: Client) -> None:
    made = client.post("/account/signup/", {"email": "web@example.com", "password1": PASSWORD, "password2": PASSWORD})
    assert made.status_code == 302
    assert User.objects.get().email == "web@example.com"

    assert client.post("/account/logout/").status_code == 302
    wrong = client.post("/account/login/", {"login": "web@example.com", "password": "wrong"})
    right = client.post("/account/login/", {"login": "WEB@example.com", "password": PASSWORD})

    assert wrong.status_code == 200
    assert right.status_code == 302
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


def test_staff_find_users_in_admin(client: Client) -> None:
    boss = User.objects.create_superuser("boss@example.com", PASSWORD)
    client.force_login(boss)

    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/accounts/user/?q=boss").status_code == 200
    assert client.get(f"/admin/accounts/user/{boss.pk}/change/").status_code == 200
    assert client.get("/admin/accounts/user/add/").status_code == 200
