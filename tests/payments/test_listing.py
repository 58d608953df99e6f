"""A provider's own list of payments: whole, page by page, and never believed where it makes no sense."""

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from core.clock import now
from payments import gateways, reconciling, simulated
from payments.errors import ProviderUnavailable
from payments.models import Payment
from payments.types import Mismatch, PaymentDifference, PaymentStatus, ProviderPayment
from tests.payments.arranged import authorised, captured, opened
from tests.payments.conftest import use
from tests.servers.simulator import Simulator, running_simulator

EVER = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def own(tmp_path: Path, settings: Settings) -> Iterator[Simulator]:
    """A provider whose books are empty."""
    with running_simulator(tmp_path) as simulator:
        use(simulator, settings)
        yield simulator


def listed(since: datetime = EVER) -> list[ProviderPayment]:
    return [found for piece in gateways.list_payments(provider="simulated", since=since) for found in piece]


def differences() -> list[PaymentDifference]:
    found = reconciling.compare_with_provider(provider="simulated", since=EVER, now=now())
    return [line for findings in found for line in findings.differences]


@pytest.mark.django_db(transaction=True)
def test_every_payment_is_listed_once_however_many_pages_that_takes(
    own: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated, "PAGE", 2)
    monkeypatch.setattr(gateways, "LISTED_AT_ONCE", 3)
    payments = [captured(amount="5.00"), *(authorised(amount="7.00") for _ in range(4))]

    pieces = list(gateways.list_payments(provider="simulated", since=EVER))

    assert [len(piece) for piece in pieces] == [3, 2]
    found = [payment for piece in pieces for payment in piece]
    assert [it.key for it in found] == [it.key for it in payments]
    assert [str(it.captured) for it in found] == ["5.00 USD", *["0.00 USD"] * 4]


@pytest.mark.django_db(transaction=True)
def test_what_is_older_is_left_out(own: Simulator, tmp_path: Path) -> None:
    old, new = authorised(), authorised()
    with closing(sqlite3.connect(tmp_path / "payments.sqlite3")) as file, file:
        file.execute("UPDATE payments SET made_at = made_at - 7200 WHERE key = ?", (str(old.key),))

    assert [it.key for it in listed(since=now() - timedelta(hours=1))] == [new.key]
    assert len(listed(since=now() - timedelta(hours=3))) == 2


def test_books_from_before_payments_were_dated_are_kept_and_listed_whole(tmp_path: Path, settings: Settings) -> None:
    with running_simulator(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / "payments.sqlite3")) as file, file:
        file.execute("ALTER TABLE payments DROP COLUMN made_at")
        file.execute(
            "INSERT INTO payments (key, id, fingerprint, reference, amount, currency, method, state, challenge)"
            " VALUES (?, 'sim_1', '', 'HB-OLD', 500, 'USD', '', 'authorised', 'c')",
            (str(uuid.uuid4()),),
        )

    with running_simulator(tmp_path) as simulator:
        use(simulator, settings)

        assert [it.reference for it in listed(since=now())] == ["HB-OLD"]


@pytest.mark.django_db(transaction=True)
def test_the_list_is_not_asked_for_inside_a_transaction_and_no_connection_waits_for_it(own: Simulator) -> None:
    authorised()
    with transaction.atomic(), pytest.raises(RuntimeError):
        listed()

    Payment.objects.count()
    assert connection.connection is not None
    pieces = gateways.list_payments(provider="simulated", since=EVER)
    next(pieces)

    assert connection.connection is None


@contextmanager
def answering(*answers: tuple[int, Any], settings: Settings) -> Iterator[None]:
    """In place of the provider: these answers, the last of them for ever."""
    waiting = list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        settings.PAYMENT_SIMULATOR_URL = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def shown(key: uuid.UUID, number: int, **changes: Any) -> dict[str, Any]:
    return {
        "number": number,
        "key": str(key),
        "id": f"sim_{number}",
        "reference": "HB-1",
        "amount": 500,
        "currency": "USD",
        "state": "authorised",
        "failure_code": "",
        "next_action_url": "",
        "captured": 0,
        "refunded": 0,
        **changes,
    }


@pytest.mark.parametrize(
    "answer",
    [
        (503, {}),
        (200, b"<html>"),
        (200, {}),
        (200, []),
        (200, {"payments": None}),
        (200, {"payments": [{"number": 1}]}),
        (200, {"payments": [{**shown(uuid.uuid4(), 1), "state": "lost"}]}),
        (200, {"payments": [{**shown(uuid.uuid4(), 1), "number": "last"}]}),
    ],
    ids=("away", "no JSON", "no list", "another list", "nothing", "no payment", "no state", "no number"),
)
def test_an_answer_that_is_no_list_is_trouble_and_not_an_empty_list(
    answer: tuple[int, Any], settings: Settings
) -> None:
    with answering(answer, settings=settings), pytest.raises(ProviderUnavailable):
        listed()


def test_a_list_that_goes_in_a_circle_ends(settings: Settings) -> None:
    page = {"payments": [shown(uuid.uuid4(), 1)]}

    with answering((200, page), settings=settings):
        assert {it.provider_reference for it in listed()} == {"sim_1"}


@pytest.mark.django_db(transaction=True)
def test_a_payment_that_the_provider_has_twice_under_one_key_is_told(settings: Settings) -> None:
    payment = opened(amount="5.00")
    Payment.objects.update(status=PaymentStatus.AUTHORISED, reference="HB-1", updated_at=now() - timedelta(hours=1))
    page = {"payments": [shown(payment.key, 1), shown(payment.key, 2)]}

    with answering((200, page), (200, {"payments": []}), settings=settings):
        (found,) = differences()

    assert (found.kind, found.reference, found.moving) == (Mismatch.TWICE, "HB-1", "")
    assert found.detail == "the provider has sim_1 and sim_2 for it: one of them is to be given back there"


@pytest.mark.django_db(transaction=True)
def test_a_list_that_breaks_off_is_told_as_far_as_it_came(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateways, "LISTED_AT_ONCE", 1)

    with answering((200, {"payments": [shown(uuid.uuid4(), 1)]}), (503, {}), settings=settings):
        findings = reconciling.compare_with_provider(provider="simulated", since=EVER, now=now())
        first = next(findings)
        with pytest.raises(ProviderUnavailable):
            next(findings)

    assert [line.kind for line in first.differences] == [Mismatch.UNKNOWN_HERE]
