"""Who changes several rows at once waits for others who do, and nobody for each other: see rooms.locks."""

from itertools import count

import pytest
from allauth.account.models import EmailAddress
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from rooms import changes, editing, joining, mailing, statements, threads, unread
from rooms.accounts.closing import close
from rooms.models import Kind, Membership, Message, Person, Role, Room, Saved
from rooms.recording import Posting, Said, record_together
from rooms.rerender import rerender
from rooms.search import upkeep
from tests.race import LOCKS, Act, step_by_step

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("not config.getoption('--postgres')", reason="SQLite has one lock for all"),
]


class Site:
    """Two rooms, two threads in the first, and people who are in all of it. As far as that can be, what is
    spoken of earlier is kept later."""

    def __init__(self) -> None:
        self.numbers = count()
        self.rooms = [Room.named(f"Room {n}") for n in range(2)]
        self.ann, *self.people = [self.newcomer() for _ in range(3)]
        self.subjects = [changes.post(self.rooms[0], self.ann, "subject").seq for _ in range(2)]
        for person in self.people:
            self.follow(person)

    def newcomer(self) -> Person:
        """Somebody who is in the rooms, and has joined the first one last."""
        person = Person.guest(f"person{next(self.numbers)}")
        person.save()
        for room in self.rooms[::-1]:
            Membership.join(room.pk, person.pk)
        return person

    def follow(self, person: Person) -> None:
        for seq in self.subjects[::-1]:
            changes.post(self.rooms[0], person, "me too", thread=seq)

    def say(self, *said: tuple[Room, Said]) -> None:
        outcomes = record_together([Posting(room.pk, self.ann, one) for room, one in said])
        assert [type(outcome) for outcome in outcomes] == [tuple] * len(said)

    def name(self) -> None:
        """Everybody in one batch, who joined last first."""
        texts = [f"@{person.username}" for person in self.people[::-1]]
        self.say(*((room, Said(text)) for room in self.rooms for text in texts))

    def name_in_threads(self) -> None:
        texts = [f"@{person.username}" for person in self.people[::-1]]
        room, subjects = self.rooms[0], self.subjects
        self.say(*((room, Said(text, thread=seq)) for text in texts for seq in subjects))

    def read(self) -> None:
        """Everybody everything, as a process records it."""
        ids = [person.pk for person in self.people]
        unread.mark_each_read([(room.pk, ids, room.latest_seq) for room in Room.objects.all()])

    def read_all(self) -> None:
        """All that the first of the people follows and is in."""
        unread.mark_all_read(self.people[0].pk)

    def purge(self) -> None:
        """What is in the threads, and so these."""
        with transaction.atomic():
            room = statements.locked_room(self.rooms[0].pk)
            changes.purge(room, list(Message.objects.filter(room=room).exclude(thread_seq=None)))


@pytest.fixture
def site() -> Site:
    return Site()


def both(*acts: Act, before: Act = lambda: None) -> list[str]:
    """What the database refuses to either of the two, whichever comes first, after `before`."""

    def in_turn(first: Act, second: Act) -> tuple[Act, Act]:
        before()
        return first, second

    return step_by_step(lambda: in_turn(*acts)) + step_by_step(lambda: in_turn(*acts[::-1]))


def test_where_nobody_is_named_nobody_is_waited_for(site: Site) -> None:
    with CaptureQueriesContext(connection) as queries:
        site.say(*((room, Said("hello")) for room in site.rooms))
    locking = [query["sql"] for query in queries if LOCKS.search(query["sql"])]
    assert len(locking) == 1 and 'FROM "rooms_room"' in locking[0]


def test_a_batch_that_names_people_and_who_reads(site: Site) -> None:
    assert both(site.name, site.read) == []


def test_a_batch_in_direct_rooms_and_who_reads(site: Site) -> None:
    site.rooms = [joining.direct_room(site.ann, [person]) for person in site.people]

    def talk() -> None:
        site.say(*((room, Said("hello")) for room in site.rooms[::-1]))

    assert both(talk, site.read) == []


def test_a_batch_that_names_people_and_who_reads_all(site: Site) -> None:
    assert both(site.name, site.read_all) == []


def test_a_batch_in_threads_and_who_reads(site: Site) -> None:
    assert both(site.name_in_threads, site.read) == []


def test_a_batch_in_threads_and_who_reads_all(site: Site) -> None:
    assert both(site.name_in_threads, site.read_all) == []


def test_a_batch_in_threads_and_who_follows_no_more_or_again(site: Site) -> None:
    found = threads.Thread.objects.get(seq=site.subjects[0])

    def follow() -> None:
        for person in site.people:
            threads.follow(found, person, is_on=False)
            threads.follow(found, person)

    assert both(site.name_in_threads, follow) == []


def test_threads_that_go_and_who_reads_all(site: Site) -> None:
    def again() -> None:
        for person in site.people:
            site.follow(person)
        site.name_in_threads()

    assert both(site.purge, site.read_all, before=again) == []


def test_threads_that_go_and_who_reads(site: Site) -> None:
    def again() -> None:
        for person in site.people[::-1]:
            site.follow(person)
        site.name_in_threads()

    assert both(site.purge, site.read, before=again) == []


@pytest.mark.parametrize("other", ["name", "name_in_threads", "read", "read_all"])
def test_an_account_that_is_closed(site: Site, other: str) -> None:
    Room.objects.update(kind=Kind.PRIVATE)

    def come() -> None:
        Membership.objects.update(role=Role.MEMBER)
        site.people[0] = site.newcomer()
        site.follow(site.people[0])
        Membership.objects.filter(person=site.people[0]).update(role=Role.OWNER)  # whose heir is another

    assert both(lambda: close(site.people[0]), getattr(site, other), before=come) == []


def test_an_account_that_is_closed_and_what_was_saved_goes(site: Site) -> None:
    def come() -> None:
        site.people[0] = site.newcomer()
        site.follow(site.people[0])
        for message in Message.objects.filter(room=site.rooms[0]):
            Saved.objects.create(person=site.people[0], message=message)

    assert both(lambda: close(site.people[0]), site.purge, before=come) == []


def test_who_is_mailed_and_who_reads(site: Site) -> None:
    person = site.people[0]
    EmailAddress.objects.create(user=person, email="bob@example.com", verified=True, primary=True)

    def tell() -> None:
        news = Membership.objects.filter(person=person).select_related("room").order_by("-pk")
        mailing.mail(person, list(news))

    assert both(tell, site.read, before=site.name) == []


@pytest.mark.parametrize("keep_up", [lambda: list(upkeep.fill(anew=True)), lambda: list(rerender(anew=True))])
def test_what_is_gone_through_and_who_edits(site: Site, keep_up: Act) -> None:
    numbers, message = count(), Message.objects.filter(author=site.ann)[0]

    def edit() -> None:
        editing.edit(message, site.ann, f"text {next(numbers)}")

    assert both(keep_up, edit) == []
