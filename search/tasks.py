"""What Celery's beat asks of the search."""

from celery import shared_task

from core.jobs import run_job


@shared_task(name="search.tasks.follow_changes")
def follow_changes() -> bool:
    """Rebuild documents of what has changed; the relay's process does the same, sooner, and never both at once."""
    return run_job("rebuild search documents", "search.services.follow_changes")


@shared_task(name="search.tasks.follow_documents")
def follow_documents() -> bool:
    """Send Elasticsearch what has changed; the relay's process does the same, sooner, and never both at once."""
    return run_job("send search documents", "search.copying.follow_documents")


@shared_task(name="search.tasks.learn")
def learn() -> bool:
    """Learn from all documents what corrections and the order of results go by."""
    return run_job("learn words", "search.services.learn")


@shared_task(name="search.tasks.build_missing_index")
def build_missing_index() -> bool:
    """Build an index where none serves."""
    return run_job("build a missing search index", "search.copying.build_missing_index")


@shared_task(name="search.tasks.keep_partitions")
def keep_partitions() -> bool:
    """Make room in the search log for the months to come, and forget what is old."""
    return run_job("keep the search log", "search.log_services.keep_partitions")


@shared_task(name="search.tasks.count_popular")
def count_popular() -> bool:
    """Count anew what may be suggested."""
    return run_job("count popular queries", "search.log_services.count_popular")
