"""Messages are answered with emoji."""

from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from rooms import changes, emoji, joining, reactions
from rooms.access import Refused
from rooms.models import Membership, Message, Person, Reaction, Room
from tests.html import find_all

MakePerson = Callable[..., Person]
pytestmark = pytest.mark.django_db

MESSAGE = "/rooms/lounge/messages/1/"


@pytest.fixture
def said(lounge: Room, ann: Person) -> Message:
    Membership.join(lounge.pk, ann.pk)
    return changes.post(lounge, ann, "tea?")


@pytest.fixture
def bob(lounge: Room, person: MakePerson) -> Person:
    bob = person("bob")
    Membership.join(lounge.pk, bob.pk)
    return bob


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


def test_a_page_asks_no_more_for_them(
    client: Client, said: Message, bob: Person, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(bob)
    for n in range(5):
        reactions.toggle(changes.post(said.room, bob, f"n{n}"), bob, "👍")
    client.get("/rooms/lounge/")  # it is read now
    with django_assert_max_num_queries(7):
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
