"""What Celery's beat asks of the search."""

from celery import shared_task

from core.jobs import run_job


@shared_task(name="search.tasks.follow_changes")
def follow_changes() -> bool:
    """Rebuild documents of what has changed; the relay's process does the same, sooner, and never both at once."""
    return run_job("rebuild search documents", "search.services.follow_changes")
