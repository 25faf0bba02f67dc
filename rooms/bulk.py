"""Many messages at once, as an archive has them: hundreds of thousands."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

from django.db import connection

from rooms.models import Message
from rooms.search import index
from rooms.statements import COPY_MESSAGES, IDS_OF_MESSAGES, INSERT_MESSAGE, copy_rows, row_of

BEGIN = {
    "sqlite": [
        "PRAGMA synchronous = NORMAL",
        "PRAGMA wal_autocheckpoint = 16384",
        "PRAGMA cache_size = -32768",
    ],
    "postgresql": ["SET synchronous_commit = off", "SET gin_pending_list_limit = '16MB'"],
}
END = {
    "sqlite": [
        "PRAGMA synchronous = FULL",
        "PRAGMA wal_autocheckpoint = 1000",
        "PRAGMA cache_size = -2000",
        "PRAGMA wal_checkpoint",
    ],
    "postgresql": ["RESET synchronous_commit", "RESET gin_pending_list_limit"],
}


MOST_VALUES = 900  # in one query of any SQLite

T = TypeVar("T")


def chunked(values: Iterable[T], most: int = MOST_VALUES) -> Iterator[list[T]]:
    """`values`, at most so many at a time; unless told, as many as a query may hold."""
    rest = iter(values)
    while some := list(islice(rest, most)):
        yield some


@contextmanager
def without_waiting() -> Iterator[None]:
    """Within, no commit waits for the disk. For what can be done again: a power cut may undo the last
    of it. In the end all of it is on the disk, and as fast to be found as what was there before."""
    if connection.in_atomic_block:  # which commits by itself, and lets nothing be set
        yield
        return
    with connection.cursor() as cursor:
        for statement in BEGIN[connection.vendor]:
            cursor.execute(statement)
        try:
            yield
        finally:
            for statement in END[connection.vendor]:
                cursor.execute(statement)
            index.backend().settle()


def insert_messages(messages: Iterable[Message]) -> list[Message]:
    """Insert these messages, one at least, all of one room and in the order of `seq`, and return them
    with their ids. As bulk_create, at a fraction of the time it takes for a row."""
    inserted: list[Message] = []

    def rows() -> Iterator[list[Any]]:
        for message in messages:
            inserted.append(message)
            yield row_of(message)

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            copy_rows(cursor, COPY_MESSAGES, rows())  # which takes what there is while the next are made
        else:
            cursor.executemany(INSERT_MESSAGE, list(rows()))
        cursor.execute(IDS_OF_MESSAGES, [inserted[0].room_id, inserted[0].seq, inserted[-1].seq])
        for message, (pk,) in zip(inserted, cursor.fetchall(), strict=True):
            message.pk = pk
    return inserted
