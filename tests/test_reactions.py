"""Messages are answered with emoji."""

import json
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from rooms import changes, emoji, joining, missed, reactions
from rooms.access import Refused
from rooms.events import Change
from rooms.models import Membership, Message, Person, Reaction, Room
from tests.html import find_all

MakePerson = Callable[..., Person]
pytestmark = pytest.mark.django_db

MESSAGE = "/rooms/lounge/messages/1/"


@pytest.fixture
def said(lounge: Room, ann: Person) -> Message:
    Membership.join(lounge.pk, ann.pk)
    return changes.post(lounge, ann, "tea?")


def shown(message: Message) -> list[list[object]]:
    return (Message.objects.get(pk=message.pk).extras or {}).get("reactions", [])


def test_they_are_counted_in_the_order_they_came(said: Message, ann: Person, bob: Person) -> None:
    reactions.toggle(said, bob, "👍")
    reactions.toggle(said, bob, "🎉")
    change = reactions.toggle(said, ann, "👍")
    assert shown(said) == [["👍", 2, [bob.pk, ann.pk]], ["🎉", 1, [bob.pk]]]
    assert change is not None and change.version == 4 and not change.is_new


def test_the_same_again_takes_it_back(said: Message, bob: Person) -> None:
    reactions.toggle(said, bob, "👍")
    reactions.toggle(said, bob, "👍")
    assert shown(said) == []
    assert not Reaction.objects.exists()


@pytest.mark.parametrize("one", ["", "a", "👍👍", "<b>", ":thumbs_up:", " 👍", "👍\0", "1", "👍" * 40])
def test_nothing_but_an_emoji(client: Client, said: Message, bob: Person, one: str) -> None:
    with pytest.raises(Refused):
        reactions.toggle(said, bob, one)
    client.force_login(bob)
    assert client.post(f"{MESSAGE}react/", {"emoji": one}).status_code in (302, 403)
    assert not Reaction.objects.exclude(emoji="👍").exists()


@pytest.mark.parametrize("one", ["❤️", "👩🏽\u200d🚀", "🏳️\u200d🌈", "🇩🇪", "#️⃣"])
def test_any_emoji(client: Client, said: Message, bob: Person, one: str) -> None:
    client.force_login(bob)
    assert client.post(f"{MESSAGE}react/", {"emoji": one}).status_code == 302
    assert shown(said) == [[one, 1, [bob.pk]]]
    (chip,) = find_all(client.get("/rooms/lounge/").content, class_="reaction")
    assert one in chip.text and chip["data-people"] == str(bob.pk)


def test_no_more_than_some_different_ones(
    said: Message, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reactions, "MOST", 2)
    for one in ("👍", "🎉"):
        reactions.toggle(said, bob, one)
    with pytest.raises(Refused, match="enough"):
        reactions.toggle(said, bob, "👀")
    reactions.toggle(said, bob, "🎉")  # which can still be taken back


def test_where_nobody_but_moderators_writes_people_still_react(said: Message, bob: Person) -> None:
    Room.objects.update(is_closed=True)
    reactions.toggle(said, bob, "👍")
    assert shown(said)


def test_not_to_what_was_deleted_nor_where_one_is_not(
    said: Message, ann: Person, bob: Person, person: MakePerson
) -> None:
    with pytest.raises(Refused, match="not in this room"):
        reactions.toggle(said, person("stranger"), "👍")
    reactions.toggle(said, bob, "👍")
    changes.delete(said, ann)
    assert Message.objects.get(pk=said.pk).extras is None
    assert not Reaction.objects.exists()
    with pytest.raises(Refused, match="deleted"):
        reactions.toggle(said, bob, "👍")


def test_not_to_whom_one_may_not_write(ann: Person, bob: Person) -> None:
    said = changes.post(joining.direct_room(ann, [bob]), ann, "hello")
    joining.block(ann, bob)
    with pytest.raises(Refused, match="cannot write to each other"):
        reactions.toggle(said, bob, "👍")


def test_a_page_asks_once_for_the_names_of_all(
    client: Client, said: Message, bob: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(bob)
    for n in range(5):
        reactions.toggle(changes.post(said.room, bob, f"n{n}"), bob, "👍")
    client.get("/rooms/lounge/")  # it is read now
    with django_assert_max_num_queries(9):
        assert len(find_all(client.get("/rooms/lounge/").content, class_="reaction")) == 5


def test_who_reacted_is_told(client: Client, said: Message, ann: Person, bob: Person) -> None:
    for who in (bob, ann):
        reactions.toggle(said, who, "👍")
    client.force_login(bob)
    assert reactions.people(said) == [("👍", "thumbs up", ["bob", "ann"])]
    assert "bob, ann" in find_all(client.get(f"{MESSAGE}reactions/").content, "li")[0].text


def test_emoji_are_found_by_their_names() -> None:
    assert ("🚀", "rocket") in emoji.found("rocket")
    assert emoji.found("ROCK et")[0] == ("🚀", "rocket")
    assert [one for one, _ in emoji.found("")] == emoji.AT_HAND
    assert emoji.found("nothing is called this") == []
    assert len(emoji.found("a")) == emoji.SHOWN
    assert all(emoji.is_one(one) for one in emoji.AT_HAND)


# Their names ---------------------------------------------------------------------------

PAGES = ["/rooms/lounge/", "/rooms/lounge/history/", "/rooms/lounge/messages/1/about/"]


def titles(html: str | bytes) -> list[str]:
    return [chip["title"] for chip in find_all(html, class_="reaction")]


def heard(change: Change | None) -> str:
    """What a tab gets of a change that came through Redis."""
    assert change is not None
    return Change.of(json.loads(json.dumps(change.event()))).html("UTC")


@pytest.mark.parametrize("url", PAGES)
def test_each_reaction_names_who_reacted(
    client: Client, said: Message, ann: Person, bob: Person, url: str
) -> None:
    for who, one in ((bob, "👍"), (ann, "👍"), (ann, "🎉")):
        reactions.toggle(said, who, one)
    client.force_login(bob)
    assert titles(client.get(url).content) == ["bob, ann", "ann"]
    Person.objects.filter(pk=ann.pk).update(username="annabel")
    assert titles(client.get(url).content) == ["bob, annabel", "annabel"]


def test_and_so_does_each_in_tabs_that_are_open(said: Message, ann: Person, bob: Person) -> None:
    assert titles(heard(reactions.toggle(said, bob, "👍"))) == ["bob"]
    assert titles(heard(reactions.toggle(said, ann, "👍"))) == ["bob, ann"]
    assert titles(heard(reactions.toggle(said, bob, "👍"))) == ["ann"]


def test_a_tab_that_comes_back_is_told_names_as_they_are_by_then(
    lounge: Room, said: Message, bob: Person
) -> None:
    reactions.toggle(said, bob, "👍")
    for name in ("bob", "robert"):
        Person.objects.filter(pk=bob.pk).update(username=name)
        (message,) = Message.objects.changed_since(lounge, 0, 10)
        assert titles(missed._change(message, is_new=False).html("UTC")) == [name]


def test_of_many_the_first_are_named(client: Client, said: Message, bob: Person, person: MakePerson) -> None:
    people = [bob, *(person(f"p{n}") for n in range(11))]
    Membership.join(said.room.pk, *(one.pk for one in people))
    for one in people:
        change = reactions.toggle(said, one, "👍")
    client.force_login(bob)
    for html in (client.get(PAGES[0]).content, heard(change)):
        assert titles(html) == ["bob, p0, p1, p2, p3, p4, p5, p6, p7, p8 and 2 more"]


def test_a_name_can_hold_anything(client: Client, said: Message, bob: Person) -> None:
    name = """"'><script>x()</script>&quot; {{ x }}"""
    Person.objects.filter(pk=bob.pk).update(username=name)
    change = reactions.toggle(said, bob, "👍")
    client.force_login(bob)
    assert titles(client.get(PAGES[0]).content) == [name]
    assert titles(heard(change)) == [name]


def test_whoever_is_answered_is_named_in_the_same_query(
    lounge: Room, said: Message, ann: Person, bob: Person, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    answer = changes.post(lounge, bob, "yes", reply=said.seq)
    reactions.toggle(answer, bob, "👍")
    with django_assert_num_queries(2):  # the messages and the names
        page = Message.objects.page_before(lounge)
    assert (page[1].answered_name, [names for *_, names in page[1].reacted]) == ("ann", ["bob"])
