"""Brings a file of products into the shop: `docs/catalogue.md` tells what it may look like."""

import csv
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils.module_loading import import_string

from catalog.feeds.reading import count_rows
from catalog.feeds.refusals import FeedProblem, RefusedLine
from catalog.feeds.values import short
from ecommerce.importing.runs import ImportBusy, ImportOrder, ImportResult, ImportStopped, run_import
from ecommerce.progress import progress_bar

REASONS_SHOWN = 20
DISK_FULL = "53100"


class Command(BaseCommand):
    """`manage.py import_products FILE`: exit code 0 when every row is in the shop, 1 when some were refused or none read."""

    help = (
        "Import products from CSV, JSON lines (both plain or gzip) or Parquet. Rows are found again by their SKU; what a row "
        "does not say stays as it is. Bad rows are refused with line and reason. After an interruption, the same command goes on."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, what its columns are called, and what to do about bad rows."""
        parser.add_argument("file", type=Path, help="products, one a row")
        parser.add_argument("--mapping", help="a mapping file (TOML), or the name of one of ours: icecat")
        parser.add_argument("--categories", type=Path, help="a file of categories to add first: id, parent, name, ...")
        parser.add_argument("--refused", type=Path, help="where refused rows are told (else NAME.refused.csv, if any)")
        parser.add_argument("--limit", type=int, help="take only so many rows")
        parser.add_argument("--dry-run", action="store_true", help="only show what would change")
        parser.add_argument(
            "--on-error",
            choices=("skip", "stop"),
            default="skip",
            help="skip: refuse the row and go on (the default); stop: change nothing at all unless every row is good",
        )
        parser.add_argument(
            "--restart", action="store_true", help="begin anew even where an earlier run was interrupted"
        )
        parser.add_argument(
            "--install-defaults", action="store_true", help="also add the shipping methods and taxes of a new shop"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import; raises CommandError when rows were refused or a file can not be used."""
        if options["limit"] is not None and options["limit"] < 1:
            raise CommandError("--limit must be at least 1")
        order = ImportOrder(
            file=options["file"],
            mapping=options["mapping"],
            categories=options["categories"],
            limit=options["limit"],
            dry_run=options["dry_run"],
            all_or_nothing=options["on_error"] == "stop",
            restart=options["restart"],
        )
        report = options["refused"] or Path(f"{order.file.name.split('.')[0]}.refused.csv")
        if report.resolve() in {path.resolve() for path in (order.file, order.categories) if path}:
            raise CommandError(f"{report} is what is read: name another file with --refused.")
        result = self._import(order)
        if options["install_defaults"] and not order.dry_run:
            import_string("pricing.services.install_defaults")(currency=settings.CURRENCY)
        self._tell(order, result)
        refused = [
            *((str(order.categories), row) for row in result.tree_refused),
            *((str(order.file), row) for row in result.outcome.refused),
        ]
        if refused:
            self._tell_refused(refused, report)

    def _import(self, order: ImportOrder) -> ImportResult:
        try:
            with progress_bar() as bar:
                task = bar.add_task("Products", total=order.limit or count_rows(order.file))
                return run_import(order, advance=lambda rows: bar.advance(task, rows))
        except ImportStopped as stopped:
            raise CommandError(f"{stopped}. Nothing was changed.") from stopped
        except (FeedProblem, ImportBusy) as problem:
            raise CommandError(str(problem)) from problem
        except OSError as problem:
            raise CommandError(f"{problem.filename or order.file}: {problem.strerror or problem}") from problem
        except (DatabaseError, psycopg.Error) as problem:
            raise CommandError(f"{_reason(problem)} {_what_now(order)}") from problem
        except KeyboardInterrupt:
            raise CommandError(f"Interrupted. {_what_now(order)}", returncode=130) from None

    def _tell(self, order: ImportOrder, result: ImportResult) -> None:
        tally = result.outcome.tally
        if result.mapping:
            self.stdout.write(f"Read by the mapping {result.mapping}.")
        if result.resumed_at:
            self.stdout.write(f"Went on after line {result.resumed_at}, where an earlier run was interrupted.")
        would = "would be " if order.dry_run else ""
        self.stdout.write(
            f"{tally.created} products {would or 'are '}new, {tally.changed} {would}changed, {tally.unchanged} unchanged."
        )
        for name, count in sorted(result.outcome.fields.items()):
            self.stdout.write(f"  {name}: {count}")
        for sku, found in result.outcome.differences:
            self.stdout.write(
                f"  {sku}: " + "; ".join(_difference(name, *pair) for name, pair in sorted(found.items()))
            )

    def _tell_refused(self, refused: Sequence[tuple[str, RefusedLine]], report: Path) -> None:
        for file, row in refused[:REASONS_SHOWN]:
            self.stderr.write(f"{file}, line {row.line}: {row.refusal.detail}")
        try:
            with report.open("w", newline="", encoding="utf-8") as opened:
                writer = csv.writer(opened)
                writer.writerow(("file", "line", "code", "column", "reason", "row"))
                for file, row in refused:
                    refusal = row.refusal
                    writer.writerow((file, row.line, refusal.code, refusal.field, refusal.detail, row.row))
        except OSError as problem:
            raise CommandError(
                f"{len(refused)} rows were refused, and {report} can not be written: {problem.strerror or problem}"
            ) from problem
        raise CommandError(f"{len(refused)} rows were refused: see {report}")


def _reason(problem: Exception) -> str:
    cause = problem.__cause__ or problem
    if getattr(cause, "sqlstate", None) == DISK_FULL:
        return "PostgreSQL has no space left on its disk."
    return f"PostgreSQL stopped the import: {str(problem).splitlines()[0] if str(problem) else problem!r}."


def _what_now(order: ImportOrder) -> str:
    if order.all_or_nothing or order.dry_run:
        return "Nothing was changed."
    return "Whole batches are in the shop: run the same command again to go on."


def _difference(name: str, was: Any, will_be: Any) -> str:
    if name in ("attributes", "pictures", "description"):
        return f"{name} differ"
    return f"{name} {short(was)} -> {short(will_be)}"
