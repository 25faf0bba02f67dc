"""Keeping count: how much was said in each room in each quarter of an hour.

The tallies change in the transaction in which messages come or go, while the room is locked.
Deleting a message leaves its place, and so its count.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from rooms.models import Message, Tally
from rooms.models.tally import quarter_of

Said = tuple[int, datetime]  # a seq, and when

# By hand: every message posted waits for it, and Django takes ten times as long to put it together.
GO_ON = (
    'UPDATE rooms_tally SET "count" = "count" + %s, last_seq = %s'
    " WHERE room_id = %s AND quarter = %s AND last_seq = %s"
)


def tallies(room_id: int, said: Iterable[Said]) -> list[Tally]:
    """The tallies, unsaved, of messages that come one after another in the room."""
    found: list[Tally] = []
    for seq, at in said:
        quarter = quarter_of(at)
        if not found or found[-1].quarter != quarter:
            found.append(Tally(room_id=room_id, quarter=quarter, first_seq=seq, last_seq=seq, count=0))
        found[-1].last_seq = seq
        found[-1].count += 1
    return found


def tally(room_id: int, after: int, *said: Said) -> None:
    """Count messages that were added to the room, which is locked, in this order; `after` is the seq
    of the message before the first of them, 0 if there is none. Two queries at most for one."""
    new = tallies(room_id, said)
    goes_on = new[0]
    with connection.cursor() as cursor:
        cursor.execute(GO_ON, [goes_on.count, goes_on.last_seq, room_id, goes_on.quarter, after])
        if cursor.rowcount:
            del new[0]
    if new:
        Tally.objects.bulk_create(new, batch_size=500)


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
