"""Indexes, uniqueness and foreign keys set aside while many rows are written, and put back as they were.

Made once at the end, an index takes a fraction of what it takes row by row. All of it happens in the caller's transaction:
whatever goes wrong, the tables are as they were.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import connection

from core.transactions import require_transaction

# What is left in its place: primary keys, which foreign keys of other tables rest on and which cost little where ids only rise;
# and whatever has more to it than its definition says (a comment, a tablespace, a part in clustering or replication).
_PLAIN = """
    r.reltablespace = 0 AND i.indisvalid AND NOT i.indisclustered AND NOT i.indisreplident
    AND obj_description(r.oid, 'pg_class') IS NULL
    AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attstattarget >= 0)
"""
_FOUND = f"""
    SELECT c.conrelid::regclass::text, c.conname,
        format('ALTER TABLE %%s DROP CONSTRAINT %%I', c.conrelid::regclass, c.conname),
        format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)),
        c.contype = 'f'
    FROM pg_constraint c LEFT JOIN pg_class r ON r.oid = c.conindid LEFT JOIN pg_index i ON i.indexrelid = c.conindid
    WHERE c.conrelid = ANY(%(tables)s::regclass[]) AND obj_description(c.oid, 'pg_constraint') IS NULL
        AND (c.contype = 'f' OR (c.contype = 'u' AND {_PLAIN}
            AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conindid = c.conindid AND f.contype = 'f')))
    UNION ALL
    SELECT i.indrelid::regclass::text, r.relname,
        format('DROP INDEX %%s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid), FALSE
    FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid
    WHERE i.indrelid = ANY(%(tables)s::regclass[]) AND {_PLAIN}
        AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
    ORDER BY 5, 1, 2
"""  # noqa: S608 - made of constants
_NEIGHBOURS = """
    SELECT DISTINCT t::regclass::text FROM unnest(%(tables)s::regclass[]) t
    UNION SELECT confrelid::regclass::text FROM pg_constraint WHERE conrelid = ANY(%(tables)s::regclass[]) AND contype = 'f'
    ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """An index or a constraint of ``table``, and the statement that makes it."""

    table: str
    name: str
    statement: str


def hold_tables(tables: Sequence[str]) -> None:
    """Keep everybody else from reading or writing ``tables``, and what they refer to, until the transaction ends.

    Raises OperationalError where others do not let go of them within the lock time-out.
    """
    require_transaction("core.indexes.hold_tables")
    with connection.cursor() as cursor:
        cursor.execute(_NEIGHBOURS, {"tables": list(tables)})
        # In the order of their names: two who did this at once would wait, and not block each other.
        names = ", ".join(name for (name,) in cursor.fetchall())
        cursor.execute(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")


def set_aside(tables: Sequence[str]) -> tuple[Piece, ...]:
    """Drop the indexes and foreign keys of ``tables``; what `put_back` needs to make them again. Hold the tables first."""
    require_transaction("core.indexes.set_aside")
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, {"tables": list(tables)})
        found = cursor.fetchall()
        # Foreign keys, which come last, go first.
        for _table, _name, drop, _make, _is_foreign in reversed(found):
            cursor.execute(drop)
    return tuple(Piece(table, name, make) for table, name, _drop, make, _is_foreign in found)


def put_back(pieces: Sequence[Piece], *, advance: Callable[[Piece], None]) -> None:
    """Make again what `set_aside` dropped; ``advance`` is told of each piece before it is made.

    Raises IntegrityError where the rows do not allow it.
    """
    require_transaction("core.indexes.put_back")
    with connection.cursor() as cursor:
        for piece in pieces:
            advance(piece)
            cursor.execute(piece.statement)
