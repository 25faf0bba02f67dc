"""The one door: every change to a room goes in here.

    message = changes.post(room, author, "hello")           # any Django code, in any process
    message = await changes.apost(room, author, "hello")    # the same, where there is a loop

A change takes the next tick of the room's clock and is committed before anybody hears of it.
Redis then carries it to the hub of every process, which shows it in the room's tabs. Where
Redis fails, the hubs find it in the database: publishing is a hint, never the record.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from rooms import access, file_store, markup, publishing, statements, threads
from rooms.access import Access, Refused
from rooms.bulk import chunked, insert_messages
from rooms.clock import altered, next_message, quote_anew, renew_above, tick
from rooms.events import Change, Notice
from rooms.history_file import Line
from rooms.models import File, FormerSlug, Membership, Message, Person, Pin, Room
from rooms.recording import Attach, Posting, Said, postings, record
from rooms.search import index
from rooms.tally import tally, untally


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
    message, change = await postings.here().do(posting)
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
            next_message(
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
            renew_above(mine.room, [message.thread_seq])
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
    renew_above(room, in_threads)


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
