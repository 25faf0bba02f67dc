"""The statements of a post, put together once. Whoever posts waits for those before them in the room,
and Django takes longer to put a statement together than the database to carry it out."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from rooms.models import Message, Room
from rooms.prepared import adapted, first, prepared

_FIELDS = [field for field in Message._meta.local_concrete_fields if not field.primary_key]
_values = attrgetter(*(field.attname for field in _FIELDS))
_COLUMNS = ", ".join(f'"{field.column}"' for field in _FIELDS)

COPY_MESSAGES = f"COPY rooms_message ({_COLUMNS}) FROM STDIN"
INSERT_MESSAGE = f"INSERT INTO rooms_message ({_COLUMNS}) VALUES ({', '.join(['%s'] * len(_FIELDS))})"  # noqa: S608
IDS_OF_MESSAGES = "SELECT id FROM rooms_message WHERE room_id = %s AND seq BETWEEN %s AND %s ORDER BY seq"
KEEP_LAST = (
    "UPDATE rooms_room SET clock = %s, latest_seq = %s, last_seq = %s, last_at = %s, last_author_id = %s"
    " WHERE id = %s"
)


def locked_room(room_id: int) -> Room:
    """The room, locked until the transaction ends. Raises Room.DoesNotExist."""
    room = first(_locked(room_id))
    if room is None:
        raise Room.DoesNotExist
    return room


_locked = prepared(lambda room_id: Room.objects.select_for_update().filter(pk=room_id), -1)


def locked_rooms(ids: Iterable[int]) -> dict[int, Room]:
    """Those of these rooms that are there, by id, locked until the transaction ends, in the same order
    whoever asks."""
    return {room.pk: room for room in Room.objects.select_for_update().filter(pk__in=ids).order_by("pk")}


def keep_last(room: Room) -> None:
    """Keep the clock of `room` and what it says of its last message."""
    last = [room.last_seq, adapted(room.last_at), room.last_author_id]
    values = [room.clock, room.latest_seq, *last, room.pk]
    with connection.cursor() as cursor:
        cursor.execute(KEEP_LAST, values)


def insert(message: Message) -> None:
    """Insert a message, and give it its id. As `save`, and no signal is sent."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{INSERT_MESSAGE} RETURNING id", row_of(message))
            (message.pk,) = cursor.fetchone()
        else:
            cursor.execute(INSERT_MESSAGE, row_of(message))
            message.pk = cursor.lastrowid
    message._state.adding, message._state.db = False, connection.alias


def copy_rows(cursor: CursorWrapper, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """Carry out a COPY of PostgreSQL. Raises errors of Django, which lets those of the driver through."""
    with connection.wrap_database_errors, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def row_of(message: Message) -> list[Any]:
    """What an INSERT or COPY is given of `message`."""
    if connection.vendor == "postgresql" and message.extras is None:
        return list(_values(message))  # its driver takes all of it as it is
    return [adapted(value) for value in _values(message)]
