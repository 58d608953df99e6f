"""The simulated provider's books: one SQLite file, every change one transaction, a webhook row with each."""

import hashlib
import json
import secrets
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ACTION_REQUIRED, AUTHORISED, CAPTURED = "action_required", "authorised", "captured"
DECLINED, VOIDED = "declined", "voided"
# What a card does when it is charged: the state it leads to and why.
CARDS: dict[str, tuple[str, str]] = {
    "pm_card_visa": (AUTHORISED, ""),
    "pm_card_slow": (AUTHORISED, ""),
    "pm_card_timeout_after": (AUTHORISED, ""),
    "pm_card_timeout_before": (AUTHORISED, ""),
    "pm_card_declined": (DECLINED, "card_declined"),
    "pm_card_insufficient_funds": (DECLINED, "insufficient_funds"),
    "pm_card_authentication_required": (ACTION_REQUIRED, ""),
    # Beyond the documented ones: a yes that turns into a no when the money is fetched, or given back.
    "pm_card_capture_refused": (AUTHORISED, ""),
    "pm_card_refund_refused": (AUTHORISED, ""),
}
_SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    number INTEGER PRIMARY KEY, key TEXT UNIQUE NOT NULL, id TEXT UNIQUE NOT NULL, fingerprint TEXT NOT NULL,
    reference TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount >= 0), currency TEXT NOT NULL, method TEXT NOT NULL,
    state TEXT NOT NULL, failure_code TEXT NOT NULL DEFAULT '', return_url TEXT NOT NULL DEFAULT '',
    challenge TEXT NOT NULL, captured INTEGER NOT NULL DEFAULT 0, refunded INTEGER NOT NULL DEFAULT 0,
    made_at REAL NOT NULL DEFAULT 0,
    CHECK (refunded >= 0 AND refunded <= captured AND captured <= amount));
CREATE UNIQUE INDEX IF NOT EXISTS payments_challenge ON payments (challenge);
CREATE TABLE IF NOT EXISTS refunds (
    key TEXT PRIMARY KEY, id TEXT UNIQUE NOT NULL, payment_key TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0),
    currency TEXT NOT NULL, status TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS webhooks (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, type TEXT NOT NULL, body TEXT NOT NULL, due_at REAL,
    attempts INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS webhooks_due ON webhooks (due_at) WHERE due_at IS NOT NULL;
"""


class Refused(Exception):
    """The answer is no; ``status`` and ``code`` are what the shop is told."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


class Ledger:
    """Payments, refunds and the webhooks about them. Safe to use from many threads, and to be killed at any moment."""

    def __init__(self, path: Path, *, address: str, webhook_delay: float = 0.0, webhook_copies: int = 1) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._address = address
        self._delay = webhook_delay
        self._copies = webhook_copies
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._database.row_factory = sqlite3.Row
        self._database.execute("PRAGMA journal_mode = WAL")
        # A killed process loses nothing this way; a power cut may lose the last moments of a simulation.
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(_SCHEMA)
        self._mend_old_books()
        self.news = threading.Event()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One change of the books, all or nothing, one at a time."""
        with self._lock:
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
            except BaseException:
                self._database.execute("ROLLBACK")
                raise
            self._database.execute("COMMIT")

    def authorise(self, key: str, order: dict[str, Any]) -> dict[str, Any]:
        """A new payment, or the one of ``key`` as it is now. Refuses a key that came with another order."""
        fingerprint = hashlib.sha256(json.dumps(order, sort_keys=True).encode()).hexdigest()
        with self.transaction() as books:
            row = self._find(books, key)
            if row is not None:
                if row["fingerprint"] not in ("", fingerprint):
                    raise Refused(422, "key_reused", "This key came with another payment before.")
                return self._shown(row)
            state, failure = CARDS.get(order["method"], (DECLINED, "invalid_method"))
            self._insert(books, key, order, state=state, failure=failure, fingerprint=fingerprint)
            return self._told(books, key, f"payment.{state}")

    def find(self, key: str) -> dict[str, Any] | None:
        """The payment of ``key``."""
        with self.transaction() as books:
            row = self._find(books, key)
            return None if row is None else self._shown(row)

    def listed(self, *, after: int, limit: int, since: float = 0.0) -> list[dict[str, Any]]:
        """Payments made at ``since`` (seconds since 1970) or later, in the order they were made, from number ``after`` on."""
        with self.transaction() as books:
            rows = books.execute(
                "SELECT * FROM payments WHERE number > ? AND (made_at >= ? OR made_at = 0) ORDER BY number LIMIT ?",
                (after, since, limit),
            )
            return [{**self._shown(row), "number": row["number"]} for row in rows.fetchall()]

    def capture(self, key: str, *, amount: int, currency: str) -> dict[str, Any]:
        """Take the whole amount. Refuses what is not authorised, or another amount."""
        with self.transaction() as books:
            row = self._known(books, key)
            if (row["amount"], row["currency"]) != (amount, currency):
                raise Refused(422, "amount_differs", "Another amount was authorised.")
            if row["state"] == CAPTURED:
                return self._shown(row)
            if row["state"] != AUTHORISED or row["method"] == "pm_card_capture_refused":
                raise Refused(409, "capture_refused", f"This payment is {row['state']} and can not be captured.")
            books.execute("UPDATE payments SET state = ?, captured = amount WHERE key = ?", (CAPTURED, key))
            return self._told(books, key, "payment.captured")

    def void(self, key: str, order: dict[str, Any]) -> dict[str, Any]:
        """Give the payment up. An unknown key is noted, so that an authorisation still on its way finds it given up."""
        with self.transaction() as books:
            row = self._find(books, key)
            if row is None:
                order = {**order, "method": "", "return_url": ""}
                self._insert(books, key, order, state=VOIDED, failure="cancelled", fingerprint="")
                return self._told(books, key, "payment.voided")
            if row["state"] not in (AUTHORISED, ACTION_REQUIRED):
                return self._shown(row)
            books.execute("UPDATE payments SET state = ?, failure_code = 'cancelled' WHERE key = ?", (VOIDED, key))
            return self._told(books, key, "payment.voided")

    def refund(self, key: str, *, refund_key: str, amount: int, currency: str) -> dict[str, Any]:
        """Give back a part, or the refund of ``refund_key`` as it is. Never more than was captured."""
        with self.transaction() as books:
            row = self._known(books, key)
            known = books.execute("SELECT * FROM refunds WHERE key = ?", (refund_key,)).fetchone()
            if known is not None:
                if (known["payment_key"], known["amount"], known["currency"]) != (key, amount, currency):
                    raise Refused(422, "key_reused", "This key came with another refund before.")
                return dict(known)
            if row["method"] == "pm_card_refund_refused":
                raise Refused(409, "refund_refused", "The card's bank takes nothing back.")
            if currency != row["currency"] or not 0 < amount <= row["captured"] - row["refunded"]:
                raise Refused(409, "refund_exceeds_captured", "More would go back than was taken.")
            books.execute("UPDATE payments SET refunded = refunded + ? WHERE key = ?", (amount, key))
            books.execute(
                "INSERT INTO refunds (key, id, payment_key, amount, currency, status) VALUES (?, ?, ?, ?, ?, 'succeeded')",
                (refund_key, f"re_{secrets.token_hex(12)}", key, amount, currency),
            )
            made = dict(books.execute("SELECT * FROM refunds WHERE key = ?", (refund_key,)).fetchone())
            self._told(books, key, "payment.refunded", refund=made)
            return made

    def challenged(self, challenge: str) -> dict[str, Any] | None:
        """The payment that waits for its shopper behind ``challenge``, with where to send them afterwards."""
        with self.transaction() as books:
            row = books.execute("SELECT * FROM payments WHERE challenge = ?", (challenge,)).fetchone()
            return None if row is None else {**self._shown(row), "return_url": row["return_url"]}

    def decide(self, challenge: str, *, approved: bool) -> dict[str, Any] | None:
        """The shopper's answer to a challenge; the first one counts. None for an unknown challenge."""
        with self.transaction() as books:
            row = books.execute("SELECT * FROM payments WHERE challenge = ?", (challenge,)).fetchone()
            if row is None:
                return None
            if row["state"] == ACTION_REQUIRED:
                state, failure = (AUTHORISED, "") if approved else (DECLINED, "authentication_failed")
                books.execute(
                    "UPDATE payments SET state = ?, failure_code = ? WHERE key = ?", (state, failure, row["key"])
                )
                self._told(books, row["key"], f"payment.{state}")
            return {"return_url": row["return_url"]}

    def _mend_old_books(self) -> None:
        """Books kept before payments were dated: theirs are listed whatever is asked for."""
        known = {row["name"] for row in self._database.execute("PRAGMA table_info(payments)")}
        if "made_at" not in known:
            self._database.execute("ALTER TABLE payments ADD COLUMN made_at REAL NOT NULL DEFAULT 0")

    def _find(self, books: sqlite3.Connection, key: str) -> sqlite3.Row | None:
        found: sqlite3.Row | None = books.execute("SELECT * FROM payments WHERE key = ?", (key,)).fetchone()
        return found

    def _known(self, books: sqlite3.Connection, key: str) -> sqlite3.Row:
        row = self._find(books, key)
        if row is None:
            raise Refused(404, "not_found", "There is no such payment.")
        return row

    def _insert(
        self, books: sqlite3.Connection, key: str, order: dict[str, Any], *, state: str, failure: str, fingerprint: str
    ) -> None:
        books.execute(
            "INSERT INTO payments (key, id, fingerprint, reference, amount, currency, method, state, failure_code,"
            " return_url, challenge, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key,
                f"sim_{secrets.token_hex(12)}",
                fingerprint,
                order["reference"],
                order["amount"],
                order["currency"],
                order["method"],
                state,
                failure,
                order["return_url"],
                secrets.token_urlsafe(24),
                time.time(),
            ),
        )

    def _told(
        self, books: sqlite3.Connection, key: str, kind: str, refund: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """The payment as it is after a change, and a webhook about it, which stands or falls with the change."""
        shown = self._shown(self._known(books, key))
        event = {"id": f"evt_{uuid.uuid4().hex}", "type": kind, "payment": shown, "refund": refund}
        for _copy in range(self._copies):
            books.execute(
                "INSERT INTO webhooks (id, type, body, due_at) VALUES (?, ?, ?, ?)",
                (event["id"], kind, json.dumps(event), time.time() + self._delay),
            )
        self.news.set()
        return shown

    def _shown(self, row: sqlite3.Row) -> dict[str, Any]:
        waits = row["state"] == ACTION_REQUIRED
        return {
            "key": row["key"],
            "id": row["id"],
            "reference": row["reference"],
            "amount": row["amount"],
            "currency": row["currency"],
            "state": row["state"],
            "failure_code": row["failure_code"],
            "next_action_url": f"{self._address}/challenge/{row['challenge']}" if waits else "",
            "captured": row["captured"],
            "refunded": row["refunded"],
        }
