"""Entries in Valkey that carry a version: an older one never overwrites a newer one, whoever is late.

Whoever changes the thing forgets the entry with the new version; whoever reads the thing stores what it read with the version it
read first. An entry without a body says that older versions are out of date.
"""

from typing import Any

from django.core.cache import cache
from redis.exceptions import RedisError

from core.scripts import client, run_script

_STORE = """
local kept = redis.call('HGET', KEYS[1], 'version')
if kept and tonumber(kept) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'body', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
_FORGET = """
local kept = redis.call('HGET', KEYS[1], 'version')
if kept and tonumber(kept) >= tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'body', '')
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
"""


def read(key: str) -> bytes | None:
    """The body kept under ``key``; None where there is none, or Valkey is away."""
    try:
        body: bytes | None = client().hget(cache.make_key(key), "body")
    except RedisError:
        return None
    return body or None


def store(key: str, *, version: int, body: bytes, seconds: float) -> bool:
    """Keep ``body`` for so long, unless a newer version is there; whether it is kept. False where Valkey is away."""
    return _run(_STORE, key, version, body, int(seconds * 1000))


def forget(key: str, *, version: int, seconds: float) -> bool:
    """Drop what is older than ``version``, and refuse it for so long; whether anything was. False where Valkey is away."""
    return _run(_FORGET, key, version, int(seconds * 1000))


def _run(script: str, key: str, *arguments: Any) -> bool:
    try:
        return bool(run_script(script, key, *arguments))
    except RedisError:
        return False
