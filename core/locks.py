"""Advisory locks: one process at a time does a job, without a row to hold."""

import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import psycopg
from django.db import connection

# The first of PostgreSQL's two lock numbers, so that ours never meet those of another program in the same database.
JOBS, BUCKETS = 0x5A01, 0x5A02


@contextmanager
def advisory(name: str) -> Iterator[bool]:
    """Whether the caller got the job ``name`` for itself until the end of the block; it never waits for the lock.

    The lock has a connection of its own, for a job closes the other one while it waits for the network. Raises psycopg.Error
    when PostgreSQL is away.
    """
    with psycopg.connect(**{**connection.get_connection_params(), "autocommit": True}) as session:
        row = session.execute(
            "SELECT pg_try_advisory_lock(%s, %s)", [JOBS, zlib.crc32(name.encode()) - 2**31]
        ).fetchone()
        yield bool(row and row[0])


def bucket_for_itself(bucket: int) -> AbstractContextManager[bool]:
    """Whether this process got a bucket of the outbox for itself until the end of the block; it never waits."""
    return _try_lock(BUCKETS, bucket)


@contextmanager
def _try_lock(space: int, number: int) -> Iterator[bool]:
    """The lock is the session's: it ends with the connection, so a killed process leaves none behind."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [space, number])
        (got,) = cursor.fetchone() or (False,)
    try:
        yield bool(got)
    finally:
        # A connection that broke meanwhile has let the lock go by itself.
        if got and connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [space, number])
