"""What the parts of a site tell each other through Redis.

Redis may lose, repeat, delay and swap any of it, and others may write there: what is heard is a
hint, and what decides is in the database.
"""

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import datetime
from time import time
from typing import Any

from django.utils.translation import gettext_noop

from rooms import fragments
from rooms.models import Message, Person, Room

# Of a message, as they are.
_KEPT = (
    "seq",
    "version",
    "html",
    "follows_author",
    "author_id",
    "thread_seq",
    "extras",
)
SIGNED_OUT = gettext_noop("You are signed out.")
_TIMES = ("at", "previous_at", "deleted_at", "edited_at")


@dataclass(frozen=True, slots=True)
class Change:
    """One tick of a room's clock, and what it did."""

    room_id: int
    version: int
    message: Message | None = None  # as it is since this tick
    is_new: bool = True  # whether that message was not there before
    mentioned: tuple[int, ...] = ()  # the people whom a new message names or addresses
    followers: tuple[int, ...] = ()  # those who follow the thread that it is in
    gone: tuple[int, ...] = ()  # the seqs of messages that are there no longer
    head: str = ""  # the room's new head and name, as a fragment
    name: str = ""  # what the room is called, where it has a new head
    is_archived: bool = False  # likewise
    expelled: tuple[int, ...] = ()  # the people who are in the room no longer
    why: str = ""  # what they are told
    published_at: float = field(default=0.0, compare=False)  # by the clock of who did; 0: nobody knows
    _rendered: dict[str, str] = field(default_factory=dict, compare=False, repr=False)

    def html(self, zone: str, thread: int = 0) -> str:
        """The fragment that shows it, with times in the time zone `zone`, where the thread under the message
        with that seq is shown or, with 0, the room itself; rendered once for each zone."""
        if not self._is_seen_in(thread):
            return self.head
        if zone not in self._rendered:
            shown = fragments.change(self.message, zone, is_new=self.is_new) if self.message else ""
            self._rendered[zone] = self.head + shown + fragments.gone(self.gone)
        return self._rendered[zone]

    def tells(self, mentioned: tuple[int, ...], followers: tuple[int, ...] = ()) -> None:
        """It is known now whom it concerns."""
        object.__setattr__(self, "mentioned", mentioned)
        object.__setattr__(self, "followers", followers)

    def goes_out(self) -> None:
        """It is published now."""
        object.__setattr__(self, "published_at", time())

    def _is_seen_in(self, thread: int) -> bool:
        """What is in no thread, or gone, is seen in the room, and above its thread."""
        return self.message is None or thread in (self.message.thread_seq or 0, self.message.seq)

    def event(self) -> dict[str, Any]:
        """As it goes through Redis."""
        event: dict[str, Any] = {
            "type": "change",
            "room": self.room_id,
            "version": self.version,
            "is_new": self.is_new,
            "mentioned": list(self.mentioned),
            "followers": list(self.followers),
            "gone": list(self.gone),
            "head": self.head,
            "name": self.name,
            "is_archived": self.is_archived,
            "expelled": list(self.expelled),
            "why": self.why,
            "published_at": self.published_at,
        }
        if self.message is not None:
            values = {name: getattr(self.message, name) for name in _KEPT}
            times = {name: getattr(self.message, name) for name in _TIMES}
            event["message"] = (
                values
                | {name: time and time.isoformat() for name, time in times.items()}
                | {
                    "author": self.message.author.username,
                    "slug": self.message.room.slug,
                    "names": list(self.message.names.items()),
                }
            )
        return event

    @classmethod
    def of_head(cls, room: Room, version: int) -> "Change":
        """That `room` is called something else, says something else of itself or allows something else."""
        is_archived = room.archived_at is not None
        return cls(room.pk, version, head=fragments.head(room), name=room.name, is_archived=is_archived)

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Change":
        """The change that `event` tells of. Raises where it is none."""
        room_id, message = int(event["room"]), None
        if (told := event.get("message")) is not None:
            author = Person(pk=int(told["author_id"]), username=str(told["author"]))
            values = {name: told[name] for name in _KEPT if name != "author_id"}
            times = {name: told[name] and datetime.fromisoformat(told[name]) for name in _TIMES}
            room = Room(pk=room_id, slug=str(told["slug"]))
            message = Message(room=room, author=author, **values, **times)
            message.names = {int(pk): str(name) for pk, name in told["names"]}
        return cls(
            room_id=room_id,
            version=int(event["version"]),
            message=message,
            is_new=bool(event["is_new"]),
            mentioned=tuple(map(int, event["mentioned"])),
            followers=tuple(map(int, event["followers"])),
            gone=tuple(map(int, event["gone"])),
            head=str(event["head"]),
            name=str(event["name"]),
            is_archived=bool(event["is_archived"]),
            expelled=tuple(map(int, event["expelled"])),
            why=str(event["why"]),
            published_at=float(event.get("published_at", 0)),  # one of an earlier release has none
        )


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that concerns one person, in all their tabs."""

    person_id: int
    # "rooms": the list of their rooms, or what these tell them, is another; "read": a room was read;
    # "threads": so were threads, or they follow others; "ended": a session was; "renamed": the person was
    what: str
    room_id: int = 0
    session: str = ""  # of an end: the digest of its key; all of theirs, if empty
    why: str = ""
    name: str = ""  # the person's, if it is new

    def event(self) -> dict[str, Any]:
        return {"type": "notice", **asdict(self)}

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Notice":
        return cls(
            int(event["person_id"]),
            str(event["what"]),
            int(event["room_id"]),
            str(event["session"]),
            str(event["why"]),
            str(event["name"]),
        )


@dataclass(frozen=True, slots=True)
class Typing:
    """Somebody is writing in a room."""

    room_id: int
    person_id: int
    name: str

    def event(self) -> dict[str, Any]:
        return {"type": "typing", **asdict(self)}

    @classmethod
    def of(cls, event: dict[str, Any]) -> "Typing":
        return cls(int(event["room_id"]), int(event["person_id"]), str(event["name"]))


def session_digest(key: str) -> str:
    """What tells a session from others, and lets nobody take it over."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def group_of_person(person_id: int) -> str:
    """The name of a person's Redis group."""
    return f"person-{person_id}"
