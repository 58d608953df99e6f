"""The breaker: its steps, the same in Python and in Valkey, shared by all workers, and each worker's own without Valkey."""

import os
import subprocess
import sys
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from pytest_django import Settings

from core.cache import breaker as valkey_breaker
from search.breaker import FAILURES, OPEN_SECONDS, Breaker, Circuit, State, Step, take_shared
from search.metrics import BREAKER_STATE
from tests.requirements import REPOSITORY

STEPS = st.lists(
    st.tuples(st.sampled_from(list(Step)), st.sampled_from([0.0, 0.4, 1.0, 3.0, OPEN_SECONDS])), min_size=1, max_size=40
)


@how(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_the_script_in_valkey_takes_the_steps_that_python_takes(steps: list[tuple[Step, float]]) -> None:
    circuit, key, now = Circuit(), f"breaker:{uuid.uuid4()}", 1000.0

    for step, seconds in steps:
        now += seconds
        assert take_shared(key, step, now) == (circuit.take(step, now), circuit.state)


@how(max_examples=300, deadline=None)
@given(STEPS)
def test_whatever_happens_the_promises_of_a_breaker_hold(steps: list[tuple[Step, float]]) -> None:
    circuit, now, in_a_row = Circuit(), 1000.0, 0

    for step, seconds in steps:
        now += seconds
        before, since = circuit.state, circuit.since
        passes = circuit.take(step, now)

        if before == State.CLOSED:
            in_a_row = in_a_row + 1 if step == Step.FAILURE else 0 if step == Step.SUCCESS else in_a_row
            assert passes
            assert (circuit.state == State.OPEN) == (in_a_row >= FAILURES)
        elif before == State.OPEN:
            opens_up = step == Step.ASK and now - since >= OPEN_SECONDS
            assert circuit.state == (State.HALF_OPEN if opens_up else State.OPEN)
            assert passes == (opens_up or step in (Step.SUCCESS, Step.FAILURE))
        elif step == Step.FAILURE:
            assert circuit.state == State.OPEN
        if circuit.state == State.CLOSED and before != State.CLOSED:
            assert (before, step, circuit.successes) == (State.HALF_OPEN, Step.SUCCESS, 2)
            in_a_row = 0


def test_of_many_requests_when_it_opens_up_one_tries_at_a_time() -> None:
    circuit = Circuit()
    for _ in range(FAILURES):
        circuit.take(Step.FAILURE, 0)

    tries = [circuit.take(Step.ASK, OPEN_SECONDS) for _ in range(50)]
    circuit.take(Step.SUCCESS, OPEN_SECONDS)
    again = [circuit.take(Step.ASK, OPEN_SECONDS) for _ in range(50)]

    assert (sum(tries), sum(again)) == (1, 1)


IN_A_WORKER = """
import sys, django
django.setup()
from search.breaker import Breaker
breaker = Breaker(sys.argv[1])
for line in sys.stdin:
    print(breaker.lets_pass() if line == "ask\\n" else breaker.failed() or "told", flush=True)
"""


def test_what_one_worker_learns_all_know() -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    command = [sys.executable, "-W", "ignore", "-c", IN_A_WORKER, name]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "ecommerce.settings"}
    pipe = subprocess.PIPE
    workers = [
        subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdin=pipe, stdout=pipe, text=True) for _ in range(3)
    ]

    def say(worker: Any, what: str) -> str:
        worker.stdin.write(f"{what}\n")
        worker.stdin.flush()
        return str(worker.stdout.readline().strip())

    try:
        assert [say(worker, "ask") for worker in workers] == ["True"] * 3
        assert [say(worker, "failed") for worker in workers] == ["told"] * 3  # one each: together they are three

        assert [say(worker, "ask") for worker in workers] == ["False"] * 3
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def test_without_valkey_each_worker_has_its_own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(valkey_breaker, "is_open", lambda: True)  # skipped, as after failing
    moment = [0.0]
    name = f"test-{uuid.uuid4().hex[:8]}"
    ours, others = (Breaker(name, clock=lambda: moment[0]) for _ in range(2))

    for _ in range(FAILURES):
        ours.failed()

    assert (ours.lets_pass(), others.lets_pass()) == (False, True)
    assert BREAKER_STATE.labels(name)._value.get() == 0  # the last that was told: the others' is closed
    moment[0] = OPEN_SECONDS
    assert ours.lets_pass()
    ours.succeeded()
    ours.succeeded()
    assert [ours.lets_pass() for _ in range(3)] == [True] * 3


def test_a_worker_is_where_the_others_are_when_valkey_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"test-{uuid.uuid4().hex[:8]}"
    ours = Breaker(name, clock=lambda: 0.0)
    for _ in range(FAILURES):
        ours.failed()

    monkeypatch.setattr(valkey_breaker, "is_open", lambda: True)

    assert not ours.lets_pass()
