"""Messages kept at hand: pinned for a room, saved for oneself; and answers to messages."""

from collections.abc import Callable

import pytest
from django.test import Client

from rooms import changes, joining, moderation, pins
from rooms.access import Refused
from rooms.models import Kind, Membership, Message, Person, Pin, Role, Room, Saved
from tests.html import find_all

MakePerson = Callable[..., Person]
pytestmark = pytest.mark.django_db


@pytest.fixture
def said(lounge: Room, ann: Person) -> Message:
    Membership.join(lounge.pk, ann.pk, role=Role.MODERATOR)
    return changes.post(lounge, ann, "the rules")


def extras(message: Message) -> object:
    return Message.objects.get(pk=message.pk).extras


class TestPins:
    def test_one_is_a_change_of_the_message(self, client: Client, said: Message, ann: Person) -> None:
        change = pins.pin(said, ann, is_on=True)
        assert change is not None and change.version == 2
        assert extras(said) == {"pinned": True}
        assert pins.pin(said, ann, is_on=True) is None
        client.force_login(ann)
        assert find_all(client.get("/rooms/lounge/").content, class_="pinned")
        assert [m.seq for m in pins.pinned(said.room)] == [1]
        assert "the rules" in client.get("/rooms/lounge/pinned/").content.decode()
        assert pins.pin(said, ann, is_on=False) is not None
        assert extras(said) is None and not pins.pinned(said.room)

    def test_only_those_who_keep_order_pin(self, said: Message, bob: Person) -> None:
        with pytest.raises(Refused):
            pins.pin(said, bob, is_on=True)

    def test_in_a_direct_room_each_may(self, ann: Person, bob: Person) -> None:
        said = changes.post(joining.direct_room(ann, [bob]), ann, "our song")
        assert pins.pin(said, bob, is_on=True)

    def test_what_was_deleted_is_pinned_no_more(self, said: Message, ann: Person) -> None:
        pins.pin(said, ann, is_on=True)
        changes.delete(said, ann)
        assert not Pin.objects.exists() and extras(said) is None
        with pytest.raises(Refused):
            pins.pin(said, ann, is_on=True)

    def test_no_more_than_some(self, said: Message, ann: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pins, "MOST_PINNED", 1)
        pins.pin(said, ann, is_on=True)
        with pytest.raises(Refused, match="the most"):
            pins.pin(changes.post(said.room, ann, "more"), ann, is_on=True)


@pytest.mark.parametrize(
    "path", ["", "history/", "pinned/", "messages/1/", "messages/1/about/", "messages/1/reply/", "/saved/"]
)
def test_what_shows_messages_has_all_their_styles(
    client: Client, said: Message, ann: Person, path: str
) -> None:
    pins.pin(said, ann, is_on=True)
    pins.save(said, ann, is_on=True)
    client.force_login(ann)
    page = client.get(path if path.startswith("/") else f"/rooms/lounge/{path}").content
    assert find_all(page, class_="message")
    assert not find_all(page, class_="notices")
    sheets = " ".join(link["href"] for link in find_all(page, "link") if link.get("rel") == "stylesheet")
    of_a_room = path in ("", "messages/1/")
    for name in ["room"] if of_a_room else ["messages", "markup", "files"]:
        assert f"css/{name}." in sheets


class TestSaved:
    def test_they_are_ones_own(self, client: Client, said: Message, ann: Person, bob: Person) -> None:
        pins.save(said, bob, is_on=True)
        pins.save(said, bob, is_on=True)
        assert [message.pk for message in pins.saved(bob)] == [said.pk]
        assert not pins.saved(ann)
        client.force_login(bob)
        assert "the rules" in client.get("/saved/").content.decode()
        client.force_login(ann)
        assert "the rules" not in client.get("/saved/").content.decode()
        pins.save(said, bob, is_on=False)
        assert not pins.saved(bob)

    def test_one_that_answers_says_whom(
        self, client: Client, said: Message, ann: Person, bob: Person
    ) -> None:
        pins.save(changes.post(said.room, bob, "understood", reply=1), bob, is_on=True)
        client.force_login(bob)
        (quoted,) = find_all(client.get("/saved/").content, class_="answered")
        assert "ann" in quoted.text

    def test_what_one_may_see_no_more_is_not_shown(self, said: Message, ann: Person, bob: Person) -> None:
        pins.save(said, bob, is_on=True)
        moderation.ban(said.room, bob, ann, "enough")
        assert not pins.saved(bob)

    def test_nor_what_was_said_in_a_private_room_one_has_left(self, said: Message, bob: Person) -> None:
        Room.objects.update(kind=Kind.PRIVATE)
        pins.save(said, bob, is_on=True)
        assert pins.saved(bob)
        joining.leave(said.room, bob)
        assert not pins.saved(bob)

    def test_what_was_deleted_is_neither_shown_nor_saved(
        self, said: Message, ann: Person, bob: Person
    ) -> None:
        pins.save(said, bob, is_on=True)
        changes.delete(said, ann)
        assert not pins.saved(bob)
        with pytest.raises(Refused):
            pins.save(Message.objects.get(), ann, is_on=True)

    def test_no_more_than_some(self, said: Message, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(pins, "MOST_SAVED", 1)
        pins.save(said, bob, is_on=True)
        with pytest.raises(Refused):
            pins.save(changes.post(said.room, bob, "x"), bob, is_on=True)
        assert Saved.objects.count() == 1


class TestAnswers:
    def test_one_quotes_what_it_answers(
        self, client: Client, said: Message, ann: Person, bob: Person
    ) -> None:
        answer = changes.post(said.room, bob, "understood", reply=1)
        assert extras(answer) == {"reply": {"seq": 1, "author": ann.pk, "line": "the rules"}}
        client.force_login(bob)
        for path in ("", "history/", "messages/2/"):
            (quoted,) = find_all(client.get(f"/rooms/lounge/{path}").content, class_="answered")
            assert quoted["href"] == "/rooms/lounge/messages/1/"
            assert "ann" in quoted.text and "the rules" in quoted.text

    def test_who_is_answered_is_told(self, said: Message, ann: Person, bob: Person) -> None:
        def mentions() -> int:
            return Membership.objects.get(room=said.room, person=ann).mentions

        changes.post(said.room, bob, "hm")
        assert mentions() == 0
        changes.post(said.room, bob, "understood", reply=1)
        assert mentions() == 1
        changes.post(said.room, ann, "I mean it", reply=1)
        assert mentions() == 1

    def test_it_shows_the_name_of_today(
        self, client: Client, said: Message, ann: Person, bob: Person
    ) -> None:
        changes.post(said.room, bob, "understood", reply=1)
        Person.objects.filter(pk=ann.pk).update(username="anna")
        client.force_login(bob)
        (quoted,) = find_all(client.get("/rooms/lounge/").content, class_="answered")
        assert "anna" in quoted.text

    @pytest.mark.parametrize("reply", ["9", "0", "-1", "x", "", "1" * 40, "٣"])
    def test_to_nothing_it_is_a_message_like_others(
        self, client: Client, said: Message, bob: Person, reply: str
    ) -> None:
        client.force_login(bob)
        assert client.post("/rooms/lounge/messages/", {"body": "hm", "reply": reply}).status_code == 302
        message = Message.objects.get(seq=2)
        assert (message.body, message.reply_seq, message.extras) == ("hm", None, None)

    def test_what_was_purged_is_quoted_no_more(self, said: Message, bob: Person) -> None:
        answer = changes.post(said.room, bob, "understood", reply=1)
        room = Room.objects.get()
        changes.purge(room, [said])
        assert extras(answer) is None
        assert Room.objects.get().clock == Message.objects.get().version == 4

    def test_without_a_script_it_has_a_page(self, client: Client, said: Message, bob: Person) -> None:
        client.force_login(bob)
        page = client.get("/rooms/lounge/messages/1/reply/").content
        assert find_all(page, class_="text")[0].text == "the rules"
        fields = {field["name"]: field["value"] for field in find_all(page, "input") if field.get("value")}
        client.post("/rooms/lounge/messages/", {**fields, "body": "understood"})
        assert Message.objects.get(seq=2).reply_seq == 1
