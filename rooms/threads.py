"""Side conversations: what is said under one message of a room and shown beside it, not in between.

Whatever is in a thread is said in its room like all else: it has its place in the history and is found,
whoever may see the room may see it, and the same clock orders it. Only the room's own page leaves it out,
where the message above says how much there is. Whoever takes part follows the thread, until they do not
wish to.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from rooms import access
from rooms.access import Refused
from rooms.models import Following, Level, Membership, Message, Person, Room, Thread
from rooms.models.message import in_room, name_people
from rooms.prepared import first, prepared

MOST_LISTED = 100  # threads of one person, the liveliest


def under(room: Room, seq: int) -> Thread:
    """The thread under the message at `seq` of `room`, a room that is locked; begun if there is none yet.
    Under a message that is in a thread itself, that is the same thread. Raises Refused where there is
    nothing that it could be under."""
    above = Message.objects.filter(room=room, seq=seq).only("seq", "at", "thread_seq", "author", "deleted_at")
    message = above.first()
    if message is not None and message.thread_seq is not None:
        seq = message.thread_seq
    thread = Thread.objects.filter(room=room, seq=seq).first()
    if thread is not None:
        return thread
    if message is None or message.deleted_at is not None:
        raise Refused(_("The message that this is about is not there any more."))
    thread = Thread.objects.create(room=room, seq=seq, last_seq=seq, last_at=message.at)
    Following.objects.create(thread=thread, person_id=message.author_id, read_seq=seq)
    return thread


def grow(thread: Thread, at: datetime) -> None:
    """Keep that something is said in `thread` at this time, which itself stays as it was until then."""
    Thread.objects.filter(pk=thread.pk).update(count=F("count") + 1, last_at=at)


def go_on(thread: Thread, author: Person) -> tuple[int, ...]:
    """Keep what `thread`, whose last message is by `author`, says of that. Returns who is to be told."""
    thread.save(update_fields=["last_seq", "last_at", "last_author"])
    follow(thread, author, read_seq=thread.last_seq)
    told = Membership.objects.filter(room=thread.room_id).exclude(level=Level.NOTHING)
    others = thread.followings.filter(person__membership__in=told).exclude(person=author)
    # Who has blocked the author hears nothing of it.
    others = others.exclude(person__in=author.blocked_by.values("person"))
    return tuple(others.order_by("pk").values_list("person", flat=True))


def follow(thread: Thread, person: Person, *, is_on: bool = True, read_seq: int = 0) -> None:
    """Have `person` be told of what is said in `thread`, of which they have read up to `read_seq`, or no
    longer."""
    if not is_on:
        thread.followings.filter(person=person).delete()
    else:
        Following.objects.update_or_create(thread=thread, person=person, defaults={"read_seq": read_seq})


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page of a thread shows beside what is said in it."""

    seq: int  # of the message that it is under
    above: Message | None  # that message, if it is there
    is_begun: bool = False
    is_followed: bool = False


def shown(room: Room, seq: int, person: Person) -> Shown:
    """The thread under the message at `seq`, as `person` sees it."""
    found = Message.objects.filter(room=room, seq=seq, thread_seq=None).select_related("author")
    thread = Thread.objects.filter(room=room, seq=seq).first()
    return Shown(
        seq=seq,
        above=next(iter(in_room(room, found)), None),
        is_begun=thread is not None,
        is_followed=thread is not None and thread.followings.filter(person=person).exists(),
    )


def mark_read(person_id: int, room_id: int, seq: int) -> bool:
    """Record that the person has read all of the thread under the message at `seq`. Returns whether
    anything in it was new to them."""
    unread = Following.objects.filter(person=person_id, thread__room=room_id, thread__seq=seq)
    unread = unread.filter(read_seq__lt=F("thread__last_seq")).select_related("thread")
    for following in unread:
        Following.objects.filter(pk=following.pk).update(read_seq=following.thread.last_seq)
        return True
    return False


def mark_all_read(person_id: int) -> None:
    """Record that the person has read all the threads that they follow."""
    last_seq = Thread.objects.filter(pk=OuterRef("thread")).values("last_seq")
    Following.objects.filter(person=person_id).update(read_seq=Subquery(last_seq))


def is_any_new(person_id: int) -> bool:
    """Whether anything was said in the threads that the person follows, in rooms that they are in."""
    return first(_unread(person_id)) is not None


def _unread_of(person_id: int) -> Any:
    unread = Following.objects.filter(person=person_id, read_seq__lt=F("thread__last_seq"))
    return unread.filter(thread__room__membership__person=person_id)[:1]


_unread = prepared(_unread_of, -1)


def followed(person: Person) -> list[tuple[Following, Message | None]]:
    """The threads that `person` follows and may see, the liveliest first, each with the message that it
    is under, if that is there."""
    visible = access.visible_to(person).values("pk")
    mine = Following.objects.filter(person=person, thread__room__in=visible, thread__count__gt=0)
    found = list(mine.select_related("thread__room").order_by("-thread__last_at", "-pk")[:MOST_LISTED])
    places = [Q(room=one.thread.room_id, seq=one.thread.seq) for one in found]
    messages = Message.objects.filter(reduce(or_, places, Q(pk=None))).select_related("author", "room")
    above = {(message.room_id, message.seq): message for message in messages}
    name_people(above.values())
    return [(one, above.get((one.thread.room_id, one.thread.seq))) for one in found]


def recount(room: Room, seqs: Iterable[int]) -> None:
    """Count anew what is in the threads under the messages at `seqs` of `room`, a room that is locked. One
    in which nothing is left is gone."""
    for thread in Thread.objects.filter(room=room, seq__in=set(seqs)):
        said = Message.objects.filter(room=room, thread_seq=thread.seq)
        thread.count = said.filter(deleted_at=None).count()
        if said.exists():
            thread.save(update_fields=["count"])
        else:
            thread.delete()
