"""Housekeeping of what no domain owns."""

from celery import shared_task

from core.jobs import run_job


@shared_task
def forget_old_claims() -> bool:
    """Remove idempotency claims past their replay, and events and marks past their retention, one process at a time."""
    return run_job("forget old claims", "core.services.forget_old")
