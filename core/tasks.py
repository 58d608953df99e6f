"""Housekeeping of what no domain owns."""

from celery import shared_task

from core import services
from core.clock import now


@shared_task
def forget_old_claims() -> int:
    """Remove idempotency claims past their replay, and events and marks past their retention; how many rows."""
    return services.forget_old(now=now())
