"""The one door: every change to a room goes in here.

    message = changes.post(room, author, "hello")           # any Django code, in any process
    message = await changes.apost(room, author, "hello")    # the same, where there is a loop

A change takes the next tick of the room's clock and is committed before anybody hears of it.
Redis then carries it to the hub of every process, which shows it in the room's tabs. Where
Redis fails, the hubs find it in the database: publishing is a hint, never the record.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from asgiref.sync import async_to_sync
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from django.db import connection, transaction
from django.utils import timezone

from rooms import fragments
from rooms.history_file import Line
from rooms.models import Membership, Message, Person, Room
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
) -> tuple[Message, Change | None]:
    """As `post`, from a coroutine. Returns the change too, or None if it was said before."""
    message, change = await database_sync_to_async(_record_change)(room.pk, author, body, key, at)
    if change is not None:
        await publish(change)
    return message, change


def load(room: Room, lines: Sequence[Line]) -> int:
    """Bring what was said elsewhere into `room`, in this order, and return how much of it was new.

    A line whose author has used its key in this room before is passed over: lines may be brought
    in again. At most 900 of them. Authors are made where there are none, and join the room. All
    that is new is committed at once, or nothing; raises Room.DoesNotExist if the room is gone.
    Nothing is published: the hubs see the clock within seconds.
    """
    # Before the room's lock is taken: nobody then waits for a person while holding a room.
    people = Person.called({line.author for line in lines})
    return _load(room.pk, lines, people)


@transaction.atomic
def _load(room_id: int, lines: Sequence[Line], people: dict[str, Person]) -> int:
    room = Room.objects.select_for_update().get(pk=room_id)
    known = Message.objects.filter(room=room, key__in=[line.key for line in lines])
    said = set(known.values_list("key", "author_id"))
    messages = [
        _next_message(room, people[line.author], line.body, line.key, line.at)
        for line in lines
        if (line.key, people[line.author].pk) not in said
    ]
    if messages:
        _insert(messages)
        Membership.join(room_id, *{message.author_id for message in messages})
        room.save(update_fields=["clock", "last_seq", "last_at", "last_author"])
    return len(messages)


def _insert(messages: Sequence[Message]) -> None:
    # As bulk_create, at a third of the time it takes for a row; an archive has hundreds of thousands.
    fields = [field for field in Message._meta.local_concrete_fields if not field.primary_key]
    columns = ", ".join(connection.ops.quote_name(field.column) for field in fields if field.column)
    places = ", ".join(["%s"] * len(fields))
    values_of = attrgetter(*(field.attname for field in fields))
    adapted = connection.ops.adapt_datetimefield_value
    rows = [
        [adapted(value) if isinstance(value, datetime) else value for value in values_of(message)]
        for message in messages
    ]
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {Message._meta.db_table} ({columns}) VALUES ({places})", rows)  # noqa: S608


def _record_change(*args: Any) -> tuple[Message, Change | None]:
    message, is_new = _record(*args)
    return message, _change(message) if is_new else None


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
    room.save(update_fields=["clock", "last_seq", "last_at", "last_author"])
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
        previous_at=room.last_at if room.last_seq else None,
        follows_author=room.last_author_id == author.pk,
        key=key,
    )
    room.last_seq, room.last_at, room.last_author = room.clock, at, author
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
