"""Every kind of event: a frozen dataclass with a name, a version and a topic. What is not registered here is not published.

Versions only add: a field that is new has a default, none goes, none means something else. Older readers pass over what they do
not know, newer ones fill in what older writers left out. `manage.py write_event_schemas` holds the code against `docs/events`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, TypeVar

import msgspec

from core.types import Event

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EventType:
    """What is known of a kind of event; ``data`` is the dataclass of its data, ``key`` says for people what its key is."""

    name: str
    version: int
    topic: str
    key: str
    data: type

    @property
    def publisher(self) -> str:
        """The app that tells of it."""
        return self.data.__module__.partition(".")[0]


_by_name: dict[str, EventType] = {}
_by_class: dict[type, EventType] = {}


class UnknownEvent(LookupError):
    """Nothing is registered under that name or for that class."""


def event(name: str, *, topic: str, key: str, version: int = 1) -> Callable[[type[T]], type[T]]:
    """Register a frozen dataclass as the data of the events called ``name``; ``key`` is for `docs/events`.

    Raises ValueError for a name that is taken, and for what is no frozen dataclass.
    """

    def register(data: type[T]) -> type[T]:
        if not is_dataclass(data) or not data.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # not in the stubs
            raise ValueError(f"{data.__name__} is no frozen dataclass")
        if name in _by_name:
            raise ValueError(f"{name} is the name of {_by_name[name].data.__name__} already")
        found = EventType(name, version, topic, key, data)
        _by_name[name] = _by_class[data] = found
        return data

    return register


def registered() -> Mapping[str, EventType]:
    """Every kind of event by its name."""
    return _by_name


def type_called(name: str) -> EventType:
    """The kind of event of that name. Raises UnknownEvent."""
    try:
        return _by_name[name]
    except KeyError:
        raise UnknownEvent(f"{name} is no registered event: see core.event_types.event") from None


def type_of(data: type) -> EventType:
    """The kind of event whose data are of that class. Raises UnknownEvent."""
    try:
        return _by_class[data]
    except KeyError:
        raise UnknownEvent(f"{data.__name__} is no registered event: see core.event_types.event") from None


def as_data(told: object) -> dict[str, Any]:
    """An event's dataclass as JSON will have it: amounts as strings, so that they stay exact."""
    data: dict[str, Any] = msgspec.to_builtins(told)
    return data


def read(event: Event, as_type: type[T]) -> T:
    """The event's data as ``as_type``: fields that it does not know are passed over, those left out get their defaults.

    Raises msgspec.ValidationError where the two have too little in common.
    """
    return msgspec.convert(event.data, as_type)
