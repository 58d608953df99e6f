"""Figures of orders, under the names of the seed's observability chapter."""

from prometheus_client import Counter, Gauge, Histogram

ORDERS = Counter("orders_total", "Checkouts by how they ended", ["status"])
ORDER_VALUE = Histogram("order_value_dollars", "Value of paid orders", buckets=(10, 25, 50, 100, 250, 500, 1000, 2500))
DIFFERENCES = Gauge(
    "payments_reconcile_differences",
    "Where orders, payments and the provider's list disagreed when they were last compared",
    multiprocess_mode="mostrecent",
)
