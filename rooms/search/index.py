"""The index of what is said: kept with the messages, in the same transactions.

    index.put([message])       # it can be found
    index.remove([message.pk]) # no more
    places = index.find(match, most=51)

It is a table of its own in the database of the messages: FTS5 on SQLite, tsvector and GIN on
PostgreSQL. Each message has a place in it, a number by which those said later come first: what is
brought in from elsewhere stands where it belongs.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Protocol, cast

from django.db import connection

from rooms.files_shown import said_in
from rooms.markup.links import LINK_START
from rooms.models import Kind, Message, Room
from rooms.search import postgres, sqlite
from rooms.search.match import FILE, LINK, OPEN, Match, by, in_room, single
from rooms.search.terms import singles, terms

FIRST, LAST = 0, 2**63 - 1  # of all places
BATCH = 500  # rows that are asked for at once

_BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
# Days of all time zones begin with such a slot. Messages of one slot are in the order they were
# kept, so that their places are near each other, which makes the index half as big as by seconds.
_SLOT = timedelta(minutes=15)
_ID_BITS = 32


class Entry(NamedTuple):
    """A message in the index."""

    place: int
    terms: Sequence[str]
    tags: Sequence[str]


class Backend(Protocol):
    """The table in one kind of database. Whoever calls has a transaction open."""

    def put(self, entries: Iterable[Entry], *, are_new: bool) -> None:
        """Add them, in place of those at the same places; `are_new` says that there are none."""

    def remove(self, places: Sequence[int]) -> None: ...

    def find(self, match: Match, first: int, last: int, most: int) -> list[int]:
        """The last `most` places from `first` to `last` where there is what `match` takes, last first."""

    def among(self, places: Sequence[int]) -> set[int]:
        """Those of `places` that are taken."""

    def next_places(self, after: int, most: int) -> list[int]:
        """The first `most` places after this one that are taken, first first."""

    def settle(self) -> None:
        """Do what is put off while much is added."""

    def size(self) -> int:
        """In bytes."""


def backend() -> Backend:
    return cast(Backend, sqlite if connection.vendor == "sqlite" else postgres)


def place_of(at: datetime, message_id: int) -> int:
    """The place of the message of this id, below 2**32, that was said at this moment."""
    return first_at(at) + message_id


def first_at(at: datetime) -> int:
    """The first place of what was said in this quarter of an hour, or later."""
    return (at - _BEGINNING) // _SLOT << _ID_BITS


def message_at(place: int) -> int:
    """The id of the message that has this place."""
    return place & (1 << _ID_BITS) - 1


def entry_of(message: Message) -> Entry:
    return Entry(place_of(message.at, message.pk), *terms_and_tags(message))


def terms_and_tags(message: Message) -> tuple[list[str], list[str]]:
    """What there is in the index of a message whose room is at hand."""
    said = said_in(message)
    words = terms(said)
    tags = [in_room(message.room_id), by(message.author_id)]
    if message.room.kind == Kind.OPEN:
        tags.append(OPEN)
    if LINK_START in message.html:
        tags.append(LINK)
    if "files" in (message.extras or {}):
        tags.append(FILE)
    if not said.isascii():
        tags += map(single, sorted(singles(words)))
    return words, tags


def put(messages: Iterable[Message], *, are_new: bool = False) -> None:
    """Have these messages, which are kept and whose rooms are at hand, found by what they say now.
    `are_new`: they cannot have been put before."""
    backend().put((entry_of(m) for m in messages if m.deleted_at is None), are_new=are_new)


def remove(message_ids: Sequence[int]) -> None:
    """Have the messages of these ids, which are still kept, found no more."""
    for start in range(0, len(message_ids), BATCH):
        said = Message.objects.filter(pk__in=message_ids[start : start + BATCH]).values_list("at", "pk")
        backend().remove([place_of(at, pk) for at, pk in said])


def remove_room(room: Room) -> None:
    """Have nothing found that was said in `room`, which is still there."""
    everything = Match([[in_room(room.pk)]])
    while places := backend().find(everything, FIRST, LAST, BATCH):
        backend().remove(places)


def find(
    match: Match,
    *,
    most: int,
    since: datetime | None = None,
    until: datetime | None = None,
    before: int | None = None,
) -> list[int]:
    """The places of the newest `most` messages that `match` takes, newest first: of those said from
    `since` on and before `until`, whole quarters of an hour, and with places below `before`."""
    first = first_at(since) if since else FIRST
    last = min(first_at(until) if until else LAST, LAST if before is None else before) - 1
    return backend().find(match, first, last, most) if first <= last else []
