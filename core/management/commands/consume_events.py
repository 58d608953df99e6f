"""`manage.py consume_events [--group NAME]`: take events from Kafka until told to stop."""

import signal
import threading
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from core import kafka
from core.consumer import TopicConsumer
from core.subscriptions import consumers


class Command(BaseCommand):
    """A thread for each group and topic."""

    help = (
        "Give events from Kafka to the subscribers of some groups, or of all, until told to stop (SIGTERM or Ctrl-C)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare --group."""
        parser.add_argument(
            "--group", action="append", default=[], help="a group of subscribers; repeat it for several"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until a signal comes; what is being done then is finished. Raises CommandError for a group that is none."""
        if not kafka.is_on():
            raise CommandError("KAFKA_BOOTSTRAP_SERVERS is empty: the relay hands events out itself.")
        stop = threading.Event()

        def end(_signal: int, _frame: FrameType | None) -> None:
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        found = consumers(import_string(settings.EVENT_SUBSCRIBERS), groups=options["group"], stop=stop)
        missing = set(options["group"]) - {consumer.group for consumer in found}
        if missing:
            raise CommandError(f"There is no group called {', '.join(sorted(missing))}.")
        threads = [threading.Thread(target=_run, args=(consumer, stop), name=consumer.group) for consumer in found]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _run(consumer: TopicConsumer, stop: threading.Event) -> None:
    try:
        consumer.run()
    finally:
        stop.set()  # half a process would look alive
