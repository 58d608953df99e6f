"""What the worker does for orders."""

from celery import shared_task

from core.jobs import run_job


@shared_task
def settle_payments() -> bool:
    """Settle what is left open, unless another process is at it."""
    return run_job("settle payments", "orders.services.settle_payments")


@shared_task
def reconcile_payments() -> bool:
    """Compare orders, payments and the provider's list, every night, unless another process is at it."""
    return run_job("reconcile payments", "orders.reconciling.reconcile_recent")
