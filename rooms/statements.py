"""The statements of a post, put together once. Whoever posts waits for those before them in the room,
and Django takes longer to put a statement together than the database to carry it out."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import DateTimeField, JSONField, QuerySet

from rooms.models import Message, Room
from rooms.prepared import adapted, first, prepared

_FIELDS = [field for field in Message._meta.local_concrete_fields if not field.primary_key]
_values = attrgetter(*(field.attname for field in _FIELDS))
_ADAPTED = [n for n, field in enumerate(_FIELDS) if isinstance(field, DateTimeField | JSONField)]
_COLUMNS = ", ".join(f'"{field.column}"' for field in _FIELDS)

COPY_MESSAGES = f"COPY rooms_message ({_COLUMNS}) FROM STDIN"
_ROW = f"({', '.join(['%s'] * len(_FIELDS))})"
INSERT_MESSAGE = f"INSERT INTO rooms_message ({_COLUMNS}) VALUES {_ROW}"  # noqa: S608
MOST_ROWS = 900 // len(_FIELDS)  # in one statement: SQLite takes some 900 values
IDS_OF_MESSAGES = "SELECT id FROM rooms_message WHERE room_id = %s AND seq BETWEEN %s AND %s ORDER BY seq"
KEEP_LAST = (
    "UPDATE rooms_room SET clock = given.column2, latest_seq = given.column3, last_seq = given.column4,"
    " last_at = given.column5, last_author_id = given.column6 FROM {given} WHERE id = given.column1"
)


def locked_room(room_id: int) -> Room:
    """The room, locked until the transaction ends. Raises Room.DoesNotExist."""
    room = first(_locked(room_id))
    if room is None:
        raise Room.DoesNotExist
    return room


def _to_lock() -> QuerySet[Room]:
    # Not the key: what refers to a room finds it there, and does not wait. See rooms.locks.
    return Room.objects.select_for_update(no_key=True)


_locked = prepared(lambda room_id: _to_lock().filter(pk=room_id), -1)


def locked_rooms(ids: Collection[int]) -> dict[int, Room]:
    """Those of these rooms, some hundred at most, that are there, by id, locked until the transaction ends,
    in the same order whoever asks."""
    return {room.pk: room for room in _locked_of(len(ids))(*ids)} if ids else {}


@cache
def _locked_of(count: int) -> Callable[..., Iterator[Room]]:
    return prepared(lambda *ids: _to_lock().filter(pk__in=ids).order_by("pk"), *range(-count, 0))


def carry_out(cursor: CursorWrapper, statement: str, rows: Sequence[Sequence[Any]], *types: str) -> None:
    """Carry out a statement on all of `rows` at once, some hundred at most: it has a table of them where
    it says `{given}`, called so, with `column1` and so on; `types` are those of PostgreSQL.

    For each statement another thread gets its turn, and PostgreSQL is waited for."""
    if connection.vendor == "postgresql":
        names = ", ".join(f"column{n}" for n in range(1, len(types) + 1))
        table = f"unnest({', '.join(f'%s::{name}[]' for name in types)}) AS given({names})"
        values: list[Any] = [list(column) for column in zip(*rows, strict=True)]
    else:
        row = f"({', '.join(['%s'] * len(types))})"
        table = f"(VALUES {', '.join([row] * len(rows))}) AS given"
        values = [value for row in rows for value in row]
    cursor.execute(statement.format(given=table), values)


def keep_last(*rooms: Room) -> None:
    """Keep the clocks of these rooms and what they say of their last messages."""
    rows = [
        [room.pk, room.clock, room.latest_seq, room.last_seq, adapted(room.last_at), room.last_author_id]
        for room in rooms
    ]
    with connection.cursor() as cursor:
        carry_out(cursor, KEEP_LAST, rows, "bigint", "bigint", "bigint", "bigint", "timestamptz", "bigint")


def insert(messages: Sequence[Message]) -> None:
    """Insert messages, and give them their ids. As `bulk_create`, put together by hand."""
    for start in range(0, len(messages), MOST_ROWS):
        some = messages[start : start + MOST_ROWS]
        statement = INSERT_MESSAGE + f", {_ROW}" * (len(some) - 1)
        values = [value for message in some for value in row_of(message)]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute(f"{statement} RETURNING id", values)
                ids = [pk for (pk,) in cursor.fetchall()]
            else:
                cursor.execute(statement, values)
                # Nobody else writes meanwhile, so they follow one another.
                ids = list(range(cursor.lastrowid - len(some) + 1, cursor.lastrowid + 1))
        for message, pk in zip(some, ids, strict=True):
            message.pk = pk
            message._state.adding, message._state.db = False, connection.alias


def copy_rows(cursor: CursorWrapper, statement: str, rows: Iterable[Sequence[Any]]) -> None:
    """Carry out a COPY of PostgreSQL. Raises errors of Django, which lets those of the driver through."""
    with connection.wrap_database_errors, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def row_of(message: Message) -> list[Any]:
    """What an INSERT or COPY is given of `message`."""
    row = list(_values(message))
    for column in _ADAPTED:
        if row[column] is not None:
            row[column] = adapted(row[column])
    return row
