"""How far people have read, as it is recorded of many rooms at once."""

from collections.abc import Callable
from itertools import product
from random import Random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from rooms import changes, unread
from rooms.models import Membership, Person, Room

pytestmark = pytest.mark.django_db


def standing(room: Room, person: Person) -> tuple[int, int]:
    return Membership.objects.values_list("read_seq", "mentions").get(room=room, person=person)


@pytest.fixture
def bob(person: Callable[[str], Person]) -> Person:
    return person("bob")


@pytest.fixture
def another(lounge: Room, ann: Person, bob: Person) -> Room:
    """Another room; both are in both."""
    room = Room.objects.create(name="Another", slug="another")
    for one in (lounge, room):
        Membership.join(one.pk, ann.pk, bob.pk)
    return room


def test_everybody_in_every_room(lounge: Room, another: Room, ann: Person, bob: Person) -> None:
    unread.mark_each_read([(lounge.pk, {ann.pk, bob.pk}, 3), (another.pk, {bob.pk}, 5)])
    assert [standing(room, who) for room, who in product((lounge, another), (ann, bob))] == [
        (3, 0),
        (3, 0),
        (0, 0),
        (5, 0),
    ]


def test_never_goes_back(lounge: Room, another: Room, bob: Person) -> None:
    for seqs in Random(1).sample([[1, 9], [4, 2], [7, 7], [3, 8]], 4):
        unread.mark_each_read([(lounge.pk, {bob.pk}, seqs[0]), (another.pk, {bob.pk}, seqs[1])])
    assert [standing(lounge, bob), standing(another, bob)] == [(7, 0), (9, 0)]


def test_the_last_word_counts_where_a_room_comes_twice(lounge: Room, another: Room, bob: Person) -> None:
    unread.mark_each_read([(lounge.pk, {bob.pk}, 6), (lounge.pk, {bob.pk}, 4), (lounge.pk, [bob.pk], 5)])
    assert standing(lounge, bob) == (6, 0)


def test_who_was_named_and_has_seen_it_is_named_no_more(
    lounge: Room, another: Room, ann: Person, bob: Person
) -> None:
    for room in (lounge, another, another):
        changes.post(room, ann, "@bob")
    unread.mark_each_read([(lounge.pk, {ann.pk, bob.pk}, 1), (another.pk, {ann.pk, bob.pk}, 1)])
    assert standing(lounge, bob) == (1, 0)
    assert standing(another, bob) == (1, 2)  # the second they have not seen


def test_nobody_and_who_is_in_no_such_room(lounge: Room, another: Room, bob: Person) -> None:
    unread.mark_each_read([(lounge.pk, {bob.pk + 1000}, 3), (another.pk + 1000, {bob.pk}, 3)])
    assert standing(lounge, bob) == (0, 0)


def test_holds_what_writers_wait_for_as_long_for_many_as_for_one(
    lounge: Room, another: Room, ann: Person, bob: Person
) -> None:
    counts = []
    for read in ([(lounge.pk, {bob.pk}, 3)], [(room.pk, {ann.pk, bob.pk}, 4) for room in (lounge, another)]):
        with CaptureQueriesContext(connection) as queries:
            unread.mark_each_read(read)
        counts.append(len(queries))
    assert counts[0] == counts[1]
