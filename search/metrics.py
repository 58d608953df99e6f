"""What is counted about searches."""

from django.conf import settings
from django.db.models import F
from prometheus_client import Counter, Gauge, Histogram

from search.models import SearchDocument, SearchWork

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
LOG_DROPPED = Counter("search_log_dropped_total", "Rows of the search log that found no room, or could not be written")
WAITING = Gauge(
    "search_documents_waiting",
    "Families that have changed, whose document is not rebuilt, or not in Elasticsearch, yet",
    ["waiting_for"],
    multiprocess_mode="mostrecent",
)


def observe_documents() -> None:
    """Count what waits, when somebody asks: a relay that is dead could not tell. Two queries at most."""
    WAITING.labels("document").set(SearchWork.objects.values("family_id").distinct().count())
    if settings.ELASTICSEARCH_URL:
        WAITING.labels("elasticsearch").set(SearchDocument.objects.filter(version__gt=F("indexed_version")).count())
