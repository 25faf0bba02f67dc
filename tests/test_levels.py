"""Of what in a room one is told: everything, mentions and answers, or nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from rooms import access, changes, joining, mailing
from rooms.access import Refused
from rooms.models import Level, Membership, Person, Room
from rooms.sidebar import sidebar
from tests.accounts import make_account, make_member
from tests.html import find, find_all

MakePerson = Callable[..., Person]
pytestmark = pytest.mark.django_db

ABOUT = "/rooms/lounge/about/"


@pytest.fixture
def bob(lounge: Room) -> Person:
    """Who is in the lounge, and can be told by mail."""
    return make_member(lounge, "bob")


def tell(person: Person, room: Room, level: str) -> None:
    joining.tell(access.find(room.slug, person), level)


def state(person: Person) -> tuple[bool, bool, int]:
    """Whether their only room is shown as muted, whether as new, and how often it says they are named."""
    (entry,) = sidebar(person).entries
    return entry.is_muted, entry.is_new, entry.mentions


def mailed(settings: Settings) -> int:
    """How many messages mail would tell of by tomorrow."""
    settings.SITE_URL = "https://chat.example"
    for person, news in mailing.overdue(timezone.now() + timedelta(days=1)):
        mailing.mail(person, news)
    return sum(int(str(message.subject).partition(" ")[0]) for message in mail.outbox)


@pytest.mark.parametrize(
    ("level", "after_any", "after_mine"),
    [
        (Level.EVERYTHING, (False, True, 0), (False, True, 2)),
        (Level.MENTIONS, (True, False, 0), (True, False, 2)),
        (Level.NOTHING, (True, False, 0), (True, False, 0)),
    ],
)
def test_of_what_in_a_room_one_is_told(
    lounge: Room, ann: Person, bob: Person, level: str, after_any: Any, after_mine: Any, settings: Settings
) -> None:
    said = changes.post(lounge, bob, "tea?")
    tell(bob, lounge, level)
    changes.post(lounge, ann, "hello")
    assert state(bob) == after_any
    changes.post(lounge, ann, "@bob?")
    changes.post(lounge, ann, "yes", reply=said.seq)
    assert state(bob) == after_mine
    assert mailed(settings) == after_mine[2]


@pytest.mark.parametrize(
    ("level", "after_any", "after_mine"),
    [
        (Level.EVERYTHING, (False, True, 1), (False, True, 2)),
        (Level.MENTIONS, (True, False, 0), (True, False, 1)),
        (Level.NOTHING, (True, False, 0), (True, False, 0)),
    ],
)
def test_of_what_said_directly(
    ann: Person, person: MakePerson, level: str, after_any: Any, after_mine: Any, settings: Settings
) -> None:
    bob = make_account("bob")
    room = joining.direct_room(bob, [ann, person("eve")])
    tell(bob, room, level)
    changes.post(room, ann, "hello")
    assert state(bob) == after_any
    changes.post(room, ann, "@bob?")
    assert state(bob) == after_mine
    assert mailed(settings) == after_mine[2]
    assert ("ann: hello" in "".join(str(message.body) for message in mail.outbox)) == (after_mine[2] == 2)


def test_what_was_told_before_is_not_told_any_more(lounge: Room, ann: Person, bob: Person) -> None:
    changes.post(lounge, ann, "@bob?")
    assert state(bob) == (False, True, 1)
    tell(bob, lounge, Level.MENTIONS)
    assert state(bob) == (True, False, 1)
    tell(bob, lounge, Level.NOTHING)
    assert state(bob) == (True, False, 0)


def test_each_has_a_level_of_their_own_in_each_room(lounge: Room, ann: Person, bob: Person) -> None:
    Membership.join(lounge.pk, ann.pk)
    Membership.join(Room.named("Study").pk, bob.pk)
    tell(bob, lounge, Level.NOTHING)
    levels = Membership.objects.values_list("person__username", "room__name", "level")
    assert set(levels) == {
        ("ann", "Lounge", "everything"),
        ("bob", "Study", "everything"),
        ("bob", "Lounge", "nothing"),
    }


def test_who_is_not_in_the_room_has_none(lounge: Room, ann: Person) -> None:
    with pytest.raises(Refused):
        tell(ann, lounge, Level.NOTHING)


def test_it_is_chosen_on_the_page_about_the_room(client: Client, bob: Person) -> None:
    client.force_login(bob)
    assert chosen(client.get(ABOUT)) == ["everything"]
    page = client.post("/rooms/lounge/level/", {"level": "mentions"}, follow=True)
    assert page.request["PATH_INFO"] == ABOUT
    assert chosen(page) == ["mentions"]


@pytest.mark.parametrize("fields", [{}, {"level": "some"}, {"level": ["nothing", ""]}])
def test_what_is_no_level_is_refused_in_place(client: Client, bob: Person, fields: dict[str, Any]) -> None:
    client.force_login(bob)
    page = client.post("/rooms/lounge/level/", fields)
    assert page.status_code == 422
    assert find(page.content, class_="problem").text == "Please choose one of these."
    assert Membership.objects.get(person=bob).level == Level.EVERYTHING


def chosen(page: Any) -> list[str]:
    radios = find_all(page.content, "input", type="radio")
    assert [radio["value"] for radio in radios] == Level.values
    return [radio["value"] for radio in radios if "checked" in dict(radio.attributes)]


@pytest.mark.django_db(transaction=True)
def test_a_room_that_was_muted_tells_of_mentions_and_back(lounge: Room, person: MakePerson) -> None:
    def migrate(*targets: tuple[str, str]) -> Any:
        executor = MigrationExecutor(connection)
        return executor.migrate(list(targets)).apps.get_model("rooms", "Membership").objects

    graph = MigrationExecutor(connection).loader.graph
    newest = graph.leaf_nodes("rooms")
    (level,) = [node for node in graph.nodes if node[1].endswith("_level")]
    names = Level.values
    Membership.join(lounge.pk, *(person(name).pk for name in names))
    for name in names:
        Membership.objects.filter(person__username=name).update(level=name)
    try:
        before = migrate(*(parent.key for parent in graph.node_map[level].parents))
        muted = before.filter(is_muted=True).values_list("person__username", flat=True)
        assert set(muted) == {"mentions", "nothing"}
    finally:
        after = migrate(*newest)
    levels = dict(after.values_list("person__username", "level"))
    assert levels == {"everything": "everything", "mentions": "mentions", "nothing": "mentions"}
