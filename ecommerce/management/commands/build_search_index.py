"""Builds what searches look at: a document of every family, and an index of them in Elasticsearch."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from core.clock import now
from ecommerce.progress import progress_bar
from search.errors import EngineFailed, IndexBusy, IndexIncomplete, NothingToRollBack

# More than the processors of a small machine are of no use: what is not Python's part is the database's.
BUILDERS = 3


class Command(BaseCommand):
    """`manage.py build_search_index`: the shop is searched as before meanwhile; interrupted, it goes on where it was."""

    help = "Rebuild the documents of all families, fill a new Elasticsearch index beside the one that serves, and swap them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which half of it, or back to what served before."""
        parser.add_argument("--index-only", action="store_true", help="leave the documents as they are")
        parser.add_argument("--documents-only", action="store_true", help="leave Elasticsearch as it is")
        parser.add_argument(
            "--if-missing", action="store_true", help="only where no index serves; documents stay as they are"
        )
        parser.add_argument("--roll-back", action="store_true", help="let the index that served before serve again")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError with what was wrong and what stands."""
        try:
            if options["roll_back"]:
                name = import_string("search.copying.roll_back")(now=now())
                self.stdout.write(f"{name} serves again; what has changed since is on its way to it.")
                return
            if not (options["index_only"] or options["if_missing"]):
                self._documents()
            if not options["documents_only"]:
                self._index(only_if_missing=options["if_missing"])
        except (EngineFailed, IndexIncomplete) as problem:
            raise CommandError(f"{problem}\nWhat served goes on serving; run the command again to go on.") from problem
        except (IndexBusy, NothingToRollBack) as problem:
            raise CommandError(str(problem)) from problem

    def _documents(self) -> None:
        with progress_bar() as bar:
            task = bar.add_task("Documents", total=import_string("search.services.count_families")())
            changed = import_string("search.services.build_documents")(
                now=now(), advance=lambda families: bar.advance(task, families), builders=BUILDERS
            )
        words = import_string("search.services.learn")(now=now())
        self.stdout.write(f"{changed} documents have changed; {words} words are in their names.")

    def _index(self, *, only_if_missing: bool) -> None:
        if not settings.ELASTICSEARCH_URL:
            self.stdout.write("ELASTICSEARCH_URL is empty: PostgreSQL searches the documents itself.")
            return
        if only_if_missing and import_string("search.copying.is_complete")():
            return
        with progress_bar() as bar:
            task = bar.add_task("Index", total=import_string("search.services.count_documents")())
            name = import_string("search.copying.build_index")(
                now=now(), advance=lambda documents: bar.advance(task, documents)
            )
        self.stdout.write(f"{name} serves.")
