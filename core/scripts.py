"""Scripts that run inside Valkey, each as one step that nothing comes between."""

from functools import cache as once
from typing import Any

from django.core.cache import cache


def run_script(source: str, key: str, *arguments: Any) -> Any:
    """What the script answers for the entry ``key`` of this shop. Raises RedisError where Valkey is away."""
    return _script(source)(keys=[cache.make_key(key)], args=arguments, client=client())


def client() -> Any:
    """The connection that the cache uses, guarded as that is."""
    return cache.client.get_client(write=True)  # type: ignore[attr-defined]  # django-redis's own


@once
def _script(source: str) -> Any:
    """The script, sent by its hash; Valkey gets the source where it does not know it (any more)."""
    return client().register_script(source)
