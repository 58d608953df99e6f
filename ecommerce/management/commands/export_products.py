"""Writes the catalogue to a file that `import_products` takes back."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from catalog.feeds.refusals import FeedProblem
from catalog.feeds.writing import NAMES
from ecommerce.exporting import export_products
from ecommerce.progress import progress_bar


class Command(BaseCommand):
    """`manage.py export_products FILE`: CSV, JSON lines (both also .gz) or Parquet, by the file's name."""

    help = (
        "Write all products to FILE: .csv, .jsonl (both also .gz) or .parquet. import_products takes it back unchanged."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to write, and what."""
        parser.add_argument("file", type=Path, help="where to write the products")
        parser.add_argument(
            "--categories", type=Path, help="where to write the categories, for import_products --categories"
        )
        parser.add_argument(
            "--columns", help="write only these, such as sku,price; an import leaves everything else as it is"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Export; raises CommandError for what can not be written."""
        file: Path = options["file"]
        names = _chosen(options["columns"])
        try:
            with progress_bar() as bar:
                task = bar.add_task("Products", total=None)
                count = export_products(
                    file=file,
                    names=names,
                    categories=options["categories"],
                    advance=lambda rows: bar.advance(task, rows),
                )
        except FeedProblem as problem:
            raise CommandError(str(problem)) from problem
        except OSError as problem:
            raise CommandError(f"{problem.filename or file}: {problem.strerror or problem}") from problem
        self.stdout.write(f"{count} products are in {file}.")


def _chosen(written: str | None) -> tuple[str, ...]:
    if written is None:
        return NAMES
    names = tuple(name.strip() for name in written.split(","))
    for name in names:
        if name not in NAMES:
            raise CommandError(f"There is no column {name}; there are: {', '.join(NAMES)}.")
    if "sku" not in names:
        raise CommandError("Without the column sku, nothing could be found again.")
    return names
