"""`manage.py create_topics`: make the topics that events go to."""

from typing import Any

from confluent_kafka import KafkaException
from django.core.management.base import BaseCommand, CommandError

from core import kafka, topics


class Command(BaseCommand):
    """Says what it made; harmless to repeat."""

    help = "Make the Kafka topics of settings.KAFKA_TOPICS that are not there yet, each with its dead letters."

    def handle(self, *args: Any, **options: Any) -> None:
        """Raises CommandError where there is no broker."""
        if not kafka.is_on():
            raise CommandError("KAFKA_BOOTSTRAP_SERVERS is empty: without Kafka there are no topics to make.")
        try:
            lines = topics.create()
        except KafkaException as problem:
            raise CommandError(f"The topics could not be made: {problem}") from problem
        self.stdout.write("\n".join(lines) or "All topics are there.")
