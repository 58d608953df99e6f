"""A running shop and the flush that ends a test of `django_db(transaction=True)`, on one database."""

from contextlib import suppress

from django.db import ProgrammingError, connection


def win_deadlocks() -> None:
    """Have the shop's processes give way where this connection, on which everything is flushed next, meets one of theirs.

    They read tables in another order than the flush locks them. Who waits the longest before looking for a deadlock is not the
    one that ends it, and the relay tries again.
    """
    with (
        suppress(ProgrammingError),
        connection.cursor() as cursor,
    ):  # on a server where this is not allowed it is left to luck
        cursor.execute("SET deadlock_timeout = '25s'")
        cursor.execute("SET lock_timeout = '20s'")


def win_no_more() -> None:
    """Forget it, when the shop is gone: later tests may want to see their own deadlocks and waits."""
    connection.close()
