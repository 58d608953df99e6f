"""Writes the JSON Schemas of all events, or checks that the files say what the code does."""

from argparse import ArgumentParser
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from core import event_schemas
from core.types import Subscriber

FOLDER = Path(settings.BASE_DIR) / "docs" / "events"


class Command(BaseCommand):
    """`manage.py write_event_schemas [--check]`: a promise that a file has made is never broken, only added to."""

    help = "Write docs/events from the events in the code. Refused where that breaks what a file has promised."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whether to look only, and where."""
        parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 where something differs")
        parser.add_argument("--folder", type=Path, default=FOLDER, help="where the files are (docs/events)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Compare, then write or tell. Raises CommandError."""
        folder: Path = options["folder"]
        found = event_schemas.schemas()
        told = event_schemas.compare(found, folder)
        subscribers: Mapping[str, Collection[Subscriber]] = import_string(settings.EVENT_SUBSCRIBERS)
        index = folder / event_schemas.INDEX
        text = index.read_text() if index.exists() else f"# Events\n\n{event_schemas.BEGIN}\n{event_schemas.END}\n"
        fresh = event_schemas.with_index(text, event_schemas.index(subscribers))
        if told.broken:
            lines = "\n  ".join(told.broken)
            raise CommandError(
                f"These changes break what readers of events count on:\n  {lines}\n"
                "Keep what there was; a new field has a default and takes a new version (docs/events/README.md)."
            )
        if not options["check"]:
            event_schemas.write(found, folder)
            index.write_text(fresh)
        elif told.outdated or fresh != text:
            lines = "\n  ".join([*told.outdated, *([] if fresh == text else [f"{index.name} lacks what is new"])])
            raise CommandError(f"docs/events is behind the code; run `manage.py write_event_schemas`:\n  {lines}")
        self.stdout.write(f"{len(found)} events, all as docs/events has them.")
