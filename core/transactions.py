"""Guards that make a boundary show: what must run inside a database transaction, and what must not."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import OperationalError, connection, transaction
from django.utils.translation import gettext as _

from core.errors import Unavailable

# What PostgreSQL says of a lock that was not to be had in time, and of a deadlock it broke.
_LOCK_TROUBLE = ("55P03", "40P01")


def _nothing() -> None:
    pass


_ride: ContextVar[tuple[Callable[[], None], Callable[[], None]]] = ContextVar("ride", default=(_nothing, _nothing))


def require_transaction(what: str) -> None:
    """Raise RuntimeError unless a transaction is open: ``what`` must stand or fall with its caller's writes."""
    if not connection.in_atomic_block:
        raise RuntimeError(f"{what} must run inside its caller's transaction")


def refuse_transaction(what: str) -> None:
    """Raise RuntimeError inside a transaction: ``what`` waits for the network, and would hold locks meanwhile."""
    if connection.in_atomic_block:
        raise RuntimeError(f"{what} waits for the network and must not run inside a transaction")


@contextmanager
def riding_along(*, first: Callable[[], None], last: Callable[[], None]) -> Iterator[None]:
    """Inside the block, every unit of work of this thread begins with ``first`` and ends, before its commit, with ``last``."""
    token = _ride.set((first, last))
    try:
        yield
    finally:
        _ride.reset(token)


@contextmanager
def unit_of_work() -> Iterator[None]:
    """A service's own transaction, never part of another. Raises Unavailable where a lock could not be had in time."""
    first, last = _ride.get()
    try:
        with transaction.atomic(durable=True):
            first()
            yield
            last()
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) not in _LOCK_TROUBLE:
            raise
        raise Unavailable(
            _("Many want the same thing right now. Nothing was changed: try again."), retry_after=1
        ) from error
