"""What the shop needs and whether it is there, each asked with a short deadline."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
import psycopg
from django.conf import settings
from django.db import connection
from django_redis import get_redis_connection
from redis.exceptions import RedisError

CONNECT_SECONDS = 2  # the least that PostgreSQL's client library keeps to
DEADLINE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One dependency: only a required one that is away makes the shop unready."""

    name: str
    is_up: bool
    is_required: bool


def checks() -> tuple[Check, ...]:
    """Ask everything once. Never raises."""
    found = [Check("postgresql", _is_up(_ask_postgresql), True), Check("valkey", _is_up(_ask_valkey), False)]
    if settings.PAYMENT_SIMULATOR_URL:
        found.append(Check("payments", _is_up(_ask_simulator), False))
    if settings.ELASTICSEARCH_URL:
        found.append(Check("elasticsearch", _is_up(_ask_elasticsearch), False))
    return tuple(found)


def is_ready(found: tuple[Check, ...]) -> bool:
    """Whether shoppers can be served."""
    return all(check.is_up for check in found if check.is_required)


def _is_up(ask: Callable[[], None]) -> bool:
    try:
        ask()
    except (psycopg.Error, RedisError, OSError, httpx.HTTPError):
        return False
    return True


def _ask_postgresql() -> None:
    # A connection of its own: its time limit holds from the client's side, where a stalled server can not keep anybody waiting,
    # and it costs shoppers none of the pool's.
    psycopg.connect(**{**connection.get_connection_params(), "connect_timeout": CONNECT_SECONDS}).close()


def _ask_valkey() -> None:
    get_redis_connection("default").ping()


def _ask_simulator() -> None:
    httpx.get(f"{settings.PAYMENT_SIMULATOR_URL}/health", timeout=DEADLINE_SECONDS).raise_for_status()


def _ask_elasticsearch() -> None:
    httpx.get(settings.ELASTICSEARCH_URL, timeout=DEADLINE_SECONDS).raise_for_status()
