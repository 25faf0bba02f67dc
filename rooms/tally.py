"""Keeping count: how much was said in each room in each quarter of an hour.

The tallies change in the transaction in which messages come or go, while the room is locked.
Deleting a message leaves its place, and so its count.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

from django.db import connection

from rooms.models import Message, Tally
from rooms.models.tally import quarter_of

Said = tuple[int, datetime]  # a seq, and when

# By hand: every message posted waits for it, and Django takes ten times as long to put them together.
ADD = 'INSERT INTO rooms_tally (room_id, quarter, first_seq, last_seq, "count") VALUES '
MOST_ADDED = 180  # in one statement: SQLite takes some 900 values
GO_ON = (
    'UPDATE rooms_tally SET "count" = "count" + %s, last_seq = %s'
    " WHERE room_id = %s AND quarter = %s AND last_seq = %s"
)


class Run(NamedTuple):
    """The tally of messages that come one after another in a room, all of one quarter of an hour."""

    quarter: int
    first_seq: int
    last_seq: int
    size: int


def runs(said: Iterable[Said]) -> list[Run]:
    found = []
    for quarter, group in groupby(said, key=lambda one: quarter_of(one[1])):
        seqs = [seq for seq, _ in group]
        found.append(Run(quarter, seqs[0], seqs[-1], len(seqs)))
    return found


def tally(room_id: int, after: int, *said: Said) -> None:
    """Count messages that were added to the room, which is locked, in this order; `after` is the seq
    of the message before the first of them, 0 if there is none. Two queries at most for one."""
    new = runs(said)
    goes_on = new[0]
    with connection.cursor() as cursor:
        cursor.execute(GO_ON, [goes_on.size, goes_on.last_seq, room_id, goes_on.quarter, after])
        if cursor.rowcount:
            del new[0]
        for start in range(0, len(new), MOST_ADDED):
            some = new[start : start + MOST_ADDED]
            rows = ", ".join(["(%s, %s, %s, %s, %s)"] * len(some))
            cursor.execute(ADD + rows, [value for run in some for value in (room_id, *run)])


def untally(messages: Iterable[Message]) -> None:
    """Count these messages no more, which are about to be gone with their places; their rooms are
    locked. Three queries for each quarter of an hour they were said in."""
    seqs_in = defaultdict[tuple[int, int], list[int]](list)
    for message in messages:
        seqs_in[message.room_id, quarter_of(message.at)].append(message.seq)
    for (room_id, quarter), seqs in seqs_in.items():
        of_quarter = Tally.objects.filter(room=room_id, quarter=quarter)
        rows = list(of_quarter)
        for row in rows:
            row.count -= sum(row.first_seq <= seq <= row.last_seq for seq in seqs)
        Tally.objects.bulk_update(rows, ["count"], batch_size=200)
        of_quarter.filter(count=0).delete()
