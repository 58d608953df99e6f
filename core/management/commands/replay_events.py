"""`manage.py replay_events --group NAME --topic NAME --from MOMENT`: give a group a topic's events once more."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from core.clock import now
from core.services import replay


class Command(BaseCommand):
    """For a consumer that is new, or was repaired."""

    help = "Give a group of subscribers all events of a topic from a moment on, once more: its effects happen again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare what is replayed, for whom, and from when on."""
        parser.add_argument("--group", required=True)
        parser.add_argument("--topic", required=True, choices=sorted(settings.KAFKA_TOPICS))
        parser.add_argument(
            "--from", required=True, dest="since", help="a moment in ISO 8601; UTC unless it says otherwise"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError for a group or a moment that is none."""
        groups = {it.group for listeners in import_string(settings.EVENT_SUBSCRIBERS).values() for it in listeners}
        if options["group"] not in groups:
            raise CommandError(f"There is no group called {options['group']}; there are: {', '.join(sorted(groups))}.")
        try:
            since = datetime.fromisoformat(options["since"])
        except ValueError as problem:
            raise CommandError(f"{options['since']} is no moment: write 2026-01-31T12:00.") from problem
        since = since if since.tzinfo else since.replace(tzinfo=UTC)
        generation = replay(group=options["group"], topic=options["topic"], since=since, now=now())
        self.stdout.write(f"{options['group']} is in generation {generation} of {options['topic']} now.")
