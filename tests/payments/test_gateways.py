"""Asking the provider: every card, every kind of trouble, and nothing held meanwhile."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from payments import gateways
from payments.types import AuthorisationOutcome, PaymentRef
from tests.payments.arranged import fresh, opened, unsaved, usd
from tests.payments.conftest import use
from tests.servers.simulator import Simulator, running_simulator

RETURN_URL = "http://127.0.0.1/orders/1/"


def _authorise(payment: PaymentRef) -> tuple[str, str]:
    answer = gateways.authorise(payment=payment, return_url=RETURN_URL, metadata={"order_number": payment.reference})
    return str(answer.outcome), answer.failure_code


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("pm_card_visa", ("authorised", "")),
        ("pm_card_slow", ("authorised", "")),
        ("pm_card_declined", ("declined", "card_declined")),
        ("pm_card_insufficient_funds", ("declined", "insufficient_funds")),
        ("pm_card_of_nobody", ("declined", "invalid_method")),
        ("pm_card_authentication_required", ("action_required", "")),
        ("pm_card_timeout_before", ("unknown", "")),
        ("pm_card_timeout_after", ("unknown", "")),
    ],
)
def test_each_card_does_what_its_name_says(simulator: Simulator, method: str, expected: tuple[str, str]) -> None:
    assert _authorise(unsaved(method=method)) == expected


def test_a_time_out_before_the_effect_leaves_nothing_at_the_provider(simulator: Simulator) -> None:
    payment = unsaved(method="pm_card_timeout_before")

    _authorise(payment)

    assert gateways.look_up(payment=payment) is None


def test_a_time_out_after_the_effect_is_found_by_looking_it_up(simulator: Simulator) -> None:
    payment = unsaved(method="pm_card_timeout_after")
    _authorise(payment)

    found = gateways.look_up(payment=payment)

    assert found is not None
    assert found.outcome == AuthorisationOutcome.AUTHORISED
    assert _authorise(payment) == ("authorised", "")  # and by asking again with the same key


def test_asking_twice_is_one_payment(simulator: Simulator) -> None:
    payment = unsaved()

    _authorise(payment)
    _authorise(payment)

    assert [found["reference"] for found in simulator.books()].count(payment.reference) == 1


def test_a_key_that_came_with_another_order_is_unknown_and_not_declined(simulator: Simulator) -> None:
    payment = unsaved()
    _authorise(payment)

    answer = gateways.authorise(payment=payment, return_url="http://127.0.0.1/elsewhere/")

    assert answer.outcome == AuthorisationOutcome.UNKNOWN


def test_a_challenge_says_where_to_go(simulator: Simulator) -> None:
    answer = gateways.authorise(payment=unsaved(method="pm_card_authentication_required"), return_url=RETURN_URL)

    assert answer.next_action_url.startswith(f"{simulator.url}/challenge/")


def test_other_money_at_the_provider_is_not_believed(simulator: Simulator) -> None:
    payment = unsaved(amount="10.00")
    _authorise(payment)
    dearer = replace(payment, amount=usd("99.00"))

    found = gateways.look_up(payment=dearer)

    assert found is not None
    assert found.outcome == AuthorisationOutcome.UNKNOWN


@pytest.mark.django_db
def test_a_transaction_is_refused(simulator: Simulator) -> None:
    payment = unsaved()

    with transaction.atomic(), pytest.raises(RuntimeError, match="must not run inside a transaction"):
        _authorise(payment)

    assert payment.reference not in [found["reference"] for found in simulator.books()]


@pytest.mark.django_db(transaction=True)
def test_no_database_connection_is_held_while_waiting(simulator: Simulator) -> None:
    payment = fresh(opened())
    assert connection.connection is not None

    _authorise(payment)

    assert connection.connection is None


def test_a_provider_that_was_killed_is_unknown_and_remembers_once_it_is_back(
    tmp_path: Path, settings: Settings
) -> None:
    with running_simulator(tmp_path) as simulator:
        use(simulator, settings)
        payment, other = unsaved(), unsaved()
        assert _authorise(payment) == ("authorised", "")
        simulator.kill()

        while_away = _authorise(other)
        simulator.start()

        assert while_away == ("unknown", "")
        found = gateways.look_up(payment=payment)
        assert found is not None
        assert found.outcome == AuthorisationOutcome.AUTHORISED
        assert gateways.look_up(payment=other) is None


def test_without_an_address_everything_is_unknown(settings: Settings) -> None:
    settings.PAYMENT_SIMULATOR_URL = ""

    assert _authorise(unsaved()) == ("unknown", "")


def test_a_black_hole_is_given_up_in_time(settings: Settings) -> None:
    settings.PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=0.5)
    with socket.socket() as hole:
        hole.bind(("127.0.0.1", 0))
        hole.listen(0)
        settings.PAYMENT_SIMULATOR_URL = f"http://127.0.0.1:{hole.getsockname()[1]}"
        begin = time.monotonic()

        outcome = _authorise(unsaved())

        assert outcome == ("unknown", "")
        assert time.monotonic() - begin < 2


@contextmanager
def _answering(settings: Settings, answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[None]:
    """A provider with a defect."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            answer(self)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    settings.PAYMENT_SIMULATOR_URL = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b"{}"),
        (503, b"<html>"),
        (429, b"{}"),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b'{"state": "authorised"}'),
        (200, b""),
    ],
)
def test_an_answer_that_makes_no_sense_is_unknown(settings: Settings, status: int, body: bytes) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with _answering(settings, answer):
        assert _authorise(unsaved()) == ("unknown", "")


def test_an_answer_that_drips_is_given_up_in_time(settings: Settings) -> None:
    settings.PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=0.5)
    enough = threading.Event()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        while not enough.wait(0.05):
            try:
                handler.wfile.write(b" ")
            except OSError:
                return

    with _answering(settings, answer):
        begin = time.monotonic()

        outcome = _authorise(unsaved())

        enough.set()
        assert outcome == ("unknown", "")
        assert time.monotonic() - begin < 2


def test_a_refusal_for_good_is_a_decline(settings: Settings) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = b'{"code": "currency_not_supported"}'
        handler.send_response(400)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    with _answering(settings, answer):
        assert _authorise(unsaved()) == ("declined", "currency_not_supported")
