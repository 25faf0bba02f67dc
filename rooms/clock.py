"""A room's clock: every change takes the next tick of it, with the room locked.

In the order of their commits these are 1, 2, 3 …: whoever holds the lock has the next to themselves.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from rooms import extras, markup, publishing
from rooms.events import Change
from rooms.markup import Rendered
from rooms.models import Message, Person, Room, Thread
from rooms.models.message import name_people


def tick(room: Room, *fields: str) -> int:
    """The next tick of the clock of `room`, a room that is locked, kept together with `fields` of
    it; those that end in `_version` are set to the tick."""
    room.clock += 1
    for name in fields:
        if name.endswith("_version"):
            setattr(room, name, room.clock)
    room.save(update_fields=["clock", *fields])
    return room.clock


def next_message(
    room: Room,
    place: Room | Thread,
    author: Person,
    body: str,
    key: str | None,
    at: datetime,
    rendered: Rendered,
) -> Message:
    """Tick the clock of `room`, in memory, and return the unsaved message of that tick, the next in `place`:
    the room itself or a thread in it."""
    room.clock += 1
    # By position, in the order of the model's fields: by name takes Django twice the time.
    values: list[Any] = [
        None,
        room.pk,
        author.pk,
        room.clock,
        room.clock,
        at,
        body,
        rendered.html,
        markup.VERSION,
        place.last_at if place.last_seq else None,
        place.last_author_id == author.pk,
        key,
    ]
    message = Message(*values)  # type: ignore[misc,unused-ignore]
    message.room = room
    room.latest_seq = place.last_seq = room.clock
    place.last_at, place.last_author_id = at, author.pk
    return message


def altered(message: Message, fields: Sequence[str] = ()) -> Change:
    """Keep that `fields` of `message`, or what hangs on it, is another: one tick. Its author and its room
    are at hand, and that is locked. Returns the change."""
    extras.renew(message)
    name_people([message])
    message.version = tick(message.room)
    message.save(update_fields=[*fields, "extras", "version"])
    change = Change(message.room_id, message.version, message, is_new=False)
    publishing.publish_after_commit(change)
    return change


def quote_anew(room: Room, seqs: Sequence[int]) -> None:
    """Have the answers to the messages at `seqs` of `room`, a room that is locked, quote what those say by
    now. A tick for each."""
    answers = Message.objects.filter(room=room, reply_seq__in=seqs, deleted_at=None)
    for answer in answers.select_related("author").order_by("seq"):
        answer.room = room
        altered(answer)


def renew_above(room: Room, seqs: Iterable[int]) -> None:
    """Have the messages at `seqs` of `room`, a room that is locked, say how much is in the threads under
    them. A tick for each."""
    for message in Message.objects.filter(room=room, seq__in=seqs).select_related("author").order_by("seq"):
        message.room = room
        altered(message)
