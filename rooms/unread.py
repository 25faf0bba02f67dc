"""How far people have read, as it is recorded."""

from collections.abc import Collection, Iterable

from django.db import connection, transaction
from django.db.models import F, Q

from rooms import locks, threads
from rooms.bulk import chunked
from rooms.models import Membership

Read = tuple[int, Collection[int], int]  # a room, the people who have read it, and up to which seq

# By their ids, in the order of `locks`.
MOVE_ON = {
    "postgresql": (
        "UPDATE rooms_membership SET read_seq = mine.seq FROM ("
        " SELECT id, done.seq FROM rooms_membership JOIN unnest(%s::bigint[], %s::bigint[], %s::bigint[])"
        " AS done(room, person, seq) ON room_id = room AND person_id = person"
        " WHERE read_seq < done.seq ORDER BY id FOR UPDATE OF rooms_membership"
        ") AS mine WHERE rooms_membership.id = mine.id"
    ),
    "sqlite": (
        "UPDATE rooms_membership SET read_seq = %s WHERE room_id = %s AND person_id = %s AND read_seq < %s"
    ),
}


def mark_read(room_id: int, people_ids: Iterable[int], seq: int) -> None:
    """Record that these people have read the room up to `seq`. What names them after that counts on."""
    for ids in chunked(sorted(people_ids)):
        some = Membership.objects.filter(room=room_id, person__in=ids)
        with transaction.atomic():
            keys = locks.take(some.filter(Q(read_seq__lt=seq) | Q(mentions__gt=0)))
            some = Membership.objects.filter(pk__in=keys)
            some.filter(read_seq__lt=seq).update(read_seq=seq)
            named = some.filter(room__latest_seq__lte=seq, mentions__gt=0)
            if people := list(named.values_list("person", flat=True)):
                named.update(mentions=0)
                threads.forget_mentions(room_id, people)


def mark_each_read(read: Collection[Read]) -> None:
    """As `mark_read`, of many rooms at once: those who were not named there, which nearly all were not, in
    one short transaction, for whoever posts waits for it."""
    people_ids = {person_id for _, people, _ in read for person_id in people}
    named: set[tuple[int, int]] = set()
    for ids in chunked(people_ids):
        mentioned = Membership.objects.filter(person__in=ids, mentions__gt=0)
        named.update(mentioned.values_list("room", "person"))
    upto: dict[tuple[int, int], int] = {}
    for room_id, people, seq in read:
        for person_id in people:
            upto[room_id, person_id] = max(seq, upto.get((room_id, person_id), 0))
    _move_on([(room_id, person_id, seq) for (room_id, person_id), seq in upto.items()])
    for room_id, people, seq in read:
        if of_room := {person_id for person_id in people if (room_id, person_id) in named}:
            mark_read(room_id, of_room, seq)


def _move_on(rows: list[tuple[int, int, int]]) -> None:
    """Have each of these people in each of these rooms have read up to a seq, at least."""
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(MOVE_ON["postgresql"], [list(column) for column in zip(*rows, strict=True)])
        else:
            cursor.executemany(MOVE_ON["sqlite"], [(seq, room, person, seq) for room, person, seq in rows])


def mark_all_read(person_id: int) -> None:
    """Record that the person has read all their rooms, and threads."""
    threads.mark_all_read(person_id)
    behind = Membership.objects.filter(Q(read_seq__lt=F("room__last_seq")) | Q(mentions__gt=0))
    for room_id, latest_seq in behind.filter(person=person_id).values_list("room", "room__latest_seq"):
        mark_read(room_id, [person_id], latest_seq)
