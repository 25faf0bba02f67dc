"""Telling every process what was committed. A hint, never the record: whatever ails Redis costs time
alone, and the hubs find in the database what they were not told."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import transaction

from rooms import metrics
from rooms.batches import Batches
from rooms.events import Change, Notice, group_of_person
from rooms.models import Membership, Room
from rooms.models.room import group_of

log = logging.getLogger(__name__)

PUBLISH_SECONDS = 2.0  # how long a Redis that does not answer may hold up a writer
MOST_AT_ONCE = 256  # events in one trip
MOST_WAITING = 1024  # events; some 1 MB

Event = tuple[str, dict[str, Any]]  # a group, and what it is sent


def publish_after_commit(change: Change) -> None:
    transaction.on_commit(lambda: async_to_sync(publish)(change))


def notify_after_commit(notice: Notice) -> None:
    transaction.on_commit(lambda: async_to_sync(notify)(notice))


def tell_members_after_commit(room: Room) -> None:
    """Have everybody who is in `room` see that it is back in the list of their rooms. Those who cannot
    be told within PUBLISH_SECONDS see it on their next page."""
    transaction.on_commit(lambda: async_to_sync(_tell_members)(room.pk))


async def _tell_members(room_id: int) -> None:
    members = Membership.objects.filter(room=room_id).values_list("person", flat=True)
    ids = await database_sync_to_async(lambda: list(members))()
    await _send([_told(Notice(person_id, "rooms")) for person_id in ids])


async def publish(change: Change) -> None:
    """Tell every process; what is told at the same time goes in one trip to Redis."""
    metrics.published(change)
    await _told_to_redis(_of(change))


def publish_soon(change: Change) -> None:
    """The same, where there is a loop, and nobody waits for it. A Redis that is MOST_WAITING behind is told
    no more until it is less."""
    metrics.published(change)
    outgoing = _outgoing.here()
    if outgoing.backlog < MOST_WAITING:
        outgoing.put(_of(change))
    else:
        metrics.UNPUBLISHED.inc()


async def finished() -> None:
    """Wait until Redis has been told all that it is to be told by this loop."""
    await _outgoing.here().finished()


def _of(change: Change) -> Event:
    return group_of(change.room_id), change.event()


async def notify(notice: Notice) -> None:
    """Tell every process where this person has tabs."""
    await _told_to_redis(_told(notice))


async def _told_to_redis(event: Event) -> None:
    """Have Redis told; whoever waits for that does not wait behind all others while it does not answer."""
    await asyncio.wait([_outgoing.here().put(event)], timeout=PUBLISH_SECONDS)


def _told(notice: Notice) -> Event:
    return group_of_person(notice.person_id), notice.event()


async def _send(events: Sequence[Event]) -> Sequence[None]:
    try:
        async with asyncio.timeout(PUBLISH_SECONDS):
            await get_channel_layer().group_send_all(events)
        metrics.sent(event for _, event in events)
    except Exception as error:  # noqa: BLE001 — whatever ails Redis, what is committed stands
        metrics.UNPUBLISHED.inc(len(events))
        groups = ", ".join(sorted({group for group, _ in events}))
        log.warning("not published to %s: %r", groups, error)
    return [None] * len(events)


_outgoing = Batches(_send, MOST_AT_ONCE)
