"""Events as they travel: CloudEvents 1.0 in structured JSON (https://cloudevents.io, section 3 of the JSON format)."""

import uuid
from datetime import datetime
from typing import Any, Literal

import msgspec

from core.types import Event

SOURCE = "urn:shop"


class BadEnvelope(ValueError):
    """What came is no event of this shop."""


class _Envelope(msgspec.Struct, kw_only=True, frozen=True):
    """The attributes; others that somebody on the way has added are passed over."""

    specversion: Literal["1.0"]
    id: uuid.UUID
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    topic: str
    dataversion: int
    data: dict[str, Any]


_decode = msgspec.json.Decoder(_Envelope).decode
_encode = msgspec.json.Encoder().encode


def to_wire(event: Event) -> bytes:
    """The event as it goes over Kafka."""
    return _encode(
        _Envelope(
            specversion="1.0",
            id=event.event_id,
            source=SOURCE,
            type=event.type,
            subject=event.key,
            time=event.occurred_at,
            topic=event.topic,
            dataversion=event.version,
            data=event.data,
        )
    )


def from_wire(message: bytes) -> Event:
    """The event that ``message`` holds. Raises BadEnvelope."""
    try:
        found = _decode(message)
    except msgspec.DecodeError as problem:
        raise BadEnvelope(str(problem)) from problem
    return Event(
        event_id=found.id,
        topic=found.topic,
        key=found.subject,
        type=found.type,
        version=found.dataversion,
        data=found.data,
        occurred_at=found.time,
    )
