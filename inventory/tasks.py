"""What Celery's beat asks of the stock."""

from celery import shared_task

from core.jobs import run_job


@shared_task(name="inventory.tasks.release_expired")
def release_expired() -> bool:
    """Give lapsed holds back, every minute; the relay's process does the same, never both at once."""
    return run_job("release expired holds", "inventory.services.release_expired")


@shared_task(name="inventory.tasks.check_inventory")
def check_inventory() -> bool:
    """Prove the stock, every hour, one process at a time."""
    return run_job("prove the stock", "inventory.services.check_inventory")
