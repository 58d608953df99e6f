"""What of the catalogue is on sale, and what people type made fit for a query."""

from django.db.models import Q

ACTIVE = Q(is_active=True, family__is_active=True, family__seller__is_active=True)
WORDS_LIMIT = 32
QUERY_LIMIT = 200


def clean_query(query: str) -> str:
    """What somebody typed, in a form PostgreSQL takes: no NUL, at most QUERY_LIMIT characters and WORDS_LIMIT words."""
    return " ".join(query.replace("\x00", " ")[:QUERY_LIMIT].split()[:WORDS_LIMIT])
