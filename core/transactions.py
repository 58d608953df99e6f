"""Guards that make a boundary show: what must run inside a database transaction, and what must not."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from core.errors import Unavailable

# What PostgreSQL says of a lock that was not to be had in time, and of a deadlock it broke.
_LOCK_TROUBLE = ("55P03", "40P01")


def require_transaction(what: str) -> None:
    """Raise RuntimeError unless a transaction is open: ``what`` must stand or fall with its caller's writes."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"{what} must run inside its caller's transaction")


def refuse_transaction(what: str) -> None:
    """Raise RuntimeError inside a transaction: ``what`` waits for the network, and would hold locks meanwhile."""
    if connection.in_atomic_block:
        raise RuntimeError(f"{what} waits for the network and must not run inside a transaction")


@contextmanager
def unit_of_work() -> Iterator[None]:
    """A service's own transaction, never part of another. Raises Unavailable where a lock could not be had in time."""
    try:
        with transaction.atomic(durable=True):
            yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in _LOCK_TROUBLE:
            raise
        raise Unavailable(
            _("Many want the same thing right now. Nothing was changed: try again."), retry_after=1
        ) from error
