"""What the worker does for orders."""

from celery import shared_task

from core.jobs import run_job


@shared_task
def settle_payments() -> bool:
    """Settle what is left open, unless another process is at it."""
    return run_job("settle payments", "orders.services.settle_payments")
