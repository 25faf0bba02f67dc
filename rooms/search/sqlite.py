"""The index on SQLite: an FTS5 table, in which a row's id is its place.

FTS5 is only given what `terms` has made of a text, and splits that at spaces: it needs to know no
language. It reads its lists backwards, so the newest come without sorting, and only as many as are
asked for.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from django.db import connection

from rooms.search.match import Match, Phrase
from rooms.statements import carry_out

if TYPE_CHECKING:
    from rooms.search.index import Entry


INSERT = "INSERT INTO rooms_search (rowid, terms) SELECT * FROM {given}"
REPLACE = "REPLACE INTO rooms_search (rowid, terms) SELECT * FROM {given}"
MOST_ROWS = 400  # in one statement: SQLite takes some 900 values
# FTS5 adds what is new as a piece of its own, and merges pieces: left to itself, many pages at once. Whoever
# posts waits for that, and the longer the more there is. With a few each time it never falls behind.
MERGE = "INSERT INTO rooms_search (rooms_search, rank) VALUES ('merge', %s)"
MERGED = 8  # pages of 4 KB, and one more for each row


def put(entries: "Iterable[Entry]", *, are_new: bool) -> None:
    rows = [(entry.place, " ".join([*entry.terms, *entry.tags])) for entry in entries]
    statement = INSERT if are_new else REPLACE
    with connection.cursor() as cursor:
        for start in range(0, len(rows), MOST_ROWS):
            carry_out(cursor, statement, rows[start : start + MOST_ROWS], "bigint", "text")
        if rows:
            cursor.execute(MERGE, [MERGED + len(rows)])


def remove(places: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany("DELETE FROM rooms_search WHERE rowid = %s", [(place,) for place in places])


def find(match: Match, first: int, last: int, most: int) -> list[int]:
    return _places(
        "SELECT rowid FROM rooms_search WHERE rooms_search MATCH %s AND rowid BETWEEN %s AND %s "
        "ORDER BY rowid DESC LIMIT %s",
        expression(match),
        first,
        last,
        most,
    )


def expression(match: Match) -> str:
    """`match` in the words of FTS5."""
    asked = " AND ".join(_any(some) for some in match.all_of)
    return f"({asked}) NOT {_any(match.none_of)}" if match.none_of else asked


def _any(some: Sequence[Phrase | str]) -> str:
    return f"({' OR '.join(map(_one, some))})"


def _one(one: Phrase | str) -> str:
    if isinstance(one, str):
        return f'"{one}"'
    if one.tag:
        return f'"{one.tag}"'
    return f'"{" ".join(one.terms)}"{" *" if one.is_open else ""}'


def among(places: Sequence[int]) -> set[int]:
    marks = ", ".join(["%s"] * len(places))
    return set(_places(f"SELECT rowid FROM rooms_search WHERE rowid IN ({marks})", *places))  # noqa: S608


def next_places(after: int, most: int) -> list[int]:
    return _places("SELECT rowid FROM rooms_search WHERE rowid > %s ORDER BY rowid LIMIT %s", after, most)


def settle() -> None:
    pass  # what is added is merged as more is


def size() -> int:
    return sum(
        _places("SELECT coalesce(sum(length(block)), 0) FROM rooms_search_data")
        + _places("SELECT coalesce(sum(length(CAST(c0 AS BLOB))), 0) FROM rooms_search_content")
    )


def _places(sql: str, *values: str | int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [place for (place,) in cursor.fetchall()]
