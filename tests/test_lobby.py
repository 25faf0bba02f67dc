"""The lobby: the open rooms, and the form that leads into one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rooms import changes
from rooms.models import Person, Room
from rooms.models.room import RoomQuerySet
from tests.html import Element, find, find_all

MakePerson = Callable[..., Person]
MakeRoom = Callable[..., Room]
pytestmark = pytest.mark.django_db


def join(client: Client, room_name: str = "Lounge", username: str = "ann") -> bytes:
    """What a form that is refused shows."""
    response = client.post("/", {"room_name": room_name, "username": username})
    assert response.status_code == 422
    return response.content


def problem(html: bytes, name: str) -> str:
    """What is said of the field `name`, where a screen reader will find it."""
    field = find(html, "input", name=name)
    assert field["aria-invalid"] == "true"
    return find(html, "p", id=field["aria-describedby"]).text


def listed(html: bytes) -> list[Element]:
    return [
        link
        for link in find_all(html, "a")
        if any(up.get("aria-labelledby") == "open-rooms" for up in link.parents)
    ]


def test_it_lists_rooms_with_their_people_and_when_something_was_said_last(
    client: Client, person: MakePerson, room: MakeRoom
) -> None:
    at = datetime(2024, 2, 3, 12, 0, tzinfo=UTC)
    changes.post(room("Lounge"), person("ann"), "hello", at=at)
    changes.post(room("Kitchen"), person("bob"), "hello", at=at + timedelta(days=1))
    room("Attic")
    for name in ("cat", "dan"):
        client.force_login(person(name))
        client.get("/rooms/lounge/")
    client.get("/rooms/attic/")
    client.logout()
    page = client.get("/").content
    # A room nobody has spoken in yet counts by when it was made: now.
    attic, kitchen, lounge = listed(page)
    assert [room["href"] for room in (attic, kitchen, lounge)] == [
        "/rooms/attic/",
        "/rooms/kitchen/",
        "/rooms/lounge/",
    ]
    assert "Lounge" in lounge.text
    assert "2 people" in lounge.text
    assert "1 person" in attic.text
    assert "0 people" in kitchen.text
    assert "nothing said yet" in attic.text
    assert [time["datetime"] for time in find_all(page, "time")] == [
        "2024-02-04T12:00:00+00:00",
        "2024-02-03T12:00:00+00:00",
    ]


def test_what_was_said_a_moment_ago_was_said_just_now(
    client: Client, person: MakePerson, room: MakeRoom
) -> None:
    changes.post(room(), person(), "hello", at=timezone.now())
    assert find(client.get("/").content, "time").text == "just now"


def test_it_says_so_when_there_is_no_room(client: Client) -> None:
    page = client.get("/").content
    assert "No room yet" in find(page, "section").text
    assert listed(page) == []


def test_a_stranger_is_asked_for_a_room_and_a_name(client: Client) -> None:
    page = client.get("/").content
    form = find(page, "form")
    assert (form["method"], form["action"]) == ("post", "/")
    for name in ("room_name", "username"):
        field = find(page, "input", name=name)
        assert find(page, "label", **{"for": field["id"]}).text
        assert "aria-describedby" not in dict(field.attributes)


def test_who_is_signed_in_is_asked_for_a_room_only(client: Client, person: MakePerson) -> None:
    client.force_login(person("ann"))
    page = client.get("/").content
    assert find(page, "input", name="room_name")
    assert not find_all(page, "input", name="username")
    assert "You are ann" in find(page, "form").text
    response = client.post("/", {"room_name": "Lounge", "username": "bob"})
    assert response.headers["Location"] == "/rooms/lounge/"
    assert [person.username for person in Person.objects.all()] == ["ann"]


def test_joining_makes_the_room_and_a_guest_without_a_password(client: Client) -> None:
    response = client.post("/", {"room_name": " Lounge ", "username": "ann"}, follow=True)
    assert response.redirect_chain == [("/rooms/lounge/", 302)]
    assert response.status_code == 200
    assert Room.objects.get().name == "Lounge"
    guest = Person.objects.get()
    assert guest.username == "ann"
    assert guest.is_guest
    assert not guest.has_usable_password()
    assert not guest.is_staff
    assert client.session["_auth_user_id"] == str(guest.pk)


@pytest.mark.parametrize("again", ["Lounge", "LOUNGE", "ｌｏｕｎｇｅ", "  lounge "])
def test_a_room_that_is_there_is_joined_and_not_made_again(
    client: Client, room: MakeRoom, again: str
) -> None:
    there = room("Lounge")
    response = client.post("/", {"room_name": again, "username": "ann"})
    assert response.headers["Location"] == there.get_absolute_url()
    assert Room.objects.get().name == "Lounge"


@pytest.mark.parametrize(
    ("there", "taken"),
    [("ann", "ann"), ("ann", " ann "), ("ann", "аnn"), ("ann", "ann\u200d"), ("lan", "LAN"), ("Ian", "lan")],
)
def test_a_name_that_is_taken_is_refused_with_one_that_is_free(
    client: Client, person: MakePerson, there: str, taken: str
) -> None:
    person(there)
    said = problem(join(client, username=taken), "username")
    suggestion = said.split("“")[1].split("”")[0]
    assert suggestion == f"{taken.strip()} 2"
    assert not Room.objects.exists()
    assert client.post("/", {"room_name": "Lounge", "username": suggestion}).status_code == 302
    assert Person.objects.count() == 2


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Please type a name."),
        ("   ", "Please type a name."),
        ("x" * 61, "61 characters long"),
        ("a\u202eb", "cannot be seen"),
        ("a\0b", "cannot be seen"),
        ("a\u00a0b", "only looks like one"),
        ("\u200d", "that can be seen"),
        ("x" + "\u0301" * 5, "too many accents"),
    ],
)
@pytest.mark.parametrize("field", ["room_name", "username"])
def test_what_is_wrong_is_said_beside_the_field_it_is_wrong_in(
    client: Client, field: str, typed: str, said: str
) -> None:
    page = join(client, **{field: typed})
    assert said in problem(page, field)
    assert len(find_all(page, class_="problem")) == 1
    assert not Room.objects.exists()
    assert not Person.objects.exists()


def test_both_fields_are_checked_at_once(client: Client) -> None:
    page = client.post("/", {}).content
    assert problem(page, "room_name") == problem(page, "username") == "Please type a name."


@pytest.mark.parametrize("typed", ["<b>\"'&\u202e", "&lt;script&gt;\x01", "x" * 500, '"><script>\t'])
def test_what_was_typed_is_still_there(client: Client, typed: str) -> None:
    page = join(client, room_name=typed, username=typed)
    assert find(page, "input", name="room_name")["value"] == typed
    assert find(page, "input", name="username")["value"] == typed
    assert not find_all(page, "script")


def test_two_who_come_by_one_name_at_once_do_not_share_it(
    client: Client, person: MakePerson, monkeypatch: pytest.MonkeyPatch
) -> None:
    person("ann")

    def nobody_yet(name: str) -> object:
        monkeypatch.undo()
        return Person.objects.none()

    monkeypatch.setattr(Person, "looking_like", nobody_yet)
    assert "“ann 2”" in problem(join(client, username="ann"), "username")
    assert Person.objects.count() == 1
    assert not Room.objects.exists()


def test_two_who_open_one_room_at_once_meet_in_it(
    client: Client, room: MakeRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    room("Lounge")

    def none_yet(rooms: RoomQuerySet) -> None:
        monkeypatch.undo()

    monkeypatch.setattr(RoomQuerySet, "first", none_yet)
    response = client.post("/", {"room_name": "Lounge", "username": "ann"})
    assert response.headers["Location"] == "/rooms/lounge/"
    assert Room.objects.count() == 1


def test_a_form_of_another_site_opens_nothing(room: MakeRoom) -> None:
    client = Client(enforce_csrf_checks=True)
    fields = {"room_name": "Lounge", "username": "ann"}
    refused = client.post("/", fields)
    assert refused.status_code == 403
    assert "That page was too old" in refused.content.decode()
    assert not Room.objects.exists()
    token = find(client.get("/").content, "input", name="csrfmiddlewaretoken")["value"]
    assert client.post("/", fields | {"csrfmiddlewaretoken": token}).status_code == 302


def test_more_rooms_cost_no_more_queries(client: Client, person: MakePerson, room: MakeRoom) -> None:
    ann = person("ann")
    client.force_login(ann)

    def queries(rooms: int) -> int:
        for n in range(rooms):
            changes.post(room(f"room {n}"), ann, "hello")
        with CaptureQueriesContext(connection) as captured:
            assert len(listed(client.get("/").content)) == rooms
        return len(captured)

    assert queries(3) == queries(60)
