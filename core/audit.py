"""The audit log: who changed stock, money or access, and how. Never personal data: ids and figures only."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from core.models import AuditLog
from core.transactions import require_transaction


def note(
    *,
    action: str,
    object_type: str,
    object_id: int,
    data: Mapping[str, Any] | None = None,
    actor_id: int | None = None,
    now: datetime,
) -> None:
    """Write down what was done to a row, and by whom; ``actor_id`` is None for the clock and for commands.

    Raises RuntimeError outside a transaction: the row stands or falls with what it tells of.
    """
    require_transaction("core.audit.note")
    AuditLog.objects.create(
        at=now,
        actor_id=actor_id,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        data=dict(data or {}),
    )


def insertion(*, source: str) -> str:
    """The INSERT of a row, for a writer that makes it a part of the one statement that does what it tells of.

    It tells of the row whose ``id`` the CTE ``source`` returns; the parameters are those of `insertion_parameters`.
    """
    return f"""
        INSERT INTO core_auditlog (at, actor_id, action, object_type, object_id, data)
        SELECT %(audit_at)s, %(audit_actor)s, %(audit_action)s, %(audit_type)s, id::text, %(audit_data)s FROM {source}
    """  # noqa: S608 - made of constants


def insertion_parameters(
    *, action: str, object_type: str, data: Mapping[str, Any], actor_id: int | None = None, now: datetime
) -> dict[str, Any]:
    """What the statement of `insertion` needs, under the rules of `note`."""
    require_transaction("core.audit.insertion_parameters")
    return {
        "audit_at": now,
        "audit_actor": actor_id,
        "audit_action": action,
        "audit_type": object_type,
        "audit_data": Jsonb(dict(data)),
    }
