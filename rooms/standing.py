"""How people stand with their rooms, as the database has it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from rooms.models import Level, Membership
from rooms.models.room import people_of
from rooms.prepared import prepared
from rooms.reading import reading


@dataclass(frozen=True, slots=True)
class Known:
    """How a person stands with a room, as the database has it."""

    room_id: int
    is_muted: bool
    read_seq: int
    last_seq: int  # that is in no thread
    latest_seq: int  # of all
    mentions: int
    sounds: bool = False
    partners: frozenset[int] = frozenset()  # of a direct room: its other people
    head_version: int = 0  # of what the room is called


def _memberships(person_id: int) -> Any:
    """Those of the person in rooms that are not archived, each with what `Known` says of the room."""
    return Membership.objects.filter(person=person_id, room__archived_at=None).annotate(
        sounds=F("person__sound"),
        last_seq=F("room__last_seq"),
        latest_seq=F("room__latest_seq"),
        people_key=F("room__people_key"),
        head_version=F("room__head_version"),
    )


_standings = prepared(_memberships, -1)


@reading
def known_of(person_id: int) -> list[Known]:
    """How the person stands with each of their rooms. One query."""
    return [
        Known(
            room_id=mine.room_id,
            is_muted=mine.level != Level.EVERYTHING,
            read_seq=mine.read_seq,
            last_seq=mine.last_seq,
            latest_seq=mine.latest_seq,
            mentions=mine.mentions,
            sounds=mine.sounds,
            partners=frozenset(people_of(mine.people_key)) - {person_id},
            head_version=mine.head_version,
        )
        for mine in _standings(person_id)
    ]


@reading
def mentions_of(room_id: int, people_ids: Iterable[int]) -> list[tuple[int, int, int]]:
    """Of each of these people who was named in the room since they read it: who, how often, and up
    to which seq that was counted."""
    ids = sorted(people_ids)
    found: list[tuple[int, int, int]] = []
    for start in range(0, len(ids), 500):
        rows = Membership.objects.filter(room=room_id, mentions__gt=0, person__in=ids[start : start + 500])
        found += rows.values_list("person", "mentions", "room__latest_seq")
    return found
