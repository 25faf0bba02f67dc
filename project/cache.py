"""The cache: Redis, while it is there."""

from collections.abc import Callable
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from project.redis_servers import pool

SECONDS = 2.0  # what takes Redis longer is as good as lost
ONCE = Retry(NoBackoff(), 1)  # a connection that a restarted Redis has dropped is made anew


class Connections:
    """To whatever REDIS_URL may name."""

    from_url = staticmethod(pool)


class OptionalRedisCache(RedisCache):
    """Redis as a cache that may be away: then nothing is found in it, and nothing is kept.

    What it holds are counts, of attempts to log in and the like. While they are lost nobody is held
    up, which is better than that nobody can log in. So `add` says that it was the first: it is how
    allauth takes a lock, and how it learns that a code is new.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        options = {
            "pool_class": Connections,
            "socket_timeout": SECONDS,
            "socket_connect_timeout": SECONDS,
            "retry": ONCE,
        }
        super().__init__(server, params | {"OPTIONS": options | params.get("OPTIONS", {})})

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return _unless_away(True, super().add, *args, **kwargs)

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return _unless_away(default, super().get, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        _unless_away(None, super().set, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return _unless_away(False, super().delete, *args, **kwargs)


def _unless_away(otherwise: Any, ask: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return ask(*args, **kwargs)
    except (RedisError, OSError):
        return otherwise
