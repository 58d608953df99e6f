"""`manage.py settle_payments`: ask the provider about every payment that is neither final nor young."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.clock import now
from orders import settling


class Command(BaseCommand):
    """Settles open payments once, by hand; beat and the relay do it all the time, and it is harmless beside them."""

    help = "Ask the payment provider about every open payment that is not young, and let the orders follow."

    def handle(self, *args: Any, **options: Any) -> None:
        """Settle, and say how many. Raises CommandError (exit code 1) when some could not be asked about."""
        report = settling.settle_all(now=now())
        summary = f"{report.settled} settled, {report.waiting} still waiting for the shopper or the provider"
        if report.failed:
            raise CommandError(f"{summary}, {report.failed} failed: see the log, and run it again")
        self.stdout.write(summary)
