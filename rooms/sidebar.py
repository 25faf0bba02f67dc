"""The rooms of one person: starred, rooms, direct; and what is new in them."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import ngettext

from rooms import access, joining
from rooms.models import Kind, Level, Membership, Person, Room
from rooms.prepared import SOME_TIME, prepared
from rooms.texts import text as _

MOST_NAMES = 3  # of the people of a direct room


@dataclass(frozen=True, slots=True)
class Entry:
    """A room as one person's sidebar shows it."""

    room_id: int
    slug: str
    title: str
    kind: str
    is_starred: bool
    is_muted: bool  # told of what names or addresses its person, at most
    is_new: bool  # somebody has said something since
    mentions: int  # messages since then that name or address them
    others: tuple[int, ...] = ()  # of a direct room: its other people


@dataclass(frozen=True, slots=True)
class Sidebar:
    entries: list[Entry]

    def looking_at(self, room_id: int) -> "Sidebar":
        """The same for who opens this room, which is then read."""
        return Sidebar(
            [
                replace(entry, is_new=False, mentions=0) if entry.room_id == room_id else entry
                for entry in self.entries
            ]
        )

    @property
    def groups(self) -> list[tuple[str, list[Entry]]]:
        """What is shown under which heading."""
        starred = [entry for entry in self.entries if entry.is_starred]
        direct = [entry for entry in self.entries if not entry.is_starred and entry.kind == Kind.DIRECT]
        rooms = [entry for entry in self.entries if not entry.is_starred and entry.kind != Kind.DIRECT]
        groups = [(_("Starred"), starred), (_("Rooms"), rooms), (_("Direct"), direct)]
        return [(heading, entries) for heading, entries in groups if entries]

    @property
    def mentions(self) -> int:
        return sum(entry.mentions for entry in self.entries)


def sidebar(person: Person) -> Sidebar:
    """The rooms of `person`, by name, direct ones by the newest message. Two queries, however many."""
    rooms = list(_listed(person.pk, timezone.now()))
    others = _others(person) if any(room.kind == Kind.DIRECT for room in rooms) else {}
    entries = [
        Entry(
            room_id=room.pk,
            slug=room.slug,
            title=title_of(room.name, others.get(room.pk, [])),
            kind=room.kind,
            is_starred=bool(room.my_star),
            is_muted=room.my_level != Level.EVERYTHING,
            is_new=room.last_seq > room.my_read_seq and room.my_level == Level.EVERYTHING,
            mentions=room.my_mentions,
            others=tuple(other.pk for other in others.get(room.pk, [])),
        )
        for room in rooms
    ]
    return Sidebar(entries)


def _listed_of(person_id: int, now: datetime) -> Any:
    return access.rooms_in(person_id, now).filter(archived_at=None).order_by("name_key", "pk")


_listed = prepared(_listed_of, -1, SOME_TIME)


def _others(person: Person) -> dict[int, list[Person]]:
    """The other people of the direct rooms of `person`. Of those alone: others may have thousands."""
    found = defaultdict[int, list[Person]](list)
    of_direct = Membership.objects.filter(
        room__kind=Kind.DIRECT, room__in=person.membership_set.values("room")
    )
    for member in of_direct.exclude(person=person).select_related("person").order_by("person__username"):
        found[member.room_id].append(member.person)
    return found


def title_of(name: str, others: list[Person]) -> str:
    """What a room is called: its name or, where it has none, its other people."""
    if name:
        return name
    names = [person.username for person in others]
    more = len(names) - MOST_NAMES
    listed = ", ".join(names[:MOST_NAMES]) or _("Nobody else")
    if more <= 0:
        return listed
    shown = ngettext("%(names)s and %(count)s more", "%(names)s and %(count)s more", more)
    return shown % {"names": listed, "count": more}


def title_in(room: Room, person: Person) -> str:
    """What the room is called to one of its people. A query where it has no name."""
    if room.name:
        return room.name
    others = Person.objects.filter(membership__room=room).exclude(pk=person.pk).order_by("username")
    return title_of("", list(others[: joining.MOST_PEOPLE]))
