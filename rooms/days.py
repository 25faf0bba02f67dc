"""A room's past by days: which have messages, how many, and what was said on one of them.

A day is one of the current time zone, the viewer's. All of it comes from the tallies (see
`rooms.models.tally`): for a day or a month they are a few hundred rows, whatever the room holds.
Zones of old whose clocks differed by other than quarters of an hour are rounded to them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby, pairwise
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from rooms.models import Message, Room
from rooms.models.message import apart, in_room
from rooms.models.tally import QUARTER, quarter_of

PART = 100  # messages of a day on one page
NEAR = 200  # ticks; what lies closer together is read at once
DAY = timedelta(days=1)
FIRST, LAST = date(1, 1, 2), date(9999, 12, 30)  # days that have a midnight in every time zone


# By hand: Django would take as long to put them together as all the rest of a page takes in the database.
NEIGHBOURS = """SELECT
    (SELECT MIN(quarter) FROM rooms_tally WHERE room_id = %s),
    (SELECT MAX(quarter) FROM rooms_tally WHERE room_id = %s AND quarter < %s),
    (SELECT MIN(quarter) FROM rooms_tally WHERE room_id = %s AND quarter >= %s),
    (SELECT MAX(quarter) FROM rooms_tally WHERE room_id = %s)"""
PER_DAY = """SELECT (quarter - %s) / %s, SUM(count) FROM rooms_tally
    WHERE room_id = %s AND quarter >= %s AND quarter < %s GROUP BY 1"""
TALLIES = """SELECT first_seq, last_seq, count FROM rooms_tally
    WHERE room_id = %s AND quarter >= %s AND quarter < %s ORDER BY first_seq"""


def midnight(day: date) -> int:
    """The quarter with which `day` begins."""
    return quarter_of(datetime.combine(day, time(), tzinfo=timezone.get_current_timezone()))


def day_of(quarter: int) -> date:
    """The day that this quarter is in."""
    return timezone.localdate(_time(quarter))


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The days with messages next to some days; None where there is none."""

    first: date | None
    previous: date | None
    following: date | None
    last: date | None


def neighbours(room: Room, start: date, end: date) -> Neighbours:
    """What lies around the days from `start` to `end`, which is not one of them. One query."""
    places = [room.pk, room.pk, midnight(start), room.pk, midnight(end), room.pk]
    (quarters,) = _rows(NEIGHBOURS, places)
    return Neighbours(*(None if quarter is None else day_of(quarter) for quarter in quarters))


def nearest(room: Room, day: date) -> date | None:
    """The day with messages that is `day` or next to it; None where the room has none."""
    around = neighbours(room, day, day)  # what follows may be the day itself
    days = [found for found in (around.following, around.previous) if found is not None]
    return min(days, key=lambda found: abs(found - day), default=None)


def per_day(room: Room, start: date, end: date) -> list[int]:
    """How many messages each day has, from `start` to `end`, which is not one of them. A query for
    as long as the clocks are not changed."""
    dates = [start + n * DAY for n in range((end - start).days + 1)]
    edges = [midnight(day) for day in dates]
    lengths = [later - earlier for earlier, later in pairwise(edges)]
    counts: list[int] = []
    for length, group in groupby(lengths):
        first, days = edges[len(counts)], len(list(group))
        sums = dict(_rows(PER_DAY, [first, length, room.pk, first, first + days * length]))
        counts += [sums.get(n, 0) for n in range(days)]
    return counts


@dataclass(frozen=True, slots=True)
class Part:
    """Some of the messages of a day, in the order in which they came into the room."""

    messages: Sequence[Message]
    count: int  # of the whole day
    after: int  # the seq of the message of that day before these; 0 if there is none
    previous: int | None  # `after` of the part before; None if this is the first
    following: int | None  # likewise


def part(room: Room, day: date, after: int = 0, size: int = PART) -> Part:
    """The oldest `size` messages of `day` with a seq above `after`. Three queries at most."""
    start, end = midnight(day), midnight(day + DAY)
    rows = _rows(TALLIES, [room.pk, start, end])
    said = Message.objects.filter(room=room, at__gte=_time(start), at__lt=_time(end))
    ahead = _ranges([(max(first, after + 1), last, n) for first, last, n in rows if last > after], size)
    found = apart(in_room(room, _in(said.to_show(), ahead).order_by("seq")[: size + 1]))
    behind = _ranges([(first, min(last, after), n) for first, last, n in rows[::-1] if first <= after], size)
    earlier = _in(said.values_list("seq", flat=True), behind).order_by("-seq")[: size + 1] if behind else []
    before = list(earlier)
    return Part(
        messages=found[:size],
        count=sum(count for _, _, count in rows),
        after=before[0] if before else 0,
        previous=(before[size] if len(before) > size else 0) if before else None,
        following=found[size - 1].seq if len(found) > size else None,
    )


def _ranges(rows: Sequence[tuple[int, int, int]], most: int) -> list[tuple[int, int]]:
    """The first and last seq of what these tallies hold, of as many of them as it takes to hold `most`
    messages beside those of the first. Whatever lies closer together than NEAR is one range, with
    what others said in between on other days."""
    ranges: list[tuple[int, int]] = []
    held = 0
    for first, last, count in rows:
        if held > most + rows[0][2]:
            break
        held += count
        if ranges and first - NEAR <= ranges[-1][1] and last + NEAR >= ranges[-1][0]:
            ranges[-1] = (min(first, ranges[-1][0]), max(last, ranges[-1][1]))
        else:
            ranges.append((first, last))
    return ranges


def _in(messages: QuerySet[Any], ranges: Sequence[tuple[int, int]]) -> QuerySet[Any]:
    """Those of `messages` in these ranges. Each is looked up by itself: one condition with all of them
    would have the database read through what lies between."""
    each = [messages.filter(seq__gte=first, seq__lte=last) for first, last in ranges]
    return each[0].union(*each[1:], all=True) if len(each) > 1 else each[0] if each else messages.none()


def _rows(statement: str, params: Sequence[int]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()


def _time(quarter: int) -> datetime:
    return datetime.fromtimestamp(quarter * QUARTER, UTC)
