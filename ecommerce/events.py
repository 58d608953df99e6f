"""Who listens to what: the one table of event wiring, and the jobs that the relay's process runs beside it."""

from core.types import Job, Subscriber

_FOLLOW = (Subscriber("orders", "orders.handlers.follow_payment"),)

_SEARCH_PRODUCTS = (Subscriber("search", "search.handlers.products_changed", together=500, at_once=True),)

SUBSCRIBERS: dict[str, tuple[Subscriber, ...]] = {
    "cart.changed": (Subscriber("carts", "cart.handlers.forget_cached", together=100),),
    "product.changed": _SEARCH_PRODUCTS,
    "catalog.part_changed": (Subscriber("search", "search.handlers.part_changed"),),
    "inventory.availability_changed": _SEARCH_PRODUCTS,
    "order.paid": (Subscriber("search", "search.handlers.order_paid"),),
    "payment.authorised": _FOLLOW,
    "payment.declined": _FOLLOW,
    "payment.captured": _FOLLOW,
    "payment.voided": _FOLLOW,
    "payment.refunded": _FOLLOW,
    "payment.capture_refused": (Subscriber("orders", "orders.handlers.payment_capture_refused"),),
}

# Settling and expiry go on when Celery's broker is away; an advisory lock keeps beat and relay from doing one at once. Lanes are
# what waits together: an Elasticsearch that takes requests and never answers must hold up neither captures nor documents.
JOBS: tuple[Job, ...] = (
    Job("payment work", "payments.services.do_payment_work", 1.0),
    Job("settle payments", "orders.services.settle_payments", 10.0),
    Job("send search documents", "search.copying.follow_documents", 0.5, lane="index"),
    Job("learn words", "search.services.learn_when_due", 30.0, lane="words"),
    Job("rebuild search documents", "search.services.follow_changes", 0.0, lane="documents"),
    Job("keep the search log", "search.log_services.keep_partitions", 3600.0, lane="search log"),
    Job("count popular queries", "search.log_services.count_popular", 3600.0, lane="search log"),
    Job("release expired holds", "inventory.services.release_expired", 60.0),
)
