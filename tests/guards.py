"""Watches every statement a test sends: stock, money and orders are written under their lock, and locks taken in order."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

# Rule 3 of the design: locks are taken in this order, none out of turn.
LOCK_ORDER = (
    "core_idempotencyclaim",
    "cart_cart",
    "orders_order",
    "payments_payment",
    "orders_shipment",
    "orders_return",
    "inventory_inventory",
    "inventory_reservation",
    "search_searchdocument",
)
# Writing to the first needs a lock on the second.
GUARDED = {
    "orders_order": "orders_order",
    "payments_payment": "payments_payment",
    "inventory_inventory": "inventory_inventory",
    "inventory_reservation": "inventory_inventory",
}
_TABLE = "|".join(LOCK_ORDER)
_WRITE = re.compile(rf'\b(?:UPDATE|DELETE FROM)\s+(?:ONLY\s+)?"?({_TABLE})"?\b', re.IGNORECASE)
_INSERT = re.compile(rf'\bINSERT INTO\s+"?({_TABLE})"?\b', re.IGNORECASE)
_LOCK = re.compile(
    r"\bFOR (?:NO KEY )?UPDATE\b(?:\s+OF\s+([\w\",\s]+?))?(?=\s*(?:\)|$|NOWAIT|SKIP|LIMIT|;))", re.IGNORECASE
)
_NAMED = re.compile(rf"\b({_TABLE})\b", re.IGNORECASE)
_TESTS = str(Path(__file__).resolve().parent)
_OURS = str(Path(__file__).resolve().parent.parent)
_ELSEWHERE = (f"{_OURS}/.venv", f"{_OURS}/.local")


class LockGuard:
    """Collects breaches of the lock rules of every connection of this process."""

    def __init__(self) -> None:
        self.breaches: list[str] = []
        self._state: dict[int, tuple[object, set[str], set[str]]] = {}

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        connection = context["connection"]
        if _NAMED.search(str(sql)) and not _written_by_a_test():
            self._check(connection, str(sql))
        return execute(sql, params, many, context)

    def _check(self, connection: BaseDatabaseWrapper, sql: str) -> None:
        locked, inserted = self._transaction(connection)
        for table in _locked_tables(sql):
            self._note_order(table, locked, sql)
            locked.add(table)
        inserted.update(match.lower() for match in _INSERT.findall(sql))
        for table in {match.lower() for match in _WRITE.findall(sql)}:
            needed = GUARDED.get(table)
            if needed and needed not in locked and table not in inserted:
                self.breaches.append(f"{table} written without a lock on {needed}: {sql[:200]}")

    def _note_order(self, table: str, locked: set[str], sql: str) -> None:
        rank = LOCK_ORDER.index(table)
        late = [other for other in locked if LOCK_ORDER.index(other) > rank]
        if late and table not in locked:
            self.breaches.append(f"{table} locked after {', '.join(sorted(late))}: {sql[:200]}")

    def _transaction(self, connection: BaseDatabaseWrapper) -> tuple[set[str], set[str]]:
        """The tables locked and filled so far in the transaction now open; forgotten when another one begins."""
        blocks = [block for block in connection.atomic_blocks if not getattr(block, "_from_testcase", False)]
        # The block itself, not its id: that of a finished one is soon another's.
        block = blocks[0] if blocks else None
        state = self._state.get(id(connection))
        if state is None or state[0] is not block or block is None:
            state = (block, set(), set())
            self._state[id(connection)] = state
        return state[1], state[2]

    def attach(self, connection: BaseDatabaseWrapper, **_: Any) -> None:
        """Watch ``connection``."""
        if self not in connection.execute_wrappers:
            connection.execute_wrappers.append(self)


def _locked_tables(sql: str) -> list[str]:
    tables: set[str] = set()
    for match in _LOCK.finditer(sql):
        tables.update(name.lower() for name in _NAMED.findall(match.group(1) or sql))
    return sorted(tables, key=LOCK_ORDER.index)


def _written_by_a_test() -> bool:
    """Whether the nearest frame of this project is a test's: arranging rows by hand is what tests do."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_OURS) and not name.startswith(_ELSEWHERE) and name != __file__:
            return name.startswith(_TESTS)
        frame = frame.f_back
    return False


@contextmanager
def watched_locks() -> Iterator[LockGuard]:
    """Watch every connection of this process, those that threads open later too."""
    guard = LockGuard()

    def on_connect(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
        guard.attach(connection)

    connection_created.connect(on_connect, weak=False)
    for connection in connections.all(initialized_only=True):
        guard.attach(connection)
    try:
        yield guard
    finally:
        connection_created.disconnect(on_connect)
        for connection in connections.all(initialized_only=True):
            if guard in connection.execute_wrappers:
                connection.execute_wrappers.remove(guard)
