"""Events on their way out (DESIGN.md section 5): written with the change that made them true, sent by the relay afterwards."""

import uuid
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from core.copying import copy_rows
from core.event_types import as_data, type_of
from core.models import OutboxEvent
from core.transactions import require_transaction

BUCKETS = 64
ORDER_EVENTS = "order-events"
INVENTORY_EVENTS = "inventory-events"
CATALOG_EVENTS = "catalog-events"
RECOMMENDATION_EVENTS = "recommendation-events"
CART_EVENTS = "cart-events"
_COLUMNS = ("event_id", "topic", "key", "bucket", "type", "version", "data", "occurred_at")


def bucket_of(key: str) -> int:
    """The bucket, 0 to 63, that ``key``'s events queue in: the same in every process and release."""
    return zlib.crc32(key.encode()) % BUCKETS


def publish(told: object, *, key: str, now: datetime) -> uuid.UUID:
    """Write an event into the outbox and return its id. ``told`` is of a registered dataclass.

    It holds ids and figures, never personal data. The caller holds the row lock of what ``key`` names, so that a key's events
    are written in the order they happened.
    Raises RuntimeError outside a transaction, UnknownEvent for what is not registered.
    """
    require_transaction("core.events.publish")
    kind = type_of(type(told))
    event_id = uuid.uuid4()
    OutboxEvent.objects.create(
        event_id=event_id,
        topic=kind.topic,
        key=key,
        bucket=bucket_of(key),
        type=kind.name,
        version=kind.version,
        data=as_data(told),
        occurred_at=now,
    )
    return event_id


def publish_all(told_by_key: Mapping[str, object], *, now: datetime) -> None:
    """Write one event per key, however many, in one COPY, under the rules of `publish`."""
    require_transaction("core.events.publish_all")
    if told_by_key:
        copy_rows("core_outboxevent", _COLUMNS, (_row(key, told, now) for key, told in told_by_key.items()))


def _row(key: str, told: object, now: datetime) -> tuple[Any, ...]:
    kind = type_of(type(told))
    return uuid.uuid4(), kind.topic, key, bucket_of(key), kind.name, kind.version, Jsonb(as_data(told)), now


def insertion(*, data: str, source: str) -> str:
    """The INSERT of an event, for a writer that makes it a part of the one statement that makes the event true.

    ``data`` is SQL for the event's data, over the columns of the CTE ``source``; both are constants of the writer's. The
    parameters are those of `insertion_parameters`.
    """
    return f"""
        INSERT INTO core_outboxevent (event_id, topic, key, bucket, type, version, data, occurred_at)
        SELECT %(event_id)s, %(event_topic)s, %(event_key)s, %(event_bucket)s, %(event_type)s, %(event_version)s,
            {data}, %(event_at)s
        FROM {source}
    """  # noqa: S608 - made of constants


def insertion_parameters(told: type, *, key: str, now: datetime) -> dict[str, Any]:
    """What the statement of `insertion` needs to tell an event of the dataclass ``told``, under the rules of `publish`."""
    require_transaction("core.events.insertion_parameters")
    kind = type_of(told)
    return {
        "event_id": uuid.uuid4(),
        "event_topic": kind.topic,
        "event_key": key,
        "event_bucket": bucket_of(key),
        "event_type": kind.name,
        "event_version": kind.version,
        "event_at": now,
    }
