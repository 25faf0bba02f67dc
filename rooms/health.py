"""Whether this process can serve: what it needs, each asked for by itself, with little patience."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings
from django.db import close_old_connections, connection
from django.db.migrations.executor import MigrationExecutor
from redis.asyncio import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from project.redis_servers import async_pool
from rooms.hub import Hub

log = logging.getLogger(__name__)

SECONDS = 2.0  # for each check


class NotReady(RuntimeError):
    """Something that the site needs is not as it should be."""


async def failures(excluded: Collection[str] = ()) -> dict[str, bool]:
    """By name, whether each of the checks failed, but for those `excluded`. None takes longer than
    SECONDS, and they are made side by side. Why one failed is logged, and not told."""
    asked = [name for name in CHECKS if name not in excluded]
    failed = await asyncio.gather(*map(_fails, asked))
    return dict(zip(asked, failed, strict=True))


async def _fails(name: str) -> bool:
    try:
        async with asyncio.timeout(SECONDS):
            await CHECKS[name]()
    except Exception as error:  # noqa: BLE001 — whatever it is, it is not as it should be
        log.warning("not ready: %s: %r", name, error)
        return True
    return False


# A database that does not answer holds a thread of these for as long as it likes: it is not asked again
# meanwhile, and nobody else waits for it.
_threads = ThreadPoolExecutor(max_workers=3, thread_name_prefix="health")
_asked: dict[Callable[[], Any], Future[Any]] = {}


async def in_thread(ask: Callable[[], Any]) -> Any:
    """What `ask`, which may use the database, returns or raises. Whoever asks the same while that is
    under way gets the same answer."""
    if ask not in _asked or _asked[ask].done():
        _asked[ask] = _threads.submit(_connected, ask)
    return await asyncio.shield(asyncio.wrap_future(_asked[ask]))


def _connected(ask: Callable[[], Any]) -> Any:
    close_old_connections()
    try:
        return ask()
    finally:
        close_old_connections()


async def _database() -> None:
    await in_thread(_select)


def _select() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


async def _migrations() -> None:
    # What has been applied stays so while this release runs.
    if not _applied and await in_thread(_unapplied):
        raise NotReady("there are migrations that have not been applied")
    _applied.add(True)


_applied: set[bool] = set()


def _unapplied() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


async def _redis() -> None:
    patience: dict[str, Any] = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS}
    redis = Redis.from_pool(async_pool(settings.REDIS, retry=Retry(NoBackoff(), 0), **patience))
    try:
        await redis.ping()
    finally:
        await redis.aclose()


async def _hub() -> None:
    """What is sent to the hub's own channel has to come back, if it listens to anything yet."""
    hub = Hub.here()
    if hub.channel is None:
        if hub.audiences:
            raise NotReady("the hub hears nothing")
        return
    hub.echoed.clear()
    try:
        await get_channel_layer().send(hub.channel, {"type": "echo"})
        await hub.echoed.wait()
    except RedisError as error:
        raise NotReady("the hub cannot be asked") from error


CHECKS: dict[str, Callable[[], Awaitable[None]]] = {
    "database": _database,
    "migrations": _migrations,
    "redis": _redis,
    "hub": _hub,
}
