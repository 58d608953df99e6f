"""`manage.py check_inventory [--repair]`: prove the stock."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.clock import now
from inventory import services


class Command(BaseCommand):
    """Prints each difference; exits with an error while any is left."""

    help = "Compare stock rows with their ledger and their holds, in one snapshot."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --repair."""
        parser.add_argument("--repair", action="store_true", help="set rows to what ledger and holds say")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError (exit code 1) while a difference is left."""
        report = services.check_inventory(repair=options["repair"], now=now())
        for line in report.differences:
            place = f"product {line.product_id}, warehouse {line.warehouse_id}"
            fate = ", repaired" if line.repaired else ""
            if line.field == "holder":
                self.stdout.write(f"{place}: hold {line.row_id} of {line.found} units has no holder{fate}")
            else:
                self.stdout.write(f"{place}: {line.field} is {line.found}, should be {line.expected}{fate}")
        left = sum(not line.repaired for line in report.differences)
        summary = f"{len(report.differences)} differences in {report.rows} rows"
        if left:
            raise CommandError(f"{summary}, {left} left")
        self.stdout.write(summary)
