"""The index on PostgreSQL: a table of places and vectors of terms, with a GIN index on these.

PostgreSQL's own parsers and dictionaries have no part in it: the vectors are made of what `terms`
has made of a text, as on SQLite.
"""

from collections.abc import Iterable, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING

from django.db import connection

from rooms.search.match import Match, Phrase
from rooms.statements import carry_out, copy_rows

if TYPE_CHECKING:
    from rooms.search.index import Entry

# GIN finds all that match and has them sorted, a microsecond or two each; to look through the newest
# rows, one by one, takes a fifth of that for a row. What is not rare is among these.
WALKED = 15_000
COPIED = 20  # rows from which on COPY is faster


def put(entries: "Iterable[Entry]", *, are_new: bool) -> None:
    made = ((entry.place, vector(entry)) for entry in entries)
    rows = list(islice(made, COPIED))
    with connection.cursor() as cursor:
        if are_new and len(rows) == COPIED:
            # While the server takes what there is, the next are made.
            copy_rows(cursor, "COPY rooms_search (place, terms) FROM STDIN", chain(rows, made))
        elif rows := [*rows, *made]:
            carry_out(
                cursor,
                "INSERT INTO rooms_search (place, terms) SELECT column1, column2::tsvector FROM {given} "
                "ON CONFLICT (place) DO UPDATE SET terms = excluded.terms",
                rows,
                "bigint",
                "text",
            )


def vector(entry: "Entry") -> str:
    """The terms with where they are, and the tags, as PostgreSQL reads them."""
    places: dict[str, str] = {}
    for place, term in enumerate(entry.terms, start=1):
        places[term] = f"{places[term]},{place}" if term in places else f"{term}:{place}"
    return " ".join([*places.values(), *entry.tags])


def remove(places: Sequence[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM rooms_search WHERE place = ANY(%s)", [list(places)])


def find(match: Match, first: int, last: int, most: int) -> list[int]:
    asked = expression(match)
    found = _places(
        "SELECT place FROM (SELECT place, terms FROM rooms_search WHERE place BETWEEN %s AND %s "
        "ORDER BY place DESC LIMIT %s) AS newest WHERE terms @@ %s::tsquery ORDER BY place DESC LIMIT %s",
        first,
        last,
        WALKED,
        asked,
        most,
    )
    if len(found) == most:
        return found
    # Materialized, or else PostgreSQL may walk through all rows, trusting that many of them match.
    return found + _places(
        "WITH hits AS MATERIALIZED (SELECT place FROM rooms_search WHERE terms @@ %s::tsquery) "
        "SELECT place FROM hits WHERE place BETWEEN %s AND %s ORDER BY place DESC LIMIT %s",
        asked,
        first,
        found[-1] - 1 if found else last,
        most - len(found),
    )


def expression(match: Match) -> str:
    """`match` as a tsquery."""
    asked = " & ".join(_any(some) for some in match.all_of)
    return f"{asked} & !{_any(match.none_of)}" if match.none_of else asked


def _any(some: Sequence[Phrase | str]) -> str:
    return f"({' | '.join(map(_one, some))})"


def _one(one: Phrase | str) -> str:
    if isinstance(one, str):
        return f"'{one}'"
    if one.tag:
        return f"'{one.tag}'"
    terms = " <-> ".join(f"'{term}'" for term in one.terms)
    return f"({terms}{':*' if one.is_open else ''})"


def among(places: Sequence[int]) -> set[int]:
    return set(_places("SELECT place FROM rooms_search WHERE place = ANY(%s)", list(places)))


def next_places(after: int, most: int) -> list[int]:
    return _places("SELECT place FROM rooms_search WHERE place > %s ORDER BY place LIMIT %s", after, most)


def settle() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT gin_clean_pending_list('rooms_search_terms')")
        cursor.execute("ANALYZE rooms_search")


def size() -> int:
    return _places("SELECT pg_total_relation_size('rooms_search')")[0]


def _places(sql: str, *values: str | int | list[int]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return [place for (place,) in cursor.fetchall()]
