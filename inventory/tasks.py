"""What Celery's beat asks of the stock."""

from celery import shared_task

from core.clock import now
from core.jobs import run_job
from inventory import services


@shared_task(name="inventory.tasks.release_expired")
def release_expired() -> None:
    """Give lapsed holds back, every minute; the relay's process does the same, never both at once."""
    run_job("release expired holds", "inventory.services.release_expired")


@shared_task(name="inventory.tasks.check_inventory")
def check_inventory() -> None:
    """Prove the stock, every hour."""
    services.check_inventory(now=now())
