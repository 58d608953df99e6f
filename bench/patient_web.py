"""`python -m bench.patient_web ...`: gunicorn that waits for the payment provider longer than a shop would, so that more wait."""

import os
import runpy
from datetime import timedelta

import django
from django.conf import settings


def main() -> None:
    """Lengthen the provider's time-out, and the lease that must outlast it, and become gunicorn."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ecommerce.settings")
    django.setup()
    settings.PAYMENT_PROVIDER_TIMEOUT = timedelta(seconds=240)
    settings.IDEMPOTENCY_LEASE = timedelta(seconds=300)
    runpy.run_module("gunicorn", run_name="__main__")


if __name__ == "__main__":
    main()
