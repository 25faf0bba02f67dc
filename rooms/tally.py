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
from rooms.statements import carry_out

Said = tuple[int, datetime]  # a seq, and when

# By hand: every message posted waits for it, and Django takes ten times as long to put them together.
ADD = 'INSERT INTO rooms_tally (room_id, quarter, first_seq, last_seq, "count") SELECT * FROM {given}'
MOST_ADDED = 180  # in one statement: SQLite takes some 900 values
GO_ON = (
    'UPDATE rooms_tally SET "count" = "count" + given.column5, last_seq = given.column4 FROM {given}'
    " WHERE room_id = given.column1 AND quarter = given.column2 AND last_seq = given.column3"
)
WENT_ON = (
    "SELECT room_id FROM rooms_tally JOIN {given}"
    " ON room_id = given.column1 AND quarter = given.column2 AND last_seq = given.column3"
)
BIGINT = "bigint"


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


def tally(*added: tuple[int, int, Iterable[Said]]) -> None:
    """Count messages that were added to some rooms, which are locked: of each its id, the seq of the message
    before the first of them, 0 if there is none, and what was said, in order. A statement, and two more
    where a quarter of an hour begins."""
    new = [(room_id, after, runs(said)) for room_id, after, said in added]
    firsts = [(room_id, of[0].quarter, after, of[0].last_seq, of[0].size) for room_id, after, of in new]
    with connection.cursor() as cursor:
        carry_out(cursor, GO_ON, firsts, *[BIGINT] * 5)
        went_on = {room_id for room_id, *_ in firsts}
        if cursor.rowcount < len(firsts):
            ends = [(room_id, quarter, last) for room_id, quarter, _, last, _ in firsts]
            carry_out(cursor, WENT_ON, ends, *[BIGINT] * 3)
            went_on = {room_id for (room_id,) in cursor.fetchall()}
        rows = [(room_id, *run) for room_id, _, of in new for run in of[room_id in went_on :]]
        for start in range(0, len(rows), MOST_ADDED):
            carry_out(cursor, ADD, rows[start : start + MOST_ADDED], *[BIGINT] * 5)


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
