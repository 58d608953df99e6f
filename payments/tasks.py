"""What Celery does about payments; the relay's loop does the same when the broker is away."""

from celery import shared_task

from core.clock import now
from payments import services


@shared_task
def do_payment_work() -> int:
    """Capture, void and refund what is due; how many were done."""
    return services.do_payment_work(now=now()).done
