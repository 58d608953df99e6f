"""Events on their way out (DESIGN.md section 5): written with the change that made them true, sent by the relay afterwards."""

import uuid
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from core.copying import copy_rows
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


def publish(*, topic: str, key: str, type: str, data: dict[str, Any], now: datetime, version: int = 1) -> uuid.UUID:  # noqa: A002 - CloudEvents calls it type
    """Write an event into the outbox and return its id. ``data`` holds ids and figures, never personal data.

    The caller holds the row lock of what ``key`` names, so that a key's events are written in the order they happened.
    Raises RuntimeError outside a transaction.
    """
    require_transaction("core.events.publish")
    event_id = uuid.uuid4()
    OutboxEvent.objects.create(
        event_id=event_id,
        topic=topic,
        key=key,
        bucket=bucket_of(key),
        type=type,
        version=version,
        data=data,
        occurred_at=now,
    )
    return event_id


def publish_all(
    *,
    topic: str,
    type: str,  # noqa: A002 - CloudEvents calls it type
    data_by_key: Mapping[str, dict[str, Any]],
    now: datetime,
    version: int = 1,
) -> None:
    """Write one event per key, however many, in one COPY, under the rules of `publish`.

    Raises RuntimeError outside a transaction.
    """
    require_transaction("core.events.publish_all")
    rows = (
        (uuid.uuid4(), topic, key, bucket_of(key), type, version, Jsonb(data), now) for key, data in data_by_key.items()
    )
    if data_by_key:
        copy_rows("core_outboxevent", _COLUMNS, rows)


def insertion(*, data: str, source: str) -> str:
    """The INSERT of an event, for a writer that makes it a part of the one statement that makes the event true.

    ``data`` is SQL for the event's data, over the columns of the CTE ``source``; both are constants of the writer's. The
    parameters are those of `insertion_parameters`.
    """
    return f"""
        INSERT INTO core_outboxevent (event_id, topic, key, bucket, type, version, data, occurred_at)
        SELECT %(event_id)s, %(event_topic)s, %(event_key)s, %(event_bucket)s, %(event_type)s, 1, {data}, %(event_at)s
        FROM {source}
    """  # noqa: S608 - made of constants


def insertion_parameters(*, topic: str, key: str, type: str, now: datetime) -> dict[str, Any]:  # noqa: A002 - CloudEvents calls it type
    """What the statement of `insertion` needs, under the rules of `publish`."""
    require_transaction("core.events.insertion_parameters")
    return {
        "event_id": uuid.uuid4(),
        "event_topic": topic,
        "event_key": key,
        "event_bucket": bucket_of(key),
        "event_type": type,
        "event_at": now,
    }
