"""Side conversations: what is said under one message of a room and shown beside it, not in between.

Whatever is in a thread is said in its room like all else: it has its place in the history and is found,
whoever may see the room may see it, and the same clock orders it. Only the room's own page leaves it out,
where the message above says how much there is. Whoever takes part follows the thread, until they do not
wish to.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Greatest
from django.utils.translation import gettext as _

from rooms import access, locks
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


def keep_last(thread: Thread) -> None:
    """Keep what `thread` says of its last message."""
    thread.save(update_fields=["last_seq", "last_at", "last_author"])


@dataclass(frozen=True, slots=True)
class Turn:
    """A new message in a thread."""

    thread: Thread  # as it is with this message
    author: Person
    named: tuple[int, ...]  # the people whom it names or addresses
    before: int  # the seq of the message before it


def go_on(turns: Sequence[Turn]) -> list[tuple[int, ...]]:
    """Keep what these `turns`, in the order in which they were taken, are to those who follow their threads,
    of rooms that are locked. Whoever takes one or is named follows from then on. Returns for each who is to
    be told."""
    Following.objects.bulk_create(
        [
            Following(thread=turn.thread, person_id=person_id, read_seq=read_seq)
            for turn in turns
            for person_id, read_seq in (
                (turn.author.pk, turn.thread.last_seq),
                *((person_id, turn.before) for person_id in turn.named),
            )
        ],
        ignore_conflicts=True,
    )
    deaf = [_deaf(turn) for turn in turns]
    locks.take_followers(
        {
            (turn.thread.pk, person_id)
            for turn, unmoved in zip(turns, deaf, strict=True)
            for person_id in {turn.author.pk, *turn.named, *unmoved}
        }
    )
    return [_go_on(turn, unmoved) for turn, unmoved in zip(turns, deaf, strict=True)]


def _deaf(turn: Turn) -> set[int]:
    """Those who follow the thread and have blocked the author: they hear nothing of it."""
    theirs = turn.thread.followings.filter(person__blocks__blocked=turn.author)
    return set(theirs.values_list("person", flat=True))


def _go_on(turn: Turn, deaf: set[int]) -> tuple[int, ...]:
    followings, seq = turn.thread.followings, turn.thread.last_seq
    followings.filter(person=turn.author).update(read_seq=seq)
    if turn.named:
        followings.filter(person__in=turn.named).update(mentions=F("mentions") + 1)
    if deaf:
        followings.filter(person__in=deaf, read_seq__gte=turn.before).update(read_seq=seq)
    told = Membership.objects.filter(room=turn.thread.room_id).exclude(level=Level.NOTHING)
    # Who follows since a later turn has nothing to hear of this one.
    others = followings.filter(person__membership__in=told, read_seq__lt=seq).exclude(person=turn.author)
    return tuple(others.exclude(person__in=deaf).order_by("pk").values_list("person", flat=True))


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


def mark_read(person_id: int, room_id: int, seq: int, upto: int | None = None) -> Following | None:
    """Record that the person has read the thread under the message at `seq`, `upto` one of its messages or
    all of it, and is named or addressed in it no more. Returns how they stood with it, if anything in it
    was new to them."""
    unread = Following.objects.filter(_is_unread, person=person_id, thread__room=room_id, thread__seq=seq)
    if not unread.exists():
        return None
    with transaction.atomic():
        mine = Membership.objects.filter(room=room_id, person=person_id)
        locks.take(mine)
        following = unread.select_related("thread").select_for_update(of=("self",)).first()
        if following is None:
            return None
        last_seq = following.thread.last_seq
        read_seq = max(following.read_seq, min(upto or last_seq, last_seq))
        Following.objects.filter(pk=following.pk).update(read_seq=read_seq, mentions=0)
        if following.mentions:
            mine.update(mentions=Greatest(F("mentions") - following.mentions, 0))
    return following


_is_unread = Q(read_seq__lt=F("thread__last_seq")) | Q(mentions__gt=0)


def forget_mentions(room_id: int, people_ids: Sequence[int]) -> None:
    """These people, whose memberships of the room are locked, are named in its threads no more."""
    named = Following.objects.filter(thread__room=room_id, person__in=people_ids, mentions__gt=0)
    Following.objects.filter(pk__in=locks.take(named)).update(mentions=0)


@transaction.atomic
def mark_all_read(person_id: int) -> None:
    """Record that the person has read all the threads that they follow."""
    unread = Following.objects.filter(_is_unread, person=person_id)
    keys = locks.take(unread)
    last_seq = Thread.objects.filter(pk=OuterRef("thread")).values("last_seq")
    Following.objects.filter(pk__in=keys).update(read_seq=Subquery(last_seq), mentions=0)


def is_any_new(person_id: int) -> bool:
    """Whether anything was said in the threads that the person follows, in rooms that they are in."""
    return first(_unread(person_id)) is not None


def _unread_of(person_id: int) -> Any:
    return _unread_in(Following.objects.filter(person=person_id))[:1]


def _unread_in(followings: QuerySet[Following]) -> QuerySet[Following]:
    """Those of `followings` in which something is new to who wishes to know."""
    told = Membership.objects.filter(room=OuterRef("thread__room"), person=OuterRef("person"))
    unread = followings.filter(thread__count__gt=0, read_seq__lt=F("thread__last_seq"))
    return unread.filter(Exists(told.exclude(level=Level.NOTHING)))


def who_has_new(room_id: int, people_ids: Iterable[int]) -> set[int]:
    """Those of these people to whom anything is new in the threads of the room."""
    ids, found = sorted(people_ids), set[int]()
    for start in range(0, len(ids), 500):
        some = Following.objects.filter(thread__room=room_id, person__in=ids[start : start + 500])
        found.update(_unread_in(some).values_list("person", flat=True))
    return found


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
    gone: list[int] = []
    for thread in Thread.objects.filter(room=room, seq__in=set(seqs)).order_by("pk"):
        said = Message.objects.filter(room=room, thread_seq=thread.seq)
        thread.count = said.filter(deleted_at=None).count()
        if said.exists():
            thread.save(update_fields=["count"])
        else:
            gone.append(thread.pk)
    if gone:
        locks.take(Following.objects.filter(thread__in=gone))
        Thread.objects.filter(pk__in=gone).delete()
