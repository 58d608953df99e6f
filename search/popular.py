"""What others search for, for suggestions."""

from search.log_models import PopularQuery
from search.text import normalized


def popular_queries(*, prefix: str, limit: int = 5) -> tuple[str, ...]:
    """The queries that begin with what was typed, those of most shoppers first; all queries for nothing typed. One query."""
    found = PopularQuery.objects.order_by("-sessions", "-searches", "query")
    typed = normalized(prefix)
    if typed:
        found = found.filter(query__startswith=typed)
    return tuple(found.values_list("query", flat=True)[:limit])
