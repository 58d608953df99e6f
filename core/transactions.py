"""Guards that make a boundary show: what must run inside a database transaction, and what must not."""

from django.db import connection


def require_transaction(what: str) -> None:
    """Raise RuntimeError unless a transaction is open: ``what`` must stand or fall with its caller's writes."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"{what} must run inside its caller's transaction")


def refuse_transaction(what: str) -> None:
    """Raise RuntimeError inside a transaction: ``what`` waits for the network, and would hold locks meanwhile."""
    if connection.in_atomic_block:
        raise RuntimeError(f"{what} waits for the network and must not run inside a transaction")
