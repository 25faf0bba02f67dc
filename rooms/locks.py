"""The order in which rows are locked, so that of two who change the same ones one waits for the other, and
never each for the other, which PostgreSQL ends after a second by refusing one of them:

1. Rooms, by id: `statements.locked_rooms`. What else is of a room (its messages, its threads, its tallies,
   who has joined it) changes while that is locked, and has no order of its own.
2. Memberships, by id: `take`, `take_members`.
3. What people have saved.
4. Followings, by id: `take`, `take_followers`.
5. What others refer to, when the transaction is committed: that it is still there is looked up then, for
   every row that is new or was changed twice. Rooms are locked in such a way that this does not wait for
   them; whoever changes a name or deletes a row comes to that last.

Whoever needs only some of these leaves out the others. All that one needs of a kind is locked at once, before
any of it is changed, and nothing of an earlier kind after that. What is locked, or was made in the same
transaction, may be changed in any order.

SQLite has one lock for all, which a transaction takes as it begins.
"""

from collections.abc import Collection
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from rooms.statements import carry_out

# Sorted first, and locked then.
TAKE_MEMBERS = (
    "SELECT id FROM rooms_membership JOIN {given} ON room_id = given.column1 AND person_id = given.column2"
    " ORDER BY id FOR UPDATE OF rooms_membership"
)
TAKE_FOLLOWERS = (
    "SELECT id FROM rooms_following JOIN {given} ON thread_id = given.column1 AND person_id = given.column2"
    " ORDER BY id FOR UPDATE OF rooms_following"
)


def take(rows: QuerySet[Any]) -> list[int]:
    """Lock `rows`, all of one kind, until the transaction ends. Returns the ids of those that are there."""
    return list(rows.order_by("pk").select_for_update(of=("self",)).values_list("pk", flat=True))


def take_members(pairs: Collection[tuple[int, int]]) -> None:
    """As `take`, the memberships of these pairs of a room and a person."""
    _take_pairs(TAKE_MEMBERS, pairs)


def take_followers(pairs: Collection[tuple[int, int]]) -> None:
    """As `take`, the followings of these pairs of a thread and a person."""
    _take_pairs(TAKE_FOLLOWERS, pairs)


def _take_pairs(statement: str, pairs: Collection[tuple[int, int]]) -> None:
    if connection.features.has_select_for_update and pairs:
        with connection.cursor() as cursor:
            carry_out(cursor, statement, list(pairs), "bigint", "bigint")
