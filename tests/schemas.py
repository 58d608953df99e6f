"""What is defined on tables, to compare before and after."""

from collections.abc import Sequence

from django.db import connection

_DESCRIBED = """
    SELECT r.relname, pg_get_indexdef(i.indexrelid), i.indisvalid, coalesce(obj_description(r.oid, 'pg_class'), '')
    FROM pg_index i JOIN pg_class r ON r.oid = i.indexrelid WHERE i.indrelid = ANY(%(tables)s::regclass[])
    UNION ALL
    SELECT conname, pg_get_constraintdef(oid), convalidated, contype::text
    FROM pg_constraint WHERE conrelid = ANY(%(tables)s::regclass[])
    UNION ALL
    SELECT tgname, pg_get_triggerdef(oid), tgdeferrable, tgenabled::text
    FROM pg_trigger WHERE tgrelid = ANY(%(tables)s::regclass[]) AND NOT tgisinternal
    ORDER BY 1, 2
"""


def schema_of(tables: Sequence[str]) -> list[tuple[object, ...]]:
    """Everything that is defined on ``tables`` beside their columns."""
    with connection.cursor() as cursor:
        cursor.execute(_DESCRIBED, {"tables": list(tables)})
        return list(cursor.fetchall())
