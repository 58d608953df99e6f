"""Who listens to what: the one table of event wiring, and the jobs that the relay's process runs beside it."""

from core.types import Job, Subscriber

SUBSCRIBERS: dict[str, tuple[Subscriber, ...]] = {
    "payment.authorised": (Subscriber("orders", "orders.handlers.payment_authorised"),),
    "payment.declined": (Subscriber("orders", "orders.handlers.payment_declined"),),
    "payment.captured": (Subscriber("orders", "orders.handlers.payment_captured"),),
    "payment.capture_refused": (Subscriber("orders", "orders.handlers.payment_capture_refused"),),
    "payment.voided": (Subscriber("orders", "orders.handlers.payment_voided"),),
    "payment.refunded": (Subscriber("orders", "orders.handlers.payment_refunded"),),
}

# Settling and expiry go on when Celery's broker is away; an advisory lock keeps beat and relay from doing one at once.
JOBS: tuple[Job, ...] = (
    Job("payment work", "payments.services.do_payment_work", 1.0),
    Job("settle payments", "orders.services.settle_payments", 10.0),
    Job("release expired holds", "inventory.services.release_expired", 60.0),
)
