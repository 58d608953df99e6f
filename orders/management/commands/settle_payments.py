"""`manage.py settle_payments`: ask the provider about every payment that is neither final nor young."""

from typing import Any

from django.core.management.base import BaseCommand

from core.clock import now
from orders import services


class Command(BaseCommand):
    """Settles open payments once, by hand; beat and the relay do it all the time."""

    help = "Ask the payment provider about every open payment that is not young, and let the orders follow."

    def handle(self, *args: Any, **options: Any) -> None:
        """Settle, and say how many."""
        self.stdout.write(f"{services.settle_payments(now=now())} settled")
