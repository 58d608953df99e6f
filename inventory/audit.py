"""Rows of the audit log about stock, beside what the ledger says."""

from collections.abc import Mapping
from datetime import datetime

from core.models import AuditLog


def note(
    *,
    action: str,
    object_type: str = "inventory",
    object_id: int,
    data: Mapping[str, int] | None = None,
    actor_id: int | None = None,
    now: datetime,
) -> None:
    """Write down what was done to a row, and by whom; ``actor_id`` is None for the clock and for commands."""
    AuditLog.objects.create(
        at=now,
        actor_id=actor_id,
        action=action,
        object_type=object_type,
        object_id=str(object_id),
        data=dict(data or {}),
    )
