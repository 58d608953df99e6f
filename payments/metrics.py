"""What is counted about payments."""

from prometheus_client import Counter, Histogram

PROVIDER_SECONDS = Histogram(
    "payment_provider_seconds", "Calls to the payment provider, by how they ended", ["call", "outcome"]
)
WEBHOOKS = Counter("payment_webhooks_total", "Webhooks of the payment provider, by what became of them", ["result"])
WORK = Counter("payment_work_total", "Captures, voids and refunds, by how the attempt ended", ["kind", "result"])
