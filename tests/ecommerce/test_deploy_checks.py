"""What production refuses to run with, and that the example it is deployed from passes."""

import os
import subprocess
import sys

import pytest

from tests.requirements import REPOSITORY

STRIPE = ("STRIPE_SECRET_KEY", "STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET")


def check_deploy(**changes: str) -> "subprocess.CompletedProcess[str]":
    """`manage.py check --deploy` with the example's settings, but for ``changes``."""
    lines = (REPOSITORY / "deploy" / "production.env.example").read_text().splitlines()
    example = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **example, **changes},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_passes() -> None:
    done = check_deploy()

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        (dict.fromkeys(STRIPE, ""), "shop.E001"),
        ({"LIMITS": "off"}, "shop.E002"),
        ({"SHOP_ENV": "laptop"}, "shop.E003"),
    ],
    ids=["simulated payments", "no limits", "a laptop's settings"],
)
def test_what_would_hurt_customers_is_refused(changes: dict[str, str], refused: str) -> None:
    done = check_deploy(**changes)

    assert done.returncode != 0
    assert refused in done.stderr
