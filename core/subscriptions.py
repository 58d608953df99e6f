"""Who has to be told of what: the table of subscribers, by group and topic."""

import threading
from collections.abc import Collection, Mapping, Sequence

from core.consumer import TopicConsumer
from core.event_types import type_called
from core.types import Subscriber


def consumers(
    subscribers: Mapping[str, Sequence[Subscriber]], *, groups: Collection[str] = (), stop: threading.Event
) -> list[TopicConsumer]:
    """A consumer for each of ``groups``, all where none is named, and each topic with something for it. Raises UnknownEvent."""
    found: dict[tuple[str, str], dict[str, list[Subscriber]]] = {}
    for kind, listeners in subscribers.items():
        for subscriber in listeners:
            if not groups or subscriber.group in groups:
                types = found.setdefault((subscriber.group, type_called(kind).topic), {})
                types.setdefault(kind, []).append(subscriber)
    return [TopicConsumer(group, topic, dict(types), stop) for (group, topic), types in sorted(found.items())]
