"""How often one may do things, so that nobody drowns out the others.

Counted in Redis, for all processes together; while Redis is away, each process counts by itself.
Nothing waits for a Redis that does not answer, beyond one short try every few seconds.
"""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from math import ceil
from time import monotonic, time
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from rooms.access import Refused

log = logging.getLogger(__name__)

REDIS_SECONDS = 0.25  # how long Redis may take to answer
AWAY_SECONDS = 5.0  # before a Redis that failed is asked again


class TooMany(Refused):
    """Somebody does something too often; the text tells how long to wait."""

    status = 429


@dataclass(frozen=True, slots=True)
class Limit:
    """How often one person, and one address, may do something. What `too_many` says comes before
    how long to wait."""

    name: str
    too_many: str
    address: RateLimitItem
    person: RateLimitItem | None = None


POSTS = Limit(
    "post",
    "You are writing faster than others can read.",
    RateLimitItemPerSecond(60, 10),
    RateLimitItemPerSecond(20, 10),
)
# An office or a school may have one address.
GUESTS = Limit("guest", "Too many people came from where you are.", RateLimitItemPerHour(100))
ROOMS = Limit("room", "You are making too many rooms.", RateLimitItemPerHour(50), RateLimitItemPerHour(10))
INVITATIONS = Limit(
    "invite", "You are inviting too many people at once.", RateLimitItemPerHour(200), RateLimitItemPerHour(60)
)
DIRECT = Limit(
    "direct",
    "You are beginning too many conversations.",
    RateLimitItemPerHour(100),
    RateLimitItemPerHour(20),
)
REPORTS = Limit(
    "report", "You are reporting too much at once.", RateLimitItemPerHour(60), RateLimitItemPerHour(20)
)

EXPORTS = Limit(
    "export", "You are exporting too much at once.", RateLimitItemPerHour(60), RateLimitItemPerHour(12)
)


def why_not(limit: Limit, person_id: int | None, address: str) -> str:
    """Why they may not do it now, and how long to wait; nothing, if they may. Whoever did it is to be
    counted: what failed does not count."""
    for item, *whose in _counted(limit, person_id, address):
        if wait := _counter(settings.REDIS).wait(item, *whose):
            return f"{limit.too_many} Please wait {_in_words(wait)} and try again."
    return ""


def check(limit: Limit, person_id: int | None, address: str) -> None:
    """Raises TooMany where they may not do it now."""
    if problem := why_not(limit, person_id, address):
        raise TooMany(problem)


def count(limit: Limit, person_id: int | None, address: str) -> None:
    """They have done it once more."""
    for item, *whose in _counted(limit, person_id, address):
        _counter(settings.REDIS).count(item, *whose)


# For where a loop must go on: a thread of its own, so that waiting for Redis holds up nothing else,
# and a single one, so that what was counted is known to whoever asks next.
_thread = ThreadPoolExecutor(1, thread_name_prefix="limits")
_why_not = sync_to_async(why_not, thread_sensitive=False, executor=_thread)


async def awhy_not(limit: Limit, person_id: int | None, address: str) -> str:
    """As `why_not`, from a coroutine."""
    return await _why_not(limit, person_id, address) if settings.RATE_LIMITS else ""


def count_soon(limit: Limit, person_id: int | None, address: str) -> None:
    """As `count`, and waits for nothing."""
    if settings.RATE_LIMITS:
        _thread.submit(count, limit, person_id, address)


def _counted(limit: Limit, person_id: int | None, address: str) -> Iterator[tuple[Any, str, str]]:
    # An address that is not known is nobody's.
    if settings.RATE_LIMITS and person_id and limit.person:
        yield limit.person, limit.name, f"person-{person_id}"
    if settings.RATE_LIMITS and address:
        yield limit.address, limit.name, f"address-{address}"


class Counter:
    """Counts in the Redis at `url`, and by itself while that is away."""

    def __init__(self, url: str) -> None:
        if url.startswith("unix://"):
            url = f"redis+{url}"
        storage = RedisStorage(
            url,
            key_prefix=f"{settings.REDIS_PREFIX}-limits",
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            # Once more: a Redis that was started anew has dropped the connections there were.
            retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type]  # it is handed on as it is
        )
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def wait(self, item: RateLimitItem, *whose: str) -> float:
        """How many seconds to wait before there may be one more."""
        return self._ask(_wait, item, *whose)

    def count(self, item: RateLimitItem, *whose: str) -> None:
        self._ask(MovingWindowRateLimiter.hit, item, *whose)

    def _ask(self, what: Callable[..., Any], *about: Any) -> Any:
        if monotonic() > self._away_until:
            try:
                return what(self._shared, *about)
            except (RedisError, OSError) as error:
                self._away_until = monotonic() + AWAY_SECONDS
                log.warning("Redis cannot count, so each process does: %r", error)
        return what(self._own, *about)

    def reset(self) -> None:
        """Forget all that was counted."""
        self._away_until = 0.0
        for limiter in (self._shared, self._own):
            limiter.storage.reset()


@cache
def _counter(url: str) -> Counter:
    return Counter(url)


def _wait(limiter: MovingWindowRateLimiter, item: RateLimitItem, *whose: str) -> float:
    window = limiter.get_window_stats(item, *whose)
    return 0 if window.remaining > 0 else max(window.reset_time - time(), 1)


def _in_words(seconds: float) -> str:
    for unit, size in (("hour", 3600), ("minute", 60)):
        if seconds > size:
            return f"{ceil(seconds / size)} {unit}s"
    return f"{ceil(seconds)} second{'s' if seconds > 1 else ''}"
