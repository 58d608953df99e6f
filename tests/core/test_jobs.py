"""Jobs beside the relay: each when it is due, one at a time however many processes run it, and none stops another."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connection

from core.jobs import JobLoop, jobs_running, run_job
from core.types import Job
from tests.requirements import REPOSITORY
from tests.servers.embedded import private_postgres

HERE = "tests.core.test_jobs"
ran: list[tuple[str, datetime]] = []
inside = threading.Event()
leave = threading.Event()


def quick(*, now: datetime) -> None:
    """A job that does nothing."""
    ran.append(("quick", now))


def broken(*, now: datetime) -> None:
    """A job with a bug."""
    ran.append(("broken", now))
    raise ValueError("a bug in the job")


def careless(*, now: datetime) -> None:
    """A job that closes its connection, as those do that wait for the network, and stays on."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    connection.close()
    ran.append(("careless", now))
    inside.set()
    leave.wait(10)


@pytest.fixture(autouse=True)
def fresh() -> None:
    """No test meets another's runs."""
    ran.clear()
    inside.clear()
    leave.clear()


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until ``condition`` holds, by asking. Fails when it does not come true in time."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        pause.wait(0.02)


@pytest.mark.django_db(transaction=True)
def test_a_job_is_given_now_and_says_that_it_ran() -> None:
    assert run_job("quick", f"{HERE}.quick")

    ((name, moment),) = ran
    assert name == "quick"
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 5


@pytest.mark.race
@pytest.mark.django_db(transaction=True)
def test_a_job_that_runs_is_not_run_twice_even_if_it_closed_its_connection() -> None:
    thread = threading.Thread(target=run_job, args=("careless", f"{HERE}.careless"))
    thread.start()
    assert inside.wait(10)

    second = run_job("careless", f"{HERE}.careless")
    other = run_job("quick", f"{HERE}.quick")
    leave.set()
    thread.join()
    third = run_job("careless", f"{HERE}.careless")

    assert (second, other, third) == (False, True, True)
    assert [name for name, _ in ran] == ["careless", "quick", "careless"]


@pytest.mark.django_db(transaction=True)
def test_a_job_that_fails_keeps_none_from_running_and_is_tried_when_it_is_next_due() -> None:
    stop = threading.Event()
    jobs = (Job("broken", f"{HERE}.broken", 0.05), Job("gone", f"{HERE}.gone", 0.05), Job("quick", f"{HERE}.quick", 60))
    loop = threading.Thread(target=JobLoop(jobs, stop).run)
    loop.start()

    wait_for(lambda: [name for name, _ in ran].count("broken") >= 2)
    stop.set()
    loop.join()

    assert [name for name, _ in ran].count("quick") == 1


@pytest.mark.parametrize("lane", ["slow", "shop"])
@pytest.mark.django_db(transaction=True)
def test_a_job_that_waits_for_something_holds_up_its_own_lane_alone(lane: str) -> None:
    jobs = (Job("careless", f"{HERE}.careless", 60, lane=lane), Job("quick", f"{HERE}.quick", 60))

    with jobs_running(jobs, threading.Event()):
        assert inside.wait(10)
        if lane == "slow":
            wait_for(lambda: "quick" in [name for name, _ in ran])
        meanwhile = [name for name, _ in ran]
        leave.set()
        wait_for(lambda: len(ran) == 2)

    assert sorted(meanwhile) == (["careless", "quick"] if lane == "slow" else ["careless"])


def test_a_job_without_postgresql_waits_for_its_next_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "PORT", 9)

    assert not run_job("quick", f"{HERE}.quick")
    assert ran == []


@pytest.mark.fault
@pytest.mark.servers
def test_the_relays_process_outlives_a_killed_postgresql_and_ends_in_order(tmp_path: Path) -> None:
    with private_postgres() as server:
        environment = {**os.environ, "DATABASE_URL": server.url, "DATABASE_POOL": "0", "PYTHONUNBUFFERED": "1"}
        manage = [sys.executable, str(REPOSITORY / "manage.py")]
        subprocess.run([*manage, "migrate", "--verbosity=0"], env=environment, check=True)
        log = (tmp_path / "log").open("wb")
        relay = subprocess.Popen([*manage, "relay_events"], env=environment, stdout=log, stderr=log)
        try:
            publish(server.url, 1)
            wait_for(lambda: unpublished(server.url) == 0)

            server.kill()
            wait_for(lambda: b"waits for PostgreSQL" in (tmp_path / "log").read_bytes())
            server.start()
            publish(server.url, 2)
            wait_for(lambda: unpublished(server.url) == 0)

            relay.send_signal(signal.SIGTERM)
            assert relay.wait(10) == 0
        finally:
            relay.kill()
            relay.wait()
            log.close()


def publish(url: str, number: int) -> None:
    """Put an event that nobody subscribes to into the outbox."""
    with psycopg.connect(url) as session:
        session.execute(
            "INSERT INTO core_outboxevent (event_id, topic, key, bucket, type, version, data, occurred_at)"
            " VALUES (gen_random_uuid(), 'order-events', 'a', %s, 'test.happened', 1, '{}', now())",
            [number],
        )


def unpublished(url: str) -> Any:
    """How many events wait in the outbox."""
    with psycopg.connect(url) as session:
        row = session.execute("SELECT count(*) FROM core_outboxevent WHERE published_at IS NULL").fetchone()
    return row and row[0]
