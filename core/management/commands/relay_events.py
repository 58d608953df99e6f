"""`manage.py relay_events`: take events out of the outbox until told to stop."""

import signal
import threading
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.module_loading import import_string

from core import kafka
from core.jobs import jobs_running
from core.outlets import KafkaOutlet, LocalOutlet
from core.relay import Relay


class Command(BaseCommand):
    """Hands the outbox' events to their subscribers, and runs the jobs that must not depend on Celery's broker."""

    help = "Hand the outbox' events to their subscribers until told to stop (SIGTERM or Ctrl-C)."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes; what is being done then is finished."""
        stop = threading.Event()

        def end(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        outlet = KafkaOutlet() if kafka.is_on() else LocalOutlet(import_string(settings.EVENT_SUBSCRIBERS))
        # A relay that broke takes its jobs along: half a process would look alive.
        with jobs_running(import_string(settings.RELAY_JOBS), stop):
            Relay(outlet, stop).run()
