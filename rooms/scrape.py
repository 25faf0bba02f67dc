"""What a process has at the moment, looked at when somebody asks for its metrics."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from math import nan

from asgiref.sync import SyncToAsync
from django.db import Error
from django_tasks_db.models import DBTaskResult
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from rooms import health, limits, metrics, reading
from rooms.hub import Hub
from rooms.tab import Tab

# Posts, and all else that changes anything by a socket, are written in the one of asgiref.
THREADS = {
    "writing": SyncToAsync.single_thread_executor,
    "reading": reading.readers,
    "limits": limits.thread,
}


async def exposition(accept: str) -> tuple[bytes, str]:
    """All metrics in a format among those that the header `accept` asks for, and its content type."""
    _look(Hub.here())
    failed, waiting = await asyncio.gather(health.failures(), _tasks_waiting())
    for name, is_failed in failed.items():
        metrics.CHECKS.labels(name).set(not is_failed)
    metrics.TASKS.set(waiting)
    encode, content_type = choose_encoder(accept)
    return await asyncio.to_thread(encode, REGISTRY), content_type


def _look(hub: Hub) -> None:
    open_tabs = [tab for audience in hub.audiences.values() for tab in audience.tabs]
    tabs = [tab for tab in open_tabs if isinstance(tab, Tab)]
    metrics.TABS.set(len(open_tabs))
    metrics.ROOMS.set(sum(bool(audience.tabs) for audience in hub.audiences.values()))
    metrics.TABS_BEHIND.set(sum(tab.is_behind for tab in tabs))
    metrics.BACKLOG.set(sum(tab.backlog for tab in tabs))
    for name, executor in THREADS.items():
        metrics.THREADS.labels(name).set(_waiting_for(executor))


def _waiting_for(executor: ThreadPoolExecutor) -> int:
    return executor._work_queue.qsize()


async def _tasks_waiting() -> float:
    try:
        async with asyncio.timeout(health.SECONDS):
            return await health.in_thread(_count_tasks)
    except (Error, TimeoutError):
        return nan  # nobody knows


def _count_tasks() -> int:
    return DBTaskResult.objects.ready().count()
