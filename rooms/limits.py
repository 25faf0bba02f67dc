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
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from project.redis_servers import pool
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
    too_many: str | Promise
    address: RateLimitItem
    person: RateLimitItem | None = None


POSTS = Limit(
    "post",
    _("You are writing faster than others can read."),
    RateLimitItemPerSecond(60, 10),
    RateLimitItemPerSecond(20, 10),
)
REACTIONS = Limit(
    "react", _("You are reacting too often."), RateLimitItemPerSecond(120, 30), RateLimitItemPerSecond(40, 30)
)
# An office or a school may have one address.
GUESTS = Limit("guest", _("Too many people came from where you are."), RateLimitItemPerHour(100))
ROOMS = Limit("room", _("You are making too many rooms."), RateLimitItemPerHour(50), RateLimitItemPerHour(10))
INVITATIONS = Limit(
    "invite",
    _("You are inviting too many people at once."),
    RateLimitItemPerHour(200),
    RateLimitItemPerHour(60),
)
DIRECT = Limit(
    "direct",
    _("You are beginning too many conversations."),
    RateLimitItemPerHour(100),
    RateLimitItemPerHour(20),
)
PICTURES = Limit(
    "picture", _("You are changing pictures too often."), RateLimitItemPerHour(100), RateLimitItemPerHour(20)
)
RENAMES = Limit(
    "rename", _("You are changing names too often."), RateLimitItemPerHour(100), RateLimitItemPerHour(20)
)
REPORTS = Limit(
    "report", _("You are reporting too much at once."), RateLimitItemPerHour(60), RateLimitItemPerHour(20)
)
# Who types is searching several times a second.
SEARCHES = Limit(
    "search",
    _("You are searching faster than anybody can read."),
    RateLimitItemPerSecond(600, 30),
    RateLimitItemPerSecond(120, 30),
)

# Counted a file.
UPLOADS = Limit(
    "upload", _("You are sending too many files."), RateLimitItemPerHour(1000), RateLimitItemPerHour(200)
)
EXPORTS = Limit(
    "export", _("You are exporting too much at once."), RateLimitItemPerHour(60), RateLimitItemPerHour(12)
)


def count(limit: Limit, person_id: int | None, address: str, times: int = 1) -> str:
    """Count that they do it, so many times. Returns why they may not, and how long to wait, where that
    is too often; nothing, if they may. However many ask at once, no more than may are let through:
    so whoever asks is counted, even if what they do then fails."""
    for item, *whose in _counted(limit, person_id, address):
        if wait := _counter(settings.REDIS).count(item, *whose, times=times):
            return f"{limit.too_many} {_how_long(wait)}"
    return ""


def take(limit: Limit, person_id: int | None, address: str, times: int = 1) -> None:
    """As `count`, and raises TooMany where that is too often."""
    if problem := count(limit, person_id, address, times):
        raise TooMany(problem)


# For where a loop must go on: a thread of its own, so that waiting for Redis holds up nothing else.
thread = ThreadPoolExecutor(1, thread_name_prefix="limits")
_count = sync_to_async(count, thread_sensitive=False, executor=thread)


async def acount(limit: Limit, person_id: int | None, address: str) -> str:
    """As `count`, from a coroutine."""
    return await _count(limit, person_id, address) if settings.RATE_LIMITS else ""


def _counted(limit: Limit, person_id: int | None, address: str) -> Iterator[tuple[Any, str, str]]:
    # An address that is not known is nobody's.
    if settings.RATE_LIMITS and person_id and limit.person:
        yield limit.person, limit.name, f"person-{person_id}"
    if settings.RATE_LIMITS and address:
        yield limit.address, limit.name, f"address-{address}"


class Counter:
    """Counts in the Redis at `url`, and by itself while that is away."""

    def __init__(self, url: str) -> None:
        connections = pool(
            url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            # Once more: a Redis that was started anew has dropped the connections there were.
            retry=Retry(NoBackoff(), 1),
        )
        prefix = f"{settings.REDIS_PREFIX}-limits"
        storage = RedisStorage("redis://", connection_pool=connections, key_prefix=prefix)
        self._shared = MovingWindowRateLimiter(storage)
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._away_until = 0.0

    def count(self, item: RateLimitItem, *whose: str, times: int = 1) -> float:
        """Count so many more, or none. Returns how many seconds to wait before there may be one more:
        0 if they were counted."""
        return self._ask(lambda limiter: _count_in(limiter, item, *whose, times=times))

    def _ask(self, what: Callable[[MovingWindowRateLimiter], float]) -> float:
        if monotonic() > self._away_until:
            try:
                return what(self._shared)
            except (RedisError, OSError) as error:
                self._away_until = monotonic() + AWAY_SECONDS
                log.warning("Redis cannot count, so each process does: %r", error)
        return what(self._own)

    def reset(self) -> None:
        """Forget all that was counted."""
        self._away_until = 0.0
        for limiter in (self._shared, self._own):
            limiter.storage.reset()


@cache
def _counter(url: str) -> Counter:
    return Counter(url)


def _count_in(limiter: MovingWindowRateLimiter, item: RateLimitItem, *whose: str, times: int) -> float:
    if limiter.hit(item, *whose, cost=times):
        return 0
    return max(limiter.get_window_stats(item, *whose).reset_time - time(), 1)


def _how_long(seconds: float) -> str:
    if seconds > 3600:
        count = ceil(seconds / 3600)
        wait = ngettext(
            "Please wait %(count)s hour and try again.", "Please wait %(count)s hours and try again.", count
        )
    elif seconds > 60:
        count = ceil(seconds / 60)
        wait = ngettext(
            "Please wait %(count)s minute and try again.",
            "Please wait %(count)s minutes and try again.",
            count,
        )
    else:
        count = ceil(seconds)
        wait = ngettext(
            "Please wait %(count)s second and try again.",
            "Please wait %(count)s seconds and try again.",
            count,
        )
    return wait % {"count": count}
