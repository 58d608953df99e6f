"""`manage.py create_roles`: the groups that staff are put into."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts.roles import create_roles


class Command(BaseCommand):
    """Makes the roles catalogue, warehouse and support, or brings them up to date."""

    help = "Make the staff roles catalogue, warehouse and support, or bring them up to date."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what each role may do now."""
        for name, count in create_roles().items():
            self.stdout.write(f"{name}: {count} permissions")
