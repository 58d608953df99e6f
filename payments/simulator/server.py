"""The simulated provider's HTTP side: JSON for the shop, a challenge page for the shopper."""

import json
import re
import threading
import uuid
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from payments.simulator import pages
from payments.simulator.ledger import Ledger, Refused

LARGEST_BODY = 100_000
MOST_DISCARDED = 10_000_000
IDLE_SECONDS = 60
_PAYMENT = re.compile(r"/v1/payments/([0-9a-f-]{36})(?:/(capture|void|refunds))?")
_CHALLENGE = re.compile(r"/challenge/([\w-]{32})")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How long the cards that are slow, or never answer, keep the shop waiting, in seconds."""

    slow: float = 3.0
    silent: float = 60.0


class SimulatorServer(ThreadingHTTPServer):
    """One thread for each connection."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, address: tuple[str, int], ledger: Ledger, *, behaviour: Behaviour, stop: threading.Event
    ) -> None:
        super().__init__(address, Handler)
        self.ledger = ledger
        self.behaviour = behaviour
        self.stop = stop


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: SimulatorServer
    protocol_version = "HTTP/1.1"
    server_version = "PaymentSimulator"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True  # head and body are two writes; the second must not wait for an acknowledgement

    def do_GET(self) -> None:
        """Reads."""
        self._serve(self._get)

    def do_POST(self) -> None:
        """Changes."""
        self._serve(self._post)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
        """Say nothing: the console belongs to the shop."""

    def _serve(self, answer: Any) -> None:
        try:
            answer(urlsplit(self.path))
        except Refused as refusal:
            self._json({"code": refusal.code, "detail": refusal.detail}, status=refusal.status)
        except (ValueError, KeyError, TypeError) as problem:
            # What was read or not of the body is unknown: this connection can not go on.
            self.close_connection = True
            self._json({"code": "malformed", "detail": repr(problem)}, status=HTTPStatus.BAD_REQUEST)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _get(self, url: Any) -> None:
        books = self.server.ledger
        if url.path == "/health":
            self._json({"status": "ok"})
        elif url.path == "/style.css":
            self._send(pages.STYLE.encode(), "text/css")
        elif url.path == "/v1/payments":
            query = parse_qs(url.query)
            limit = min(max(int(query.get("limit", ["100"])[0]), 1), 1000)
            after, since = (int(query.get(name, ["0"])[0]) for name in ("after", "since"))
            self._json({"payments": books.listed(after=after, limit=limit, since=since)})
        elif (match := _PAYMENT.fullmatch(url.path)) and not match[2]:
            self._json(_known(books.find(match[1])))
        elif match := _CHALLENGE.fullmatch(url.path):
            payment = _known(books.challenged(match[1]))
            self._page(pages.challenge(payment) if payment["next_action_url"] else pages.done())
        else:
            raise Refused(404, "not_found", "There is nothing at this address.")

    def _post(self, url: Any) -> None:
        if match := _CHALLENGE.fullmatch(url.path):
            self._decide(match[1])
            return
        order = self._order()
        match = _PAYMENT.fullmatch(url.path)
        if url.path == "/v1/payments":
            self._authorise(order)
        elif match and match[2]:
            self._json(self._change(match[1], match[2], order))
        else:
            raise Refused(404, "not_found", "There is nothing at this address.")

    def _authorise(self, order: dict[str, Any]) -> None:
        behaviour, method = self.server.behaviour, order["method"]
        if method == "pm_card_timeout_before":
            self._say_nothing()
            return
        if method == "pm_card_slow":
            self.server.stop.wait(behaviour.slow)
        key = str(uuid.UUID(order.pop("key")))
        is_new = self.server.ledger.find(key) is None
        payment = self.server.ledger.authorise(key, order)
        if method == "pm_card_timeout_after" and is_new:
            self._say_nothing()
            return
        self._json(payment)

    def _change(self, key: str, what: str, order: dict[str, Any]) -> dict[str, Any]:
        books = self.server.ledger
        if what == "capture":
            return books.capture(key, amount=int(order["amount"]), currency=order["currency"])
        if what == "void":
            return books.void(key, order)
        refund_key = str(uuid.UUID(order["key"]))
        return books.refund(key, refund_key=refund_key, amount=int(order["amount"]), currency=order["currency"])

    def _decide(self, challenge: str) -> None:
        form = parse_qs(self._body().decode())
        decision = form.get("decision", [""])[0]
        if decision not in ("approve", "refuse"):
            raise Refused(400, "malformed", "The decision is approve or refuse.")
        payment = _known(self.server.ledger.decide(challenge, approved=decision == "approve"))
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", payment["return_url"])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _say_nothing(self) -> None:
        """Keep the shop waiting until it, or this server, gives up."""
        self.close_connection = True
        self.server.stop.wait(self.server.behaviour.silent)

    def _order(self) -> dict[str, Any]:
        body = self._body()
        # A browser that was tricked into posting here can not send this type across origins without asking first.
        if self.headers.get_content_type() != "application/json":
            raise Refused(415, "unsupported_media_type", "Send application/json.")
        order = json.loads(body)
        if not isinstance(order, dict):
            raise Refused(400, "malformed", "Send an object.")
        amount = order.get("amount", 0)
        url = order.get("return_url", "")
        if not isinstance(amount, int) or amount < 0 or (url and not str(url).startswith(("http://", "https://"))):
            raise Refused(400, "malformed", "amount is a number of the smallest coin, return_url an address.")
        return order

    def _body(self) -> bytes:
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 <= length <= LARGEST_BODY:
            self.close_connection = True
            # A connection that is closed on what was not read loses the answer too.
            for begin in range(0, min(length, MOST_DISCARDED), LARGEST_BODY):
                self.rfile.read(min(LARGEST_BODY, length - begin))
            raise Refused(413, "too_large", "The body is too large.")
        return self.rfile.read(length)

    def _json(self, body: Any, status: int = HTTPStatus.OK) -> None:
        self._send(json.dumps(body).encode(), "application/json", status)

    def _page(self, html: str) -> None:
        self._send(html.encode(), "text/html; charset=utf-8")

    def _send(self, body: bytes, kind: str, status: int = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'")
        self.end_headers()
        self.wfile.write(body)


def _known(payment: dict[str, Any] | None) -> dict[str, Any]:
    if payment is None:
        raise Refused(404, "not_found", "There is no such payment.")
    return payment
