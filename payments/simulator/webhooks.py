"""Sends the webhooks that the books hold until the shop has taken them: late, twice or shuffled where a test asks for it."""

import http.client
import random
import threading
import time
from urllib.parse import urlsplit

from payments import signatures
from payments.simulator.ledger import Ledger

TIMEOUT_SECONDS = 5
LONGEST_DELAY_SECONDS = 300
MOST_ATTEMPTS = 30
BATCH = 100


class Sender(threading.Thread):
    """Delivers due webhooks, one after another, until ``stop`` is set. What was not taken comes again, ever later."""

    def __init__(self, ledger: Ledger, *, url: str, secret: str, stop: threading.Event, shuffle: bool = False) -> None:
        super().__init__(name="webhooks", daemon=True)
        self._ledger = ledger
        self._url = urlsplit(url)
        self._secret = secret
        self._stopping = stop
        self._shuffle = shuffle

    def run(self) -> None:
        """Deliver what is due, then wait for news or for the next one to be due."""
        while not self._stopping.is_set():
            self._ledger.news.clear()
            due = self._due()
            for number, body in due:
                if not self._stopping.is_set():
                    self._settle(number, taken=self._deliver(body))
            if not due:
                self._ledger.news.wait(self._pause())

    def _due(self) -> list[tuple[int, bytes]]:
        with self._ledger.transaction() as books:
            rows = books.execute(
                "SELECT number, body FROM webhooks WHERE due_at <= ? ORDER BY number LIMIT ?", (time.time(), BATCH)
            ).fetchall()
        if self._shuffle:
            random.shuffle(rows)
        return [(row["number"], row["body"].encode()) for row in rows]

    def _deliver(self, body: bytes) -> bool:
        """Whether the shop took it."""
        kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._url.hostname or "", self._url.port, timeout=TIMEOUT_SECONDS)
        headers = {
            "Content-Type": "application/json",
            signatures.HEADER: signatures.sign(secret=self._secret, body=body, at=int(time.time())),
        }
        try:
            connection.request("POST", self._url.path, body, headers)
            return connection.getresponse().status < http.HTTPStatus.MULTIPLE_CHOICES
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _settle(self, number: int, *, taken: bool) -> None:
        with self._ledger.transaction() as books:
            if taken:
                books.execute("UPDATE webhooks SET due_at = NULL, attempts = attempts + 1 WHERE number = ?", (number,))
                return
            row = books.execute("SELECT attempts FROM webhooks WHERE number = ?", (number,)).fetchone()
            attempts = row["attempts"] + 1
            again = time.time() + min(0.25 * 2**attempts, LONGEST_DELAY_SECONDS)
            due_at = again if attempts < MOST_ATTEMPTS else None
            books.execute("UPDATE webhooks SET due_at = ?, attempts = ? WHERE number = ?", (due_at, attempts, number))

    def _pause(self) -> float:
        """Seconds until the next webhook is due, a minute when none is waiting."""
        with self._ledger.transaction() as books:
            (earliest,) = books.execute("SELECT min(due_at) FROM webhooks").fetchone()
        return 60.0 if earliest is None else min(max(earliest - time.time(), 0.0), 60.0)
