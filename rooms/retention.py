"""How long rooms keep what was said: a room may have its messages deleted after some days.

It is done in the background, in batches that nobody has to wait for, and by `manage.py retain`;
either may be ended at any moment and goes on where it was. A message that is reported stays until
a moderator has seen to it.
"""

from collections.abc import Iterator
from datetime import timedelta
from time import sleep
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet
from django.utils import timezone

from rooms import changes, statements
from rooms.models import Message, Report, Room
from rooms.models.tally import quarter_of

BATCH = 200  # messages a transaction; every open tab of the room is told of them in one frame
REST_SECONDS = 0.05  # between two batches, for those who want to write meanwhile


def carry_out(rooms: Any = None) -> Iterator[int]:
    """Delete what `rooms`, or all, do not keep. Yields after every batch how many messages went."""
    rooms = Room.objects.all() if rooms is None else rooms
    for room_id in list(rooms.exclude(keep_days=None).order_by("pk").values_list("pk", flat=True)):
        while size := _purge(room_id):
            yield size
            sleep(REST_SECONDS)


def overdue(room: Room) -> QuerySet[Message]:
    """The messages that `room` does not keep any longer, those of the oldest quarter of an hour first.
    They are found by the tallies: no index of all messages by time is kept for this alone."""
    if room.keep_days is None:
        return Message.objects.none()
    since = timezone.now() - timedelta(days=room.keep_days)
    reported = Report.objects.open().filter(message=OuterRef("pk"))
    return Message.objects.filter(
        ~Exists(reported),
        room=room,
        at__lt=since,
        room__tally__quarter__lte=quarter_of(since),
        room__tally__first_seq__lte=F("seq"),
        room__tally__last_seq__gte=F("seq"),
    ).order_by("room__tally__quarter", "room__tally__first_seq", "seq")


@transaction.atomic
def _purge(room_id: int) -> int:
    # How long it keeps them is read under its lock: its owner may have changed that in this moment.
    room = statements.locked_rooms([room_id]).get(room_id)
    messages = list(overdue(room)[:BATCH]) if room else []
    if room and messages:
        changes.purge(room, messages)
    return len(messages)
