"""Keeping what is said: one message, or all that comes while others are being committed.

For `changes`, which is the door, and publishes what is new once it is committed.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil

from channels.db import database_sync_to_async
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from project.database import is_of_one_row
from rooms import access, clock, extras, locks, mentions, statements, threads
from rooms.access import Access, Refused
from rooms.batches import Batches
from rooms.events import Change
from rooms.markup import Rendered
from rooms.models import Kind, Level, Membership, Message, Person, Room, Thread
from rooms.models.message import name_people
from rooms.models.room import people_of
from rooms.search import index
from rooms.tally import tally

log = logging.getLogger(__name__)

Attach = Callable[[Message], None]

MOST_TOGETHER = 64  # messages in one transaction


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be said, as it was asked for."""

    body: str
    key: str | None = None
    at: datetime | None = None
    reply: int | None = None
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Posting:
    """Somebody says something in a room."""

    room_id: int
    author: Person
    said: Said
    known: Access | None = None

    def before(self) -> Message | None:
        """The same, where it was said before."""
        said = Message.objects.filter(room=self.room_id, key=self.said.key, author=self.author)
        return said.first() if self.said.key else None


Recorded = tuple[Message, Change | None]


def record(posting: Posting, attach: Attach | None = None) -> Recorded:
    """Keep what is said, committed unless the caller has an open transaction, and leave it to the caller to
    publish the change; that is None where the same was said before. Raises as `post`."""
    # Which takes a while; writers wait for each other below.
    rendered = mentions.rendered(posting.said.body, posting.room_id)
    try:
        with transaction.atomic():
            # The row lock orders writers: whoever holds it has the next tick to itself until it commits.
            mine = access.locked(posting.room_id, posting.author, posting.known)
            new = New()
            recorded = _record_within(mine, posting, rendered, new, attach)
            new.insert()
            new.tell()
            return recorded
    except (IntegrityError, Refused):
        # Looked for only now: hardly anything is said twice, and every post would wait for the answer.
        if before := posting.before():
            return before, None
        raise


async def _record_all(postings: Sequence[Posting]) -> Sequence[Recorded | Exception]:
    return await database_sync_to_async(record_together)(postings)


def record_together(postings: Sequence[Posting]) -> Sequence[Recorded | Exception]:
    """Record all of it in one transaction, which costs hardly more than one does. What is refused was
    refused before any of it was written, and leaves the others as they are. Where anything else goes wrong
    each is recorded by itself. Raises where the database fails as a whole."""
    if len(postings) > 1:
        try:
            rendered = [mentions.rendered(posting.said.body, posting.room_id) for posting in postings]
            with transaction.atomic():
                rooms, new = statements.locked_rooms({posting.room_id for posting in postings}), New()
                both = zip(postings, rendered, strict=True)
                recorded = [_record_with_others(rooms, new, *each) for each in both]
                new.insert()
                new.tell()
                return recorded
        except (OperationalError, InterfaceError) as error:
            if not is_of_one_row(error):
                raise
        except Exception as error:  # noqa: BLE001 — whose it is shows when each is by itself
            log.info("%s messages are said one by one: %r", len(postings), error)
    return [_record_by_itself(posting) for posting in postings]


def _record_with_others(
    rooms: dict[int, Room], new: "New", posting: Posting, rendered: Rendered
) -> Recorded | Exception:
    room = rooms.get(posting.room_id)
    if room is None:
        return Room.DoesNotExist()
    try:
        return _record_within(access.within(room, posting.author, posting.known), posting, rendered, new)
    except Refused as refusal:
        before = posting.before()
        return (before, None) if before else refusal


def _record_by_itself(posting: Posting) -> Recorded | Exception:
    try:
        return record(posting)
    except Exception as error:  # noqa: BLE001 — of whoever waits for it
        return error


postings = Batches(_record_all, MOST_TOGETHER)


def is_any_coming() -> bool:
    """Whether anything said in this loop is being committed at this moment."""
    return postings.here().is_busy


@dataclass(frozen=True, slots=True)
class Concern:
    """A new message that somebody may have to be told of."""

    change: Change
    room: Room
    author: Person
    addressed: set[int]  # whom it names or answers
    thread: Thread | None  # that it is in, as it is with this message
    before: int  # the seq of the message before it there

    def people(self) -> set[int]:
        """Those for whom it may have to be counted."""
        return self.addressed.union(people_of(self.room.people_key)) - {self.author.pk}


class New:
    """New messages of rooms that are locked, in order, to be inserted together."""

    def __init__(self) -> None:
        self._messages: list[Message] = []
        self._after: dict[int, int] = {}  # by room: the seq of the message before the first of them
        self.concerns: list[Concern] = []

    def add(self, message: Message, after: int) -> None:
        self._messages.append(message)
        self._after.setdefault(message.room_id, after)

    def insert(self, attach: Attach | None = None) -> None:
        """Insert them, `attach` to the last what belongs to it, and count them in their rooms."""
        if not self._messages:
            return
        statements.insert(self._messages)
        if attach is not None:
            attach(self._messages[-1])
            self._messages[-1].save(update_fields=["extras"])
        index.put(self._messages, are_new=True)
        of_rooms: dict[int, list[Message]] = defaultdict(list)
        for message in self._messages:
            of_rooms[message.room_id].append(message)
        tally(
            *(
                (room_id, self._after[room_id], [(message.seq, message.at) for message in messages])
                for room_id, messages in of_rooms.items()
            )
        )
        statements.keep_last(*(messages[-1].room for messages in of_rooms.values()))
        self._messages, self._after = [], {}

    def tell(self) -> None:
        """Count them for those whom they concern: last, and of all at once, as `locks` has it."""
        if len(self.concerns) > 1:
            # Also who wishes to be told of nothing: until they are locked, that may change.
            locks.take_members({(one.room.pk, pk) for one in self.concerns for pk in one.people()})
        turns: list[tuple[Change, threads.Turn]] = []
        for one in self.concerns:
            mentioned = _count_mentions(one.room, one.author, one.addressed)
            one.change.tells(mentioned)
            if one.thread is not None:
                turns.append((one.change, threads.Turn(one.thread, one.author, mentioned, one.before)))
        if turns:
            followers = threads.go_on([turn for _, turn in turns])
            for (change, turn), told in zip(turns, followers, strict=True):
                change.tells(turn.named, told)


def _record_within(
    mine: Access, posting: Posting, rendered: Rendered, new: New, attach: Attach | None = None
) -> Recorded:
    """In a room that is locked. What is said is among the `new` messages, or has been inserted; whom it
    concerns is told by `new`."""
    room, author, said = mine.room, posting.author, posting.said
    at = said.at or timezone.now()
    if posting.known is not None and not mine.is_member:
        raise Refused(_("You are not in this room any more."))  # whose tab is about to close
    _check_may_post(mine, at)
    latest_seq = room.latest_seq
    thread = threads.under(room, said.thread) if said.thread else None
    before = thread.last_seq if thread else latest_seq
    if thread is not None:
        threads.grow(thread, at)
        clock.renew_above(room, [thread.seq])
    message = clock.next_message(room, thread or room, author, said.body, said.key, at, rendered)
    message.author = author
    answered = _answer(message, said.reply) if said.reply else None
    message.thread_seq = thread.seq if thread else None
    if thread is not None:
        threads.keep_last(thread)
    new.add(message, latest_seq)
    if attach or thread or room.slow_seconds:  # what comes next looks at it
        new.insert(attach)
    addressed = {*rendered.mentioned, *([answered] if answered else [])}
    change = Change(room.pk, message.version, message)
    if addressed or thread or room.kind == Kind.DIRECT:
        new.concerns.append(Concern(change, room, author, addressed, thread, before))
    return message, change


def _answer(message: Message, seq: int) -> int | None:
    """Have `message`, which is new, answer the one at `seq`. Returns the id of who wrote that."""
    message.reply_seq = seq
    extras.begin(message)
    if message.extras is None:
        message.reply_seq = None
        return None
    name_people([message])
    return int(message.extras["reply"]["author"])


def _check_may_post(mine: Access, now: datetime) -> None:
    if problem := mine.why_not_post():
        raise Refused(problem)
    room = mine.room
    access.check_not_blocked(room)
    if room.slow_seconds and not mine.keeps_order:
        last = Message.objects.filter(room=room, author=mine.person).order_by("-seq").first()
        wait = room.slow_seconds - (now - last.at).total_seconds() if last else 0
        if wait > 0:
            raise Refused(f"{_slow(room.slow_seconds)} {_wait(ceil(wait))}")


def _slow(seconds: int) -> str:
    return ngettext(
        "This room is in slow mode: one message every %(count)s second.",
        "This room is in slow mode: one message every %(count)s seconds.",
        seconds,
    ) % {"count": seconds}


def _wait(seconds: int) -> str:
    return ngettext(
        "Please wait %(count)s more and send it again.",
        "Please wait %(count)s more and send it again.",
        seconds,
    ) % {"count": seconds}


def _count_mentions(room: Room, author: Person, named: set[int]) -> tuple[int, ...]:
    """Count the new message for everybody whom it names or answers or, in a direct room, addresses, as far
    as they want to be told."""
    if room.kind != Kind.DIRECT and not named:
        return ()
    concerned = Membership.objects.filter(room=room).exclude(person=author)
    told = Q(person__in=named) & ~Q(level=Level.NOTHING)
    concerned = concerned.filter(told | Q(level=Level.EVERYTHING) if room.kind == Kind.DIRECT else told)
    # Who has blocked the author hears nothing of it.
    concerned = concerned.exclude(person__in=author.blocked_by.values("person"))
    # In the order of `locks`.
    ids = list(concerned.order_by("pk").select_for_update(of=("self",)).values_list("pk", "person_id"))
    Membership.objects.filter(pk__in=[pk for pk, _ in ids]).update(
        mentions=F("mentions") + 1,
        mentioned_at=Case(When(mentions=0, then=Value(timezone.now())), default=F("mentioned_at")),
    )
    return tuple(person_id for _, person_id in ids)
