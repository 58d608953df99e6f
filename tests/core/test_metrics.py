"""Figures of several processes are shown as one, and the outbox tells of itself when asked."""

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client

from core import events
from core.clock import now
from tests.events.happened import Happened
from tests.requirements import REPOSITORY

COUNT = "from core.metrics import events_total; events_total.labels('published').inc(2)"
SHOW = (
    "from django.test import RequestFactory; from core.views import metrics;"
    "print(metrics(RequestFactory().get('/metrics', REMOTE_ADDR='127.0.0.1')).content.decode())"
)


def python(code: str, folder: Path) -> str:
    """What ``code`` prints in a process of its own, with the shop set up."""
    return subprocess.run(
        [sys.executable, "-c", f"import django; django.setup(); {code}"],
        cwd=REPOSITORY,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "ecommerce.settings", "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout


def test_processes_add_up(tmp_path: Path) -> None:
    python(COUNT, tmp_path)
    python(COUNT, tmp_path)

    shown = python(SHOW, tmp_path)

    assert 'events_total{result="published"} 4.0' in shown


@pytest.mark.django_db
@pytest.mark.urls("tests.core.refusing_urls")
def test_the_outbox_tells_how_much_waits_and_how_long(client: Client) -> None:
    with transaction.atomic():
        for age in (90, 10):
            events.publish(Happened(), key="a", now=now() - timedelta(seconds=age))

    lines = dict(
        line.rsplit(" ", 1) for line in client.get("/metrics").content.decode().splitlines() if line[:1] != "#"
    )

    assert lines["outbox_unpublished"] == "2.0"
    assert 90 <= float(lines["outbox_oldest_seconds"]) < 100
    assert lines["events_parked"] == "0.0"
