"""The one door: every change to a room goes in here.

    message = changes.post(room, author, "hello")           # any Django code, in any process
    message = await changes.apost(room, author, "hello")    # the same, where there is a loop

A change takes the next tick of the room's clock and is committed before anybody hears of it.
Redis then carries it to the hub of every process, which shows it in the room's tabs. Where
Redis fails, the hubs find it in the database: publishing is a hint, never the record.
"""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import transaction
from django.utils import timezone

from rooms import fragments
from rooms.models import Message, Person, Room
from rooms.models.room import group_of

log = logging.getLogger(__name__)

PUBLISH_SECONDS = 2.0  # how long a Redis that does not answer may hold up a writer


@dataclass(frozen=True, slots=True)
class Change:
    """One tick of a room's clock, and the fragment that shows what it did."""

    room_id: int
    version: int
    fragment: str


def post(
    room: Room, author: Person, body: str, *, key: str | None = None, at: datetime | None = None
) -> Message:
    """Say `body` in `room` and return the message, committed unless the caller has an open
    transaction; it is published once that commits.

    `body` is text as a form has cleaned it, at most `Message.BODY_LENGTH` characters. `key`
    (at most 64 characters) names this message among the author's: said again under the same
    key in the same room, it is returned as it was and not said twice. `at` is when it was
    said, now unless given.
    """
    message, is_new = _record(room.pk, author, body, key, at)
    if is_new:
        transaction.on_commit(lambda: async_to_sync(publish)(_change(message)))
    return message


async def apost(
    room: Room, author: Person, body: str, *, key: str | None = None, at: datetime | None = None
) -> Change | None:
    """As `post`, from a coroutine. Returns the change, committed; None if it was said before."""
    change = await database_sync_to_async(_record_change)(room.pk, author, body, key, at)
    if change is not None:
        await publish(change)
    return change


def _record_change(*args) -> Change | None:
    message, is_new = _record(*args)
    return _change(message) if is_new else None


def _change(message: Message) -> Change:
    return Change(message.room_id, message.version, fragments.change(message))


@transaction.atomic
def _record(
    room_id: int, author: Person, body: str, key: str | None, at: datetime | None
) -> tuple[Message, bool]:
    # The row lock orders writers: whoever holds it has the next tick to itself until it commits.
    room = Room.objects.select_for_update().get(pk=room_id)
    if key is not None:
        said = Message.objects.filter(room=room, key=key, author=author).first()
        if said is not None:
            return said, False
    message = _next_message(room, author, body, key, at or timezone.now())
    message.save(force_insert=True)
    room.save(update_fields=["clock", "last_at", "last_author"])
    return message, True


def _next_message(room: Room, author: Person, body: str, key: str | None, at: datetime) -> Message:
    """Tick the clock of `room`, in memory, and return the unsaved message of that tick."""
    room.clock += 1
    message = Message(
        room=room,
        author=author,
        seq=room.clock,
        version=room.clock,
        at=at,
        body=body,
        html=fragments.body_html(body),
        previous_at=room.last_at,
        follows_author=room.last_author_id == author.pk,
        key=key,
    )
    room.last_at, room.last_author = at, author
    return message


async def publish(change: Change) -> None:
    """Tell every process. A Redis that fails costs time, never the change: it is committed."""
    layer = get_channel_layer()
    event = {"type": "change", "room": change.room_id, "version": change.version, "fragment": change.fragment}
    try:
        async with asyncio.timeout(PUBLISH_SECONDS):
            await layer.group_send(group_of(change.room_id), event)
    except Exception as error:  # noqa: BLE001 — whatever ails Redis, the change stands
        log.warning("room %s: change %s was not published: %r", change.room_id, change.version, error)
