"""Who has to be told of what: the table of subscribers, by group and topic."""

import threading
from collections.abc import Collection, Mapping, Sequence

from core.consumer import TopicConsumer
from core.types import Subscriber

_TOPICS = {"order": "order-events", "payment": "order-events", "inventory": "inventory-events", "cart": "cart-events"}


def topic_of(kind: str) -> str:
    """The topic that events of this type go to."""
    return _TOPICS.get(kind.partition(".")[0], "order-events")


def consumers(
    subscribers: Mapping[str, Sequence[Subscriber]], *, groups: Collection[str] = (), stop: threading.Event
) -> list[TopicConsumer]:
    """A consumer for each of ``groups``, all where none is named, and each topic with something for it."""
    found: dict[tuple[str, str], dict[str, list[Subscriber]]] = {}
    for kind, listeners in subscribers.items():
        for subscriber in listeners:
            if not groups or subscriber.group in groups:
                types = found.setdefault((subscriber.group, topic_of(kind)), {})
                types.setdefault(kind, []).append(subscriber)
    return [TopicConsumer(group, topic, dict(types), stop) for (group, topic), types in sorted(found.items())]
