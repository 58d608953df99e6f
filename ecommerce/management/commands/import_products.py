"""Brings a file of products into the shop, with a first stock where a product is new."""

import csv
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.module_loading import import_string

from catalog import operations as catalog
from catalog.icecat.categories import icecat_categories
from catalog.icecat.rows import FILTERS, Row, count_rows, read_rows
from catalog.records import ProductRecord
from core.clock import now
from ecommerce.progress import progress_bar
from ecommerce.seeding import WAREHOUSES, seeded_stock
from inventory import bulk as inventory

SEED = 2026
BATCH = 1000
REASONS_SHOWN = 20


class Command(BaseCommand):
    """`manage.py import_products FILE`: exit code 0 when every row is in the shop, 1 when some were refused or none read."""

    help = "Import products from Icecat's JSON lines, plain or gzip. Rows are found again by their SKU; bad ones are refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, where to write what is refused, and how many rows to take."""
        parser.add_argument("file", type=Path, help="products, one JSON object a line")
        parser.add_argument("--refused", type=Path, help="write refused rows to this CSV file: line, reason")
        parser.add_argument("--limit", type=int, help="take only so many rows")
        parser.add_argument(
            "--install-defaults", action="store_true", help="also add the shipping methods and taxes of a new shop"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import; raises CommandError when rows were refused or a file can not be used."""
        file: Path = options["file"]
        limit: int | None = options["limit"]
        if limit is not None and limit < 1:
            raise CommandError("--limit must be at least 1")
        try:
            imported, refused = self._import(file, options["refused"], limit)
        except OSError as problem:
            raise CommandError(f"{problem.filename or file}: {problem.strerror or problem}") from problem
        if options["install_defaults"]:
            import_string("pricing.services.install_defaults")(currency=settings.CURRENCY)
        self.stdout.write(f"{imported} products are in the shop.")
        if refused:
            raise CommandError(f"{refused} rows were refused.")

    def _import(self, file: Path, refused_file: Path | None, limit: int | None) -> tuple[int, int]:
        rows = islice(read_rows(file), limit)
        imported = refused = 0
        with ExitStack() as stack:
            first = next(rows, None)  # a file that is not there must not leave an empty report behind
            report = csv.writer(stack.enter_context(refused_file.open("w", newline=""))) if refused_file else None
            if report:
                report.writerow(("line", "reason"))
            known = _prepare()
            bar = stack.enter_context(progress_bar())
            task = bar.add_task("Products", total=limit or count_rows(file))
            for batch in _batches(first, rows):
                imported += _write([row.product for row in batch if row.product])
                for row in (row for row in batch if not row.product):
                    refused += 1
                    if report:
                        report.writerow((row.line, row.reason))
                    if refused <= REASONS_SHOWN:
                        self.stderr.write(f"line {row.line}: {row.reason}")
                bar.advance(task, len(batch))
            with transaction.atomic():
                catalog.offer_filters(codes=FILTERS - known)
        return imported, refused


def _batches(first: Row | None, rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch = [first] if first else []
    while batch:
        batch += islice(rows, BATCH - len(batch))
        yield batch
        batch = list(islice(rows, 1))


def _prepare() -> set[str]:
    """Make categories and warehouses; the attributes there were before, whose filters staff may have chosen."""
    with transaction.atomic():
        catalog.upsert_categories(categories=icecat_categories())
        inventory.install_warehouses(warehouses=WAREHOUSES)
        return catalog.known_attributes()


def _write(products: list[ProductRecord]) -> int:
    """One batch in one transaction: killed at any moment, the shop has whole products with their stock."""
    moment = now()
    with transaction.atomic(durable=True):
        ids = catalog.upsert_products(products=products, now=moment)
        stock = list(seeded_stock(seed=SEED, product_ids=ids))
        inventory.install_stock(rows=stock, reference="import", now=moment)
    return len(ids)
