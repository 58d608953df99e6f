"""What is counted about searches."""

from prometheus_client import Counter, Gauge, Histogram

# As a dashboard wants them: the higher, the worse.
STATES = {"closed": 0, "half_open": 1, "open": 2}
LATENCY = Histogram(
    "search_latency_seconds",
    "What answering a search takes",
    ["query_type", "engine"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
)
BREAKER_STATE = Gauge(
    "circuit_breaker_state",
    "0 closed, 1 half open, 2 open",
    ["service"],
    multiprocess_mode="mostrecent",
)
FALLBACKS = Counter("search_fallbacks_total", "Searches that another engine than Elasticsearch answered", ["reason"])
