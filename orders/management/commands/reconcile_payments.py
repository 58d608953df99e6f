"""`manage.py reconcile_payments [--days N]`: prove that orders, payments and the provider agree."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from core.clock import now
from orders import reconciling
from payments.errors import ProviderRefused, ProviderUnavailable


class Command(BaseCommand):
    """Prints each difference; exits with an error when there is any, or when a provider's list can not be had."""

    help = "Compare orders, payments and the payment provider's own list. Changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --days."""
        parser.add_argument("--days", type=int, help="only what was paid in the last so many days (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError (exit code 1) for a difference, and when not everything could be compared."""
        moment, days = now(), options["days"]
        if days is not None and not 0 < days <= 36_500:
            raise CommandError("--days must be between 1 and 36,500")
        since = reconciling.EVER if days is None else moment - timedelta(days=days)
        payments = differences = moving = 0
        trouble = ""
        try:
            for findings in reconciling.reconcile(since=since, now=moment):
                payments += findings.payments
                for line in findings.differences:
                    moving += bool(line.moving)
                    differences += not line.moving
                    still = f" (still moving: {line.moving})" if line.moving else ""
                    self.stdout.write(f"{line.reference}: {line.detail}{still}")
        except (ProviderUnavailable, ProviderRefused) as problem:
            trouble = f"; not all could be compared: {problem.detail}"
        if moving:
            self.stdout.write(f"{moving} still moving, which is no difference: look again in some minutes")
        summary = f"{differences} differences in {payments} payments{trouble}"
        if differences or trouble:
            raise CommandError(summary)
        self.stdout.write(summary)
