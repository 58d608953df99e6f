"""Staff: what roles may do, and how they get into the admin."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from accounts.roles import ROLES
from tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def test_roles_are_made_once_and_brought_up_to_date() -> None:
    call_command("create_roles", verbosity=0)
    stray = Permission.objects.get(codename="delete_user")
    Group.objects.get(name="support").permissions.add(stray)
    member = make_user()
    member.groups.add(Group.objects.get(name="support"))

    call_command("create_roles", verbosity=0)

    assert sorted(Group.objects.values_list("name", flat=True)) == sorted(ROLES)
    assert not Group.objects.filter(permissions=stray).exists()
    assert [group.name for group in member.groups.all()] == ["support"]


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("catalogue", "catalog.change_product", "orders.view_order"),
        ("warehouse", "inventory.change_inventory", "catalog.change_product"),
        ("support", "orders.change_order", "inventory.change_inventory"),
    ],
)
def test_a_role_may_do_its_own_work_only(role: str, may: str, may_not: str) -> None:
    call_command("create_roles", verbosity=0)
    member = make_user(is_staff=True)
    member.groups.add(Group.objects.get(name=role))

    assert member.has_perm(may)
    assert not member.has_perm(may_not)


def test_no_role_may_delete_money_or_people() -> None:
    call_command("create_roles", verbosity=0)

    for app in ("orders", "payments", "accounts", "core"):
        assert not Group.objects.filter(
            permissions__codename__startswith="delete", permissions__content_type__app_label=app
        ).exists()


def test_staff_log_in_where_tries_are_limited(client: Client) -> None:
    User.objects.create_superuser("boss@example.com", PASSWORD)

    asked = client.get("/admin/")
    login = client.get(asked["Location"])
    done = client.post(login["Location"], {"login": "boss@example.com", "password": PASSWORD, "next": "/admin/"})

    assert login["Location"].startswith("/account/login/?next=")
    assert done["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_shoppers_have_no_business_in_the_admin(client: Client) -> None:
    client.force_login(make_user())

    assert client.get("/admin/", follow=True).status_code == 403


def test_a_user_made_in_the_admin_can_log_in_however_the_address_is_written(client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss@example.com", PASSWORD))
    inlines = {f"addresses-{name}": "0" for name in ("TOTAL_FORMS", "INITIAL_FORMS")}

    made = client.post(
        "/admin/accounts/user/add/",
        {
            "email": "New@Example.com",
            "usable_password": "true",
            "password1": PASSWORD,
            "password2": PASSWORD,
            **inlines,
        },
    )

    assert made.status_code == 302
    assert User.objects.filter(email="new@example.com").exists()


def test_the_admin_works_under_the_content_security_policy(client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss@example.com", PASSWORD))

    for address in ("/admin/", "/admin/accounts/user/", "/admin/accounts/user/add/", "/admin/core/parkedevent/"):
        answer = client.get(address)
        page = answer.content.decode()

        assert answer.status_code == 200
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert "<style" not in page
        assert " style=" not in page
        assert "onclick=" not in page
        assert all("src=" in tag or "json" in tag for tag in page.split("<script")[1:])
