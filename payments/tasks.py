"""What Celery does about payments; the relay's loop does the same when the broker is away."""

from celery import shared_task

from core.jobs import run_job


@shared_task
def do_payment_work() -> bool:
    """Capture, void and refund what is due, unless another process is at it."""
    return run_job("payment work", "payments.services.do_payment_work")
