"""Refuse migrations that would lock or break a live shop: `python tools/lint_migrations.py` (part of `make check`)."""

import os
import sys
from pathlib import Path

import django

BASE_DIR = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BASE_DIR))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
django.setup()

from django.apps import apps  # noqa: E402 - Django's models can be imported only after its setup
from django_migration_linter import MigrationLinter  # noqa: E402 - as above


def main() -> int:
    """Lint the migrations of this project's own apps; 1 when one is unsafe."""
    own = [config.label for config in apps.get_app_configs() if Path(config.path).parent == BASE_DIR]
    linter = MigrationLinter(str(BASE_DIR), include_apps=own, database="default", no_cache=True, quiet=["ok", "ignore"])
    linter.lint_all_migrations()
    linter.print_summary()
    return 1 if linter.has_errors else 0


if __name__ == "__main__":
    sys.exit(main())
