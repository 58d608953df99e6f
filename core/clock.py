"""The one source of "now". Edges read it once and pass it on; tests move it with time-machine."""

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant, timezone-aware, in UTC."""
    return datetime.now(UTC)
