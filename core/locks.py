"""Advisory locks: one process at a time does a job, without a row to hold."""

import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

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


@contextmanager
def buckets_for_itself(buckets: Sequence[int]) -> Iterator[list[int]]:
    """Those of ``buckets`` of the outbox that this process got for itself until the end of the block; it never waits.

    The locks are the session's: they end with the connection, so a killed process leaves none behind.
    """
    with connection.cursor() as cursor:
        # MATERIALIZED: each is tried exactly once, whatever the planner would rather do.
        cursor.execute(
            """
            WITH tried AS MATERIALIZED (
                SELECT bucket, pg_try_advisory_lock(%s, bucket) AS got FROM unnest(%s::int[]) AS bucket
            )
            SELECT bucket FROM tried WHERE got
            """,
            [BUCKETS, list(buckets)],
        )
        mine = [row[0] for row in cursor.fetchall()]
    try:
        yield mine
    finally:
        # A connection that broke meanwhile has let the locks go by itself.
        if mine and connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_advisory_unlock(%s, bucket) FROM unnest(%s::int[]) AS bucket", [BUCKETS, mine]
                )
