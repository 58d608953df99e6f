"""What other apps see of core."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A past-tense fact as subscribers get it (CloudEvents: id, subject, type, time, data)."""

    event_id: uuid.UUID
    topic: str
    key: str
    type: str
    version: int
    data: dict[str, Any]
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A handler by dotted path, and the group under which its effects are counted once.

    Up to ``together`` events share a transaction: for handlers that lock nothing, or whose locks can be taken in any order. With
    ``at_once`` the handler takes them all in one call, as a list: for what many events can be done about as fast as one.
    """

    group: str
    handler: str
    together: int = 1
    at_once: bool = False


Handler = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do every so often, by dotted path: called with ``now``. Jobs of one lane wait for each other, of two never."""

    name: str
    path: str
    seconds: float
    lane: str = "shop"
