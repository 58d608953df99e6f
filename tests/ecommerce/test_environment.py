"""The environment is read once, typed, and refused with one line that names the variable."""

import subprocess
import sys

import pytest

from ecommerce.environment import EnvironmentProblem, parse_database_url, read_environment
from tests.requirements import REPOSITORY

GOOD = {
    "SHOP_ENV": "production",
    "SECRET_KEY": "k" * 64,
    "ALLOWED_HOSTS": "shop.example, www.shop.example",
    "DATABASE_URL": "postgresql://shop:p%40ss@db.internal:5433/shop",
    "VALKEY_URL": "redis://valkey:6379/0",
    "PUBLIC_URL": "https://shop.example/",
}


def test_production_reads_everything() -> None:
    environment = read_environment(GOOD)

    assert environment.production
    assert environment.allowed_hosts == ("shop.example", "www.shop.example")
    assert environment.database.password == "p@ss"
    assert environment.database.port == 5433
    assert environment.public_url == "https://shop.example"
    assert environment.limits_on


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHOP_ENV", "staging"),
        ("SECRET_KEY", "short"),
        ("ALLOWED_HOSTS", ""),
        ("ALLOWED_HOSTS", "*"),
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://localhost/shop"),
        ("VALKEY_URL", ""),
        ("PUBLIC_URL", "http://shop.example"),
        ("LIMITS", "maybe"),
        ("PORT", "eighty"),
        ("DATABASE_POOL", "-1"),
        ("TRUSTED_PROXIES", "10.0.0.0/8, proxy"),
        ("METRICS_ALLOW", "10.0.0.1/8"),
        ("STRIPE_SECRET_KEY", "sk_live_without_the_others"),
        ("STRIPE_PUBLISHABLE_KEY", "pk_live_without_the_others"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_without_the_others"),
        ("STRIPE_API_URL", "http://somewhere.example"),
        ("ELASTICSEARCH_URL", "https://elasticsearch.internal"),
        ("ELASTICSEARCH_URL", "elasticsearch.internal:9200"),
        ("ELASTICSEARCH_URL", "http://elasticsearch.internal:nine"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(EnvironmentProblem, match=name):
        read_environment({**GOOD, name: value})


def test_a_secret_is_not_taken_for_the_key_that_browsers_see() -> None:
    keys = {"STRIPE_SECRET_KEY": "sk_live_1", "STRIPE_WEBHOOK_SECRET": "whsec_1"}

    assert (
        read_environment({**GOOD, **keys, "STRIPE_PUBLISHABLE_KEY": "pk_live_1"}).stripe_publishable_key == "pk_live_1"
    )
    with pytest.raises(EnvironmentProblem, match="STRIPE_PUBLISHABLE_KEY"):
        read_environment({**GOOD, **keys, "STRIPE_PUBLISHABLE_KEY": "sk_live_1"})


def test_a_database_url_without_a_name_is_refused() -> None:
    with pytest.raises(EnvironmentProblem, match="DATABASE_URL"):
        parse_database_url("postgresql://shop@localhost/")


def test_a_command_says_one_line_and_stops() -> None:
    run = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=REPOSITORY,
        env={**GOOD, "SECRET_KEY": "short"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 1
    assert run.stdout == ""
    assert run.stderr.startswith("The shop can not start. SECRET_KEY must be at least 50 characters")
    assert run.stderr.count("\n") == 1
