"""What one said is edited; what it said before is kept for those who may read it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from rooms import changes, editing, joining, moderation
from rooms.access import Refused
from rooms.models import Membership, Message, Person, Revision, Role, Room
from tests.hostile import MARKUP, PAYLOADS, shape
from tests.html import find, find_all

MakePerson = Callable[..., Person]
pytestmark = pytest.mark.django_db

EDIT = "/rooms/lounge/messages/1/edit/"


@pytest.fixture
def said(lounge: Room, ann: Person) -> Message:
    """What ann said in the lounge."""
    Membership.join(lounge.pk, ann.pk)
    return changes.post(lounge, ann, "tea at one")


def now(message: Message) -> Message:
    return Message.objects.get(pk=message.pk)


def test_it_says_something_else_from_then_on(said: Message, ann: Person, lounge: Room) -> None:
    change = editing.edit(said, ann, "tea at <two>")
    message = now(said)
    assert (message.body, message.seq, message.version) == ("tea at <two>", 1, 2)
    assert "tea at &lt;two&gt;" in message.html
    assert message.edited_at is not None
    assert change is not None and change.version == 2 and not change.is_new
    lounge.refresh_from_db()
    assert (lounge.clock, lounge.last_seq) == (2, 1)


def test_what_it_said_before_is_kept(said: Message, ann: Person) -> None:
    editing.edit(said, ann, "tea at two")
    first_edit = now(said).edited_at
    editing.edit(said, ann, "tea at three")
    kept = list(Revision.objects.order_by("pk").values_list("body", "at"))
    assert kept == [("tea at one", said.at), ("tea at two", first_edit)]


def test_the_same_again_is_no_change(said: Message, ann: Person) -> None:
    assert editing.edit(said, ann, "tea at one") is None
    assert (now(said).version, now(said).edited_at) == (1, None)


def test_it_is_found_by_what_it_says_now(client: Client, said: Message, ann: Person) -> None:
    client.force_login(ann)

    def found(word: str) -> int:
        return len(find_all(client.get("/search/", {"q": word}).content, "mark"))

    assert found("one")
    editing.edit(said, ann, "tea at two")
    assert found("two") and not found("one")


def test_only_its_author_edits_it(said: Message, bob: Person, lounge: Room) -> None:
    Membership.objects.filter(person=bob).update(role=Role.OWNER)
    with pytest.raises(Refused):
        editing.edit(said, bob, "coffee")
    assert now(said).body == "tea at one"


def test_who_may_not_write_does_not_edit(said: Message, ann: Person, bob: Person, lounge: Room) -> None:
    Room.objects.update(is_closed=True)
    with pytest.raises(Refused, match="Only moderators"):
        editing.edit(said, ann, "coffee")
    Room.objects.update(is_closed=False)
    Membership.objects.filter(person=bob).update(role=Role.OWNER)
    moderation.ban(lounge, ann, bob, "enough")
    with pytest.raises(Refused, match="banned"):
        editing.edit(said, ann, "coffee")


def test_nobody_edits_to_whom_they_may_not_write(ann: Person, bob: Person) -> None:
    room = joining.direct_room(ann, [bob])
    said = changes.post(room, ann, "hello")
    joining.block(bob, ann)
    with pytest.raises(Refused, match="cannot write to each other"):
        editing.edit(said, ann, "HELLO")


def test_what_was_deleted_is_not_edited_and_nothing_of_it_is_kept(said: Message, ann: Person) -> None:
    editing.edit(said, ann, "tea at two")
    changes.delete(now(said), ann)
    assert not Revision.objects.exists()
    with pytest.raises(Refused, match="deleted"):
        editing.edit(said, ann, "tea after all")
    assert now(said).body == ""


def test_what_answers_it_quotes_it_anew(said: Message, ann: Person, bob: Person, lounge: Room) -> None:
    answer = changes.post(lounge, bob, "fine", reply=1)
    assert answer.extras == {"reply": {"seq": 1, "author": ann.pk, "line": "tea at one"}}
    editing.edit(said, ann, "tea at two")
    assert now(answer).extras == {"reply": {"seq": 1, "author": ann.pk, "line": "tea at two"}}
    changes.delete(said, ann)
    assert now(answer).extras == {"reply": {"seq": 1, "author": ann.pk, "line": ""}}
    lounge.refresh_from_db()
    versions = sorted(Message.objects.values_list("version", flat=True))
    assert versions == [5, 6] and lounge.clock == 6


# By its page ---------------------------------------------------------------------------


def test_the_page_to_edit_it(client: Client, said: Message, ann: Person) -> None:
    client.force_login(ann)
    assert find(client.get(EDIT).content, "textarea").text == "tea at one"
    answer = client.post(EDIT, {"body": "  tea at two\r\nor three "})
    assert (answer.status_code, answer["Location"]) == (302, "/rooms/lounge/messages/1/")
    assert now(said).body == "tea at two\nor three"


@pytest.mark.parametrize("body", ["", "   ", "x" * 4001])
def test_what_cannot_be_is_explained_and_kept_in_the_field(
    client: Client, said: Message, ann: Person, body: str
) -> None:
    client.force_login(ann)
    answer = client.post(EDIT, {"body": body})
    assert answer.status_code == 422
    assert find(answer.content, class_="errorlist").text
    assert find(answer.content, "textarea").text.strip() == body.strip()
    assert now(said).body == "tea at one"


HTMX = {"HX-Request": "true"}


def test_a_preview_is_what_it_will_look_like_and_changes_nothing(
    client: Client, said: Message, ann: Person, bob: Person
) -> None:
    client.force_login(ann)
    body = "tea at **two**\n<b>@bob</b>"
    page = client.post(EDIT, {"body": body, "preview": "1"}).content.decode()
    assert find(page, "textarea").text == body
    assert now(said).version == 1
    part = client.post(EDIT, {"body": body, "preview": "1"}, headers=HTMX).content.decode()
    assert not find_all(part, "textarea")  # what is typed stays where it is
    client.post(EDIT, {"body": body})
    for html in (page, part):
        assert now(said).html in html
        assert f'data-person="{bob.pk}"' in html


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_button_that_shows_it_hides_it_and_typing_does_not(
    client: Client, said: Message, ann: Person, headers: dict[str, str]
) -> None:
    client.force_login(ann)

    def is_shown(**fields: str) -> bool:
        answer = client.post(EDIT, {"body": "x"} | fields, headers=headers)
        assert answer.status_code == 200
        return bool(find_all(answer.content, class_="text"))

    assert is_shown(preview="1")
    assert not is_shown(preview="1", shown="1")
    assert is_shown(preview="again", shown="1")
    assert not is_shown(preview="1", body=" \n ")


def test_a_preview_of_hostile_texts_is_harmless(client: Client, said: Message, ann: Person) -> None:
    client.force_login(ann)
    for headers in ({}, HTMX):
        harmless = shape(client.post(EDIT, {"body": "x", "preview": "1"}, headers=headers).content)
        for text in [*MARKUP, " ".join(PAYLOADS)]:
            hostile = client.post(EDIT, {"body": text, "preview": "1"}, headers=headers).content
            assert shape(hostile) == harmless, text


def test_who_may_not_edit_it_gets_no_preview(client: Client, said: Message, bob: Person) -> None:
    client.force_login(bob)
    answer = client.post(EDIT, {"body": "**x**", "preview": "1"})
    assert answer.status_code == 403 and b"<strong>" not in answer.content


def test_edit_last_leads_to_ones_newest(client: Client, said: Message, ann: Person, bob: Person) -> None:
    changes.post(said.room, bob, "coffee")
    client.force_login(ann)
    assert client.get("/rooms/lounge/edit-last/")["Location"] == EDIT
    changes.delete(said, ann)
    assert client.get("/rooms/lounge/edit-last/").status_code == 403


def test_earlier_texts_are_for_its_author_and_those_who_keep_order(
    client: Client, said: Message, ann: Person, bob: Person
) -> None:
    editing.edit(said, ann, "tea at two")

    def earlier() -> list[Any]:
        page = client.get("/rooms/lounge/messages/1/about/").content
        return [element.text for element in find_all(page, class_="earlier")]

    client.force_login(ann)
    assert earlier() == ["tea at one"]
    client.force_login(bob)
    assert earlier() == []
    Membership.objects.filter(person=bob).update(role=Role.MODERATOR)
    assert earlier() == ["tea at one"]


def test_it_is_marked_as_edited(client: Client, said: Message, ann: Person) -> None:
    client.force_login(ann)
    assert not find_all(client.get("/rooms/lounge/").content, class_="edited")
    editing.edit(said, ann, "tea at two")
    for path in ("", "history/", "messages/1/"):
        assert find_all(client.get(f"/rooms/lounge/{path}").content, class_="edited")
