"""The simulated provider keeps its books like a real one: once for each key, never more back than taken, whatever is sent."""

import json
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.requirements import REPOSITORY
from tests.servers.simulator import Simulator, running_simulator


@pytest.fixture
def client(simulator: Simulator) -> httpx.Client:
    """Speaks to the provider as a program would."""
    return httpx.Client(base_url=simulator.url, trust_env=False)


def _order(key: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "key": key or str(uuid.uuid4()),
        "reference": "HB-1",
        "amount": 1000,
        "currency": "USD",
        "method": "pm_card_visa",
        "return_url": "http://127.0.0.1/orders/1/",
        "metadata": {},
        **changes,
    }


def _authorised(client: httpx.Client, **changes: Any) -> str:
    order = _order(**changes)
    assert client.post("/v1/payments", json=order).status_code == 200
    return str(order["key"])


def test_one_key_is_one_payment_however_many_ask_at_once(client: httpx.Client, simulator: Simulator) -> None:
    order = _order(method="pm_card_slow", reference="HB-MANY")
    answers: list[Any] = []
    threads = [
        threading.Thread(target=lambda: answers.append(client.post("/v1/payments", json=order).json()))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert answers == [answers[0]] * 16
    assert [found["reference"] for found in simulator.books()].count("HB-MANY") == 1


@pytest.mark.parametrize(
    "change", [{"amount": 1001}, {"currency": "EUR"}, {"method": "pm_card_declined"}, {"metadata": {"a": 1}}]
)
def test_a_key_with_another_order_is_refused(client: httpx.Client, change: dict[str, Any]) -> None:
    key = _authorised(client)

    answer = client.post("/v1/payments", json=_order(key=key, **change))

    assert (answer.status_code, answer.json()["code"]) == (422, "key_reused")


def test_a_capture_is_whole_and_once(client: httpx.Client) -> None:
    key = _authorised(client)

    other = client.post(f"/v1/payments/{key}/capture", json={"amount": 999, "currency": "USD"})
    both = [client.post(f"/v1/payments/{key}/capture", json={"amount": 1000, "currency": "USD"}) for _ in range(2)]

    assert (other.status_code, other.json()["code"]) == (422, "amount_differs")
    assert [answer.json()["captured"] for answer in both] == [1000, 1000]


def test_what_is_declined_can_not_be_captured(client: httpx.Client) -> None:
    key = _authorised(client, method="pm_card_declined")

    answer = client.post(f"/v1/payments/{key}/capture", json={"amount": 1000, "currency": "USD"})

    assert (answer.status_code, answer.json()["code"]) == (409, "capture_refused")


def test_a_captured_payment_is_not_voided_but_says_so(client: httpx.Client) -> None:
    key = _authorised(client)
    client.post(f"/v1/payments/{key}/capture", json={"amount": 1000, "currency": "USD"})

    answer = client.post(f"/v1/payments/{key}/void", json=_order(key=key))

    assert (answer.status_code, answer.json()["state"]) == (200, "captured")


def test_never_more_goes_back_than_was_taken(client: httpx.Client) -> None:
    key = _authorised(client)
    client.post(f"/v1/payments/{key}/capture", json={"amount": 1000, "currency": "USD"})
    first = {"key": str(uuid.uuid4()), "amount": 600, "currency": "USD"}

    again = [client.post(f"/v1/payments/{key}/refunds", json=first).json() for _ in range(2)]
    reused = client.post(f"/v1/payments/{key}/refunds", json={**first, "amount": 1})
    over = client.post(f"/v1/payments/{key}/refunds", json={**first, "key": str(uuid.uuid4()), "amount": 401})
    rest = client.post(f"/v1/payments/{key}/refunds", json={**first, "key": str(uuid.uuid4()), "amount": 400})

    assert again[0] == again[1]
    assert (reused.status_code, over.status_code, rest.status_code) == (422, 409, 200)
    assert client.get(f"/v1/payments/{key}").json()["refunded"] == 1000


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/payments", b"nonsense", 400),
        ("/v1/payments", b"[]", 400),
        ("/v1/payments", b"{}", 400),
        ("/v1/payments", b"\xff", 400),
        ("/v1/payments", json.dumps(_order(amount=-1)).encode(), 400),
        ("/v1/payments", json.dumps(_order(amount="10")).encode(), 400),
        ("/v1/payments", json.dumps(_order(key="x")).encode(), 400),
        ("/v1/payments", json.dumps(_order(return_url="javascript:alert(1)")).encode(), 400),
        ("/v1/payments", b" " * 200_000, 413),
        ("/v1/payments/00000000-0000-4000-8000-000000000000/capture", b'{"amount": 1, "currency": "USD"}', 404),
        ("/nowhere", b"{}", 404),
    ],
)
def test_nonsense_is_refused_and_the_server_goes_on(client: httpx.Client, path: str, body: bytes, status: int) -> None:
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code == status
    assert client.get("/health").json() == {"status": "ok"}


def test_a_browser_that_was_tricked_can_not_pay(client: httpx.Client) -> None:
    answer = client.post("/v1/payments", content=json.dumps(_order()), headers={"Content-Type": "text/plain"})

    assert answer.status_code == 415


def test_the_challenge_page_escapes_and_runs_nothing(client: httpx.Client) -> None:
    key = _authorised(client, method="pm_card_authentication_required", reference="<script>alert(1)</script>")
    address = client.get(f"/v1/payments/{key}").json()["next_action_url"]

    page = httpx.get(address, trust_env=False)
    undecided = httpx.post(address, data={"decision": "perhaps"}, trust_env=False)

    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert undecided.status_code == 400
    assert client.get(f"/v1/payments/{key}").json()["state"] == "action_required"


def test_an_unknown_challenge_is_not_found(client: httpx.Client) -> None:
    assert client.get(f"/challenge/{'a' * 32}").status_code == 404
    assert client.post(f"/challenge/{'a' * 32}", data={"decision": "approve"}).status_code == 404


def test_payments_are_listed_in_pages(client: httpx.Client) -> None:
    keys = [_authorised(client) for _ in range(3)]
    numbers = [found["number"] for found in client.get("/v1/payments?limit=1000").json()["payments"][-3:]]

    page = client.get(f"/v1/payments?after={numbers[0]}&limit=1").json()["payments"]

    assert [(found["number"], found["key"]) for found in page] == [(numbers[1], keys[1])]


@pytest.mark.servers
@pytest.mark.fault
def test_a_killed_server_has_kept_its_books_and_a_stopped_one_ends_well(tmp_path: Path) -> None:
    with running_simulator(tmp_path) as simulator:
        client = httpx.Client(base_url=simulator.url, trust_env=False)
        keys = [_authorised(client) for _ in range(20)]
        simulator.kill()
        simulator.start()

        kept = [found["key"] for found in simulator.books()]
        code = simulator.stop()

        assert (kept, code) == (keys, 0)


@pytest.mark.servers
def test_a_taken_port_gets_one_clear_line(simulator: Simulator, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "payments.simulator", "--port", str(simulator.port)]

    ended = subprocess.run(
        [*command, "--database", str(tmp_path / "other.sqlite3")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert f"can not listen on port {simulator.port}" in ended.stderr


@pytest.mark.servers
def test_it_ends_at_once_though_somebody_is_kept_waiting(tmp_path: Path) -> None:
    with running_simulator(tmp_path) as simulator:
        order = _order(method="pm_card_timeout_before")
        silent = threading.Thread(target=_ask_and_be_disappointed, args=(simulator.url, order))
        silent.start()

        code = simulator.stop()

        silent.join(timeout=10)
        assert (code, silent.is_alive()) == (0, False)


def _ask_and_be_disappointed(url: str, order: dict[str, Any]) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.post(f"{url}/v1/payments", json=order, timeout=20, trust_env=False)
