"""The one door: every change to a room goes in here.

    message = changes.post(room, author, "hello")           # any Django code, in any process
    message = await changes.apost(room, author, "hello")    # the same, where there is a loop

A change takes the next tick of the room's clock and is committed before anybody hears of it.
Redis then carries it to the hub of every process, which shows it in the room's tabs. Where
Redis fails, the hubs find it in the database: publishing is a hint, never the record.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from channels.db import database_sync_to_async
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from project.database import is_of_one_row
from rooms import access, extras, file_store, locks, markup, mentions, publishing, statements, threads
from rooms.access import Access, Refused
from rooms.batches import Batches
from rooms.bulk import chunked, insert_messages
from rooms.events import Change, Notice
from rooms.history_file import Line
from rooms.markup import Rendered
from rooms.models import (
    Block,
    File,
    FormerSlug,
    Kind,
    Level,
    Membership,
    Message,
    Person,
    Pin,
    Room,
    Thread,
)
from rooms.models.message import name_people
from rooms.search import index
from rooms.tally import tally, untally

log = logging.getLogger(__name__)

Attach = Callable[[Message], None]

MOST_TOGETHER = 64  # messages in one transaction


def post(
    room: Room,
    author: Person,
    body: str,
    *,
    key: str | None = None,
    at: datetime | None = None,
    reply: int | None = None,
    thread: int = 0,
    attach: Attach | None = None,
) -> Message:
    """Say `body` in `room` and return the message, committed unless the caller has an open
    transaction; it is published once that commits.

    `body` is text as a form has cleaned it, at most `Message.BODY_LENGTH` characters. `key`
    (at most 64 characters) names this message among the author's: said again under the same
    key in the same room, it is returned as it was and not said twice. `at` is when it was
    said, now unless given. `reply` is the seq of the message that it answers; where that is not there
    any more, it answers none. `thread` is the seq of a message: this one is said in the thread under that.
    `attach` hangs on the new message what belongs to it, in the same
    transaction: its extras then say so, and are kept. Raises what that raises, Refused where the author
    may not write there, Room.DoesNotExist where the room is gone.
    """
    message, change = record(Posting(room.pk, author, Said(body, key, at, reply, thread)), attach)
    if change is not None:
        publishing.publish_after_commit(change)
    return message


async def apost(
    room: Room,
    author: Person,
    body: str,
    *,
    key: str | None = None,
    at: datetime | None = None,
    reply: int | None = None,
    thread: int = 0,
    known: Access | None = None,
    hear: Callable[[Change], None] | None = None,
) -> tuple[Message, Change | None]:
    """As `post`, from a coroutine; what is said while others are being committed is committed with the
    others that wait. Returns the change too, or None if it was said before. `known` is
    what the author, who is in the room, may do there, as far as that was read before. `hear`, if there is
    one, is given the change as soon as it is committed, and then nobody waits until Redis has it too."""
    posting = Posting(room.pk, author, Said(body, key, at, reply, thread), known)
    message, change = await _postings.here().do(posting)
    if change is not None and hear is not None:
        hear(change)
        publishing.publish_soon(change)
    elif change is not None:
        await publishing.publish(change)
    return message, change


def load(room: Room, lines: Sequence[Line]) -> int:
    """Bring what was said elsewhere into `room`, in this order, and return how much of it was new.

    A line whose author has used its key in this room before is passed over: lines may be brought
    in again. Some thousands of them at most. Authors are made where there are none, and join the room. All
    that is new is committed at once, or nothing; raises Room.DoesNotExist if the room is gone.
    Nothing is published: the hubs see the clock within seconds.
    """
    # Before the room's lock is taken: nobody then waits for a person while holding a room.
    people: dict[str, Person] = {}
    for some in chunked({line.author for line in lines}):
        people |= Person.called(some)
    # Where the first and the last are new, so are those between, as good as always. To look for each
    # would take a tenth of the time.
    try:
        return _load(room.pk, lines, people, [*lines[:1], *lines[-1:]])
    except IntegrityError:
        return _load(room.pk, lines, people, lines)


@transaction.atomic
def _load(room_id: int, lines: Sequence[Line], people: dict[str, Person], looked_for: Sequence[Line]) -> int:
    room = statements.locked_room(room_id)
    said = _said(room, looked_for) and _said(room, lines)
    latest_seq = room.latest_seq
    new = [line for line in lines if (line.key, people[line.author].pk) not in said]
    if new:
        messages = insert_messages(
            _next_message(
                room, room, people[line.author], line.body, line.key, line.at, markup.render(line.body)
            )
            for line in new
        )
        tally((room_id, latest_seq, [(message.seq, message.at) for message in messages]))
        index.put(messages, are_new=True)
        for authors in chunked({message.author_id for message in messages}):
            of_room = Membership.objects.filter(room=room, person__in=authors)
            if others := set(authors).difference(of_room.values_list("person", flat=True)):
                Membership.join(room_id, *others)
        statements.keep_last(room)
    return len(new)


def _said(room: Room, lines: Sequence[Line]) -> set[tuple[str | None, int]]:
    """The keys of those `lines` that were said in the room before, each with its author."""
    said: set[tuple[str | None, int]] = set()
    for keys in chunked([line.key for line in lines]):
        said.update(Message.objects.filter(room=room, key__in=keys).values_list("key", "author_id"))
    return said


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
    return await database_sync_to_async(_record_together)(postings)


def _record_together(postings: Sequence[Posting]) -> Sequence[Recorded | Exception]:
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


_postings = Batches(_record_all, MOST_TOGETHER)


def is_any_coming() -> bool:
    """Whether anything said in this loop is being committed at this moment."""
    return _postings.here().is_busy


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
        return self.addressed.union(_people_of(self.room)) - {self.author.pk}


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
        _renew_above(room, [thread.seq])
    message = _next_message(room, thread or room, author, said.body, said.key, at, rendered)
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


def _renew_above(room: Room, seqs: Iterable[int]) -> None:
    """Have the messages at `seqs` of `room`, a room that is locked, say how much is in the threads under
    them. A tick for each."""
    for message in Message.objects.filter(room=room, seq__in=seqs).select_related("author").order_by("seq"):
        message.room = room
        altered(message)


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
    check_not_blocked(room)
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


def check_not_blocked(room: Room) -> None:
    """Raises Refused where one of two people does not want to hear from the other. Among more, it is
    their own stylesheet that hides somebody."""
    ids = _people_of(room)
    if len(ids) == 2 and Block.objects.filter(person__in=ids, blocked__in=ids).exists():
        raise Refused(_("You cannot write to each other."))


def _people_of(room: Room) -> list[int]:
    """The ids of the people of a direct room; of another, none."""
    return [int(pk) for pk in (room.people_key or "").split()] if room.kind == Kind.DIRECT else []


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


def _next_message(
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


def delete(message: Message, by: Person) -> Change | None:
    """Take back what `message` says: its place is kept and its text is gone, for good.

    Returns the change, or None where it was gone already. Raises Refused where `by` may not.
    """

    def take_back(mine: Access, message: Message) -> list[str] | None:
        if not mine.may_delete(message):
            raise Refused(_("You cannot delete this message."))
        if message.deleted_at is not None:
            return None
        message.deleted_at, message.body, message.html = timezone.now(), "", ""
        message.revisions.all().delete()
        message.reactions.all().delete()
        Pin.objects.filter(message=message).delete()
        file_store.drop(message.files.all())
        index.remove([message.pk])
        return ["deleted_at", "body", "html"]

    return alter(message, by, take_back)


def alter(message: Message, by: Person, act: Callable[[Access, Message], list[str] | None]) -> Change | None:
    """Have `act` change `message`, with its room locked: it is given what `by` may do in the room and
    the message as it is by then, and returns the names of the fields that it changed; none, where it
    changed but what hangs on the message, and None where it changed nothing. That is one tick.

    Returns the change, or None where there was none. Raises what `act` raises.
    """
    with transaction.atomic():
        mine = access.locked(message.room_id, by)
        message = Message.objects.select_related("author").get(pk=message.pk)
        message.room = mine.room
        fields = act(mine, message)
        if fields is None:
            return None
        change = altered(message, fields)
        if "body" in fields:
            quote_anew(mine.room, [message.seq])
        if "deleted_at" in fields and message.thread_seq:
            threads.recount(mine.room, [message.thread_seq])
            _renew_above(mine.room, [message.thread_seq])
        return change


def quote_anew(room: Room, seqs: Sequence[int]) -> None:
    """Have the answers to the messages at `seqs` of `room`, a room that is locked, quote what those say by
    now. A tick for each."""
    answers = Message.objects.filter(room=room, reply_seq__in=seqs, deleted_at=None)
    for answer in answers.select_related("author").order_by("seq"):
        answer.room = room
        altered(answer)


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


def purge(room: Room, messages: Sequence[Message]) -> None:
    """Delete `messages` of `room`, a room that is locked, for good and with their places: some hundred
    at most. It is one tick of the clock; a tab that was not told gets the newest page instead."""
    ids = [message.pk for message in messages]
    index.remove(ids)
    untally(messages)
    file_store.drop(File.objects.filter(message__in=ids))
    Message.objects.filter(pk__in=ids).delete()
    seqs = [message.seq for message in messages]
    version = tick(room, "purge_version")
    publishing.publish_after_commit(Change(room.pk, version, gone=tuple(seqs)))
    quote_anew(room, seqs)
    in_threads = {message.thread_seq for message in messages if message.thread_seq}
    threads.recount(room, in_threads | set(seqs))
    _renew_above(room, in_threads)


def expel(room: Room, person: Person, why: str) -> None:
    """End the membership of `person` in `room`, a room that is locked, and close their tabs there,
    which are told `why`. It is a tick of the clock: no tab of theirs is given a later one."""
    Membership.objects.filter(room=room, person=person).delete()
    access_changed(room, person, why=why)
    publishing.notify_after_commit(Notice(person.pk, "rooms"))


def access_changed(room: Room, *expelled: Person, why: str = "") -> None:
    """What people may do in `room`, a room that is locked, is another from this tick on. The tabs of
    those who are `expelled` close, and are told `why`."""
    version = tick(room, "access_version")
    ids = tuple(person.pk for person in expelled)
    publishing.publish_after_commit(Change(room.pk, version, expelled=ids, why=why))


def configure(room: Room, **fields: Any) -> None:
    """Change what `room`, a room that is locked, is called, says of itself or allows: any of `name`,
    `topic`, `description`, `archived_at`, `is_closed`, `slow_seconds` and `keep_days`, clean. Under a
    new name it has a new address, and the old one leads there. Raises IntegrityError where another
    open room has the name."""
    was = room.name
    for name, value in fields.items():
        setattr(room, name, value)
    if room.name != was:
        former = room.slug
        room.rename(room.name)
        if room.slug != former:
            FormerSlug.objects.filter(slug=room.slug).delete()
            FormerSlug.objects.create(slug=former, room=room)
    version = tick(room, "head_version", *fields, "name_key", "slug")
    publishing.publish_after_commit(Change.of_head(room, version))


def tick(room: Room, *fields: str) -> int:
    """The next tick of the clock of `room`, a room that is locked, kept together with `fields` of
    it; those that end in `_version` are set to the tick."""
    room.clock += 1
    for name in fields:
        if name.endswith("_version"):
            setattr(room, name, room.clock)
    room.save(update_fields=["clock", *fields])
    return room.clock
