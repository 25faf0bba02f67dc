"""What administrators see of the site's data, and may change."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from rooms import changes, joining, moderation, publishing
from rooms.admin.common import MOST_COUNTED
from rooms.events import Notice
from rooms.models import Act, Ban, Block, Invitation, Message, Person, Report, Role, Room
from tests.accounts import logged_in, make_account, who
from tests.html import find, find_all

MakePerson = Callable[..., Person]
pytestmark = pytest.mark.django_db

LISTS = ["act", "ban", "membership", "message", "person", "report", "room"]


@pytest.fixture
def boss(client: Client) -> Person:
    """Who administers the site, signed in."""
    boss = Person.objects.create_superuser("boss", "boss@example.org")
    client.force_login(boss)
    return boss


@pytest.fixture
def cellar(person: MakePerson) -> Room:
    """A private room that the administrator is not in, where something was said and reported."""
    ann = person("ann")
    ann.is_guest = False
    ann.save()
    cellar = joining.private_room("Cellar", ann)
    moderation.configure(cellar, ann, topic="a secret topic", description="a secret description")
    joining.invite(cellar, person("mia"), ann)
    message = changes.post(cellar, Person.objects.get(username="mia"), "a secret")
    moderation.report(message, ann, "Rude")
    return cellar


def page(model: str, pk: int | str = "") -> str:
    return f"/admin/rooms/{model}/{pk}/change/" if pk else f"/admin/rooms/{model}/"


def act(client: Client, model: str, action: str, *rows: Any, **fields: str) -> Any:
    """Choose an action for these rows of the list."""
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(page(model), chosen | fields)


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


# Who comes in --------------------------------------------------------------------------


@pytest.mark.parametrize("model", LISTS)
def test_only_administrators_see_it(client: Client, bob: Person, model: str) -> None:
    for _ in range(2):  # a stranger, then bob
        response = client.get(page(model))
        assert response.status_code == 302
        assert response.headers["Location"].startswith("/admin/login/")
        client.force_login(bob)


@pytest.mark.parametrize("model", LISTS)
def test_every_list_is_shown_and_searched(client: Client, boss: Person, cellar: Room, model: str) -> None:
    for query in ({}, {"q": "Bob's"}, {"q": "\0"}, {"p": "99"}):
        assert client.get(page(model), query).status_code in (200, 302)


def test_what_there_is(client: Client, boss: Person) -> None:
    """Whom somebody blocks is theirs alone."""
    ours = {model.__name__.lower() for model in admin.site._registry if model.__module__.startswith("rooms.")}
    assert ours >= set(LISTS)
    assert Block not in admin.site._registry


# Records -------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["act", "ban", "membership", "message", "report"])
def test_a_record_is_only_read(client: Client, boss: Person, bob: Person, lounge: Room, model: str) -> None:
    message = changes.post(lounge, bob, "hello")
    moderation.report(message, boss, "Rude")
    moderation.ban(lounge, Person.objects.create_user("eve"), boss, "Noise")
    row: Any = apps.get_model("rooms", model)._default_manager.first()
    shown = client.get(page(model, row.pk))
    assert shown.status_code == 200
    assert not find_all(shown.content, "input", name="_save")
    assert client.post(page(model, row.pk), {"why": "x", "role": "owner"}).status_code == 403
    assert client.get(f"{page(model)}add/").status_code == 403
    assert client.post(f"{page(model)}{row.pk}/delete/").status_code == 403
    assert "delete_selected" not in client.get(page(model)).content.decode()
    act(client, model, "delete_selected", row, post="yes")
    assert type(row).objects.filter(pk=row.pk).exists()


# What is said --------------------------------------------------------------------------


def test_what_is_said_in_private_is_not_to_be_read(
    client: Client, boss: Person, cellar: Room, person: MakePerson
) -> None:
    direct = joining.direct_room(person("cleo"), [person("dan")])
    changes.post(direct, Person.objects.get(username="cleo"), "a secret too")
    for message in Message.objects.all():
        assert client.get(page("message", message.pk)).status_code == 302  # there is none
        act(client, "message", "take_back", message)
    report = Report.objects.get()
    assert client.get(page("report", report.pk)).status_code == 302
    act(client, "report", "delete_message", report)
    act(client, "report", "dismiss", report)
    assert not Message.objects.exclude(deleted_at=None).exists()
    assert Report.objects.open().exists()
    for model in LISTS:
        assert "a secret" not in client.get(page(model)).content.decode()
    for room in (cellar, direct):
        shown = client.get(page("room", room.pk))
        assert shown.status_code == 200
        assert "a secret" not in shown.content.decode()
        assert not find_all(shown.content, "input", name="_save")
        assert client.post(page("room", room.pk), {"name": "Mine"}).status_code == 403


def test_what_private_rooms_are_called_is_not_told(client: Client, boss: Person, cellar: Room) -> None:
    ann = Person.objects.get(username="ann")
    moderation.configure(cellar, ann, name="Cellar two")
    moderation.ban(cellar, Person.objects.get(username="mia"), ann, "Noise in the cellar")
    for model in ("act", "ban", "membership", "room"):
        rows: Any = apps.get_model("rooms", model)._default_manager.all()
        for where in (page(model), *(page(model, row.pk) for row in rows)):
            shown = client.get(where)
            assert shown.status_code == 200
            assert "cellar" not in shown.content.decode().lower()
    assert f"Private room {cellar.pk}" in client.get(page("room")).content.decode()
    assert not client.get(page("room"), {"q": "Cellar"}).context["cl"].queryset


def test_links_into_rooms_are_not_shown(client: Client, boss: Person, cellar: Room, lounge: Room) -> None:
    links = [Invitation.objects.create(room=room, by=boss) for room in (None, cellar, lounge)]
    shown = client.get(page("invitation")).content.decode()
    assert [link.token in shown for link in links] == [True, False, False]
    codes = [client.get(page("invitation", link.pk)).status_code for link in links]
    assert codes == [200, 302, 302]


def test_nobody_brings_themselves_into_a_room(client: Client, boss: Person, cellar: Room) -> None:
    mine = {"room": cellar.pk, "person": boss.pk, "role": "owner"}
    assert client.post(f"{page('membership')}add/", mine).status_code == 403
    for action in ("remove", "make_owner", "make_member"):
        response = act(client, "membership", action, *cellar.membership_set.all())
        assert "Only the room's" in said(response)[0]
    assert sorted(cellar.membership_set.values_list("person__username", "role")) == [
        ("ann", "owner"),
        ("mia", "member"),
    ]


def test_what_is_said_in_the_open_is_read_and_deleted(
    client: Client, boss: Person, bob: Person, lounge: Room
) -> None:
    messages = [changes.post(lounge, bob, f"offer {n}") for n in range(3)]
    assert "offer 1" in client.get(page("message"), {"q": "bob"}).content.decode()
    response = act(client, "message", "take_back", *messages[:2])
    assert said(response) == ["Deleted: 2."]
    assert list(Message.objects.order_by("seq").values_list("body", flat=True)) == ["", "", "offer 2"]
    assert Room.objects.get().clock == 5
    assert Act.objects.filter(what="deleted", by=boss).count() == 2


def test_a_report_is_dismissed_or_acted_on(client: Client, boss: Person, bob: Person, lounge: Room) -> None:
    for n in range(2):
        moderation.report(changes.post(lounge, bob, f"offer {n}"), boss, "Advertising")
    dismissed, deleted = Report.objects.order_by("pk")
    act(client, "report", "dismiss", dismissed)
    act(client, "report", "delete_message", deleted)
    assert not Report.objects.open().exists()
    assert list(Message.objects.order_by("seq").values_list("body", flat=True)) == ["offer 0", ""]


# Rooms ---------------------------------------------------------------------------------


def fields(response: Any) -> dict[str, Any]:
    """The form as it is shown."""
    form = response.context["adminform"].form
    values = {name: form[name].value() for name in form.fields}
    sent = {
        name: value for name, value in values.items() if value not in ("", None, []) and value is not False
    }
    return {name: "on" if value is True else value for name, value in sent.items()}


def test_an_open_room_is_changed_as_its_owners_would(client: Client, boss: Person, lounge: Room) -> None:
    where = page("room", lounge.pk)
    typed = fields(client.get(where))
    client.post(where, typed | {"name": " Salon ", "topic": "Tea", "is_archived": "on", "slow_seconds": "30"})
    lounge.refresh_from_db()
    assert (lounge.name, lounge.slug, lounge.topic, lounge.slow_seconds) == ("Salon", "salon", "Tea", 30)
    assert lounge.archived_at
    assert lounge.clock == lounge.head_version == 1
    assert client.get("/rooms/lounge/").headers["Location"] == "/rooms/salon/"
    assert {what for (what,) in Act.objects.values_list("what")} == {"renamed", "archived", "slowed"}
    typed = fields(client.get(where))
    assert typed["is_archived"] == "on"
    client.post(where, typed)
    lounge.refresh_from_db()
    assert lounge.clock == 1  # nothing was changed
    client.post(where, {name: value for name, value in typed.items() if name != "is_archived"})
    lounge.refresh_from_db()
    assert lounge.archived_at is None


@pytest.mark.parametrize("name", ["ATTIC", "", "x" * 61, "a\u202eb"])
def test_a_name_that_will_not_do(client: Client, boss: Person, lounge: Room, name: str) -> None:
    Room.named("Attic")
    where = page("room", lounge.pk)
    response = client.post(where, fields(client.get(where)) | {"name": name})
    assert response.status_code == 200
    assert find(response.content, class_="errorlist").text.strip()
    lounge.refresh_from_db()
    assert (lounge.name, lounge.clock) == ("Lounge", 0)


def test_a_name_that_was_taken_in_this_very_moment(
    client: Client, boss: Person, lounge: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rooms.admin.rooms import RoomForm

    Room.named("Attic")
    monkeypatch.setattr(RoomForm, "clean_name", lambda form: form.cleaned_data["name"])
    where = page("room", lounge.pk)
    response = client.post(where, fields(client.get(where)) | {"name": "Attic"})
    assert any("There is another room of this name." in line for line in said(response))
    lounge.refresh_from_db()
    assert lounge.name == "Lounge"


def test_rooms_are_neither_made_nor_deleted_here(client: Client, boss: Person, lounge: Room) -> None:
    assert client.get(f"{page('room')}add/").status_code == 403
    assert client.post(f"{page('room')}{lounge.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Room.objects.get() == lounge


def test_who_is_in_an_open_room(client: Client, boss: Person, bob: Person, lounge: Room) -> None:
    [mine] = lounge.membership_set.all()
    act(client, "membership", "make_owner", mine)
    mine.refresh_from_db()
    assert mine.role == Role.OWNER
    response = act(client, "membership", "make_member", mine)
    assert "needs an owner" in said(response)[-1]
    act(client, "membership", "remove", mine)
    assert not lounge.membership_set.exists()
    assert Act.objects.filter(by=boss, person=bob).count() == 2


# People --------------------------------------------------------------------------------


def test_somebody_is_banned_from_the_site(
    client: Client,
    boss: Person,
    bob: Person,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    told: list[Notice] = []

    async def keep(notice: Notice) -> None:
        told.append(notice)

    monkeypatch.setattr(publishing, "notify", keep)
    asked = act(client, "person", "ban", bob)
    assert asked.status_code == 200
    assert find(asked.content, class_="person").text == "bob"
    assert not Ban.objects.exists()
    hidden = {
        field["name"]: field["value"]
        for field in find_all(asked.content, "input", type="hidden")
        if field["name"] != "csrfmiddlewaretoken"
    }
    assert hidden == {"action": "ban", "_selected_action": str(bob.pk)}
    again = client.post(page("person"), hidden | {"reason": "", "end": "day"})
    assert again.status_code == 422
    with django_capture_on_commit_callbacks(execute=True):
        done = client.post(page("person"), hidden | {"reason": "Noise", "end": "day"})
    assert said(done) == ["Banned: 1."]
    bob.refresh_from_db()
    assert bob.banned_until is not None
    assert timedelta(hours=23) < bob.banned_until - timezone.now() < timedelta(hours=24)
    assert told == [Notice(bob.pk, "ended", why="You were banned from this site: Noise")]
    listed = client.get(page("person"), {"banned": "yes"}).context["cl"].queryset
    assert list(listed) == [bob]
    assert said(act(client, "person", "lift_ban", bob)) == ["Lifted: 1."]
    assert Person.objects.get(username="bob").banned_until is None
    assert list(client.get(page("person"), {"banned": "no"}).context["cl"].queryset) == [bob, boss]


def test_administrators_are_not_banned(client: Client, boss: Person) -> None:
    response = act(client, "person", "ban", boss, reason="Noise", end="ever")
    assert "not each other" in said(response)[0]
    assert not Ban.objects.exists()


def test_bans_are_lifted_from_their_list(
    client: Client, boss: Person, bob: Person, lounge: Room, cellar: Room
) -> None:
    moderation.ban(lounge, bob, boss, "Noise")
    moderation.ban_from_site(bob, boss, "Noise")
    moderation.ban(cellar, bob, Person.objects.get(username="ann"), "Noise")
    response = act(client, "ban", "lift", *Ban.objects.all())
    assert sorted(said(response)) == ["Lifted: 2.", "bob: Only the room's moderators may do that."]
    assert [ban.room for ban in Ban.objects.all()] == [cellar]  # whose moderators decide


def test_who_is_closed_is_signed_out_and_it_is_recorded(
    client: Client, boss: Person, bob: Person, lounge: Room, django_capture_on_commit_callbacks: Any
) -> None:
    where = page("person", bob.pk)
    typed = fields(client.get(where))
    for is_active in ({}, {"is_active": "on"}, {"is_active": "on", "bio": "Back again."}):
        typed.pop("is_active", None)
        with django_capture_on_commit_callbacks(execute=True):
            assert client.post(where, typed | is_active).status_code == 302
        bob.refresh_from_db()
        lounge.refresh_from_db()
        assert (bob.is_active, lounge.access_version) == (bool(is_active), 1)
    acts = Act.objects.order_by("pk").values_list("what", "by", "person")
    assert list(acts) == [("disabled", boss.pk, bob.pk), ("enabled", boss.pk, bob.pk)]


def test_a_new_name_is_nobody_elses(client: Client, boss: Person, bob: Person) -> None:
    where = page("person", bob.pk)
    typed = fields(client.get(where))
    for taken in ("BOSS", "boss ", "x\u202e", "x" * 41, "bob, eve"):
        assert client.post(where, typed | {"username": taken}).status_code == 200
    assert client.post(where, typed | {"username": "Robert"}).status_code == 302
    bob.refresh_from_db()
    assert bob.username == "Robert"
    assert list(Person.looking_like("ROBERT")) == [bob]
    assert not Person.looking_like("bob").exists()


def test_an_account_is_made(client: Client, boss: Person) -> None:
    typed = {"username": "cleo", "usable_password": "true", "password1": "tea-and-cake", "password2": ""}
    where = f"{page('person')}add/"
    assert client.post(where, typed).status_code == 200
    typed["password2"] = typed["password1"]
    for name in ("BOSS", "cleo, dan"):
        assert client.post(where, typed | {"username": name}).status_code == 200
    assert client.post(where, typed).status_code == 302
    cleo = Person.objects.get(username="cleo")
    assert cleo.check_password("tea-and-cake")
    assert list(Person.looking_like("CLEO")) == [cleo]


def test_a_password_is_never_shown_nor_typed_over(client: Client, boss: Person, bob: Person) -> None:
    bob.set_password("tea-and-cake")
    bob.save()
    where = page("person", bob.pk)
    shown = client.get(where)
    assert bob.password not in shown.content.decode()
    assert not find_all(shown.content, "input", name="password")
    assert client.post(where, fields(shown) | {"password": "x"}).status_code == 302
    bob.refresh_from_db()
    assert bob.check_password("tea-and-cake")


def test_a_new_password_ends_sessions(client: Client, boss: Person) -> None:
    cleo = make_account("cleo")
    there = logged_in(cleo)
    typed = {"usable_password": "true", "password1": "tea-and-cake", "password2": "tea-and-cake"}
    for person in (cleo, boss):
        assert client.post(f"/admin/rooms/person/{person.pk}/password/", typed).status_code == 302
    assert not Session.objects.filter(session_key=there.session.session_key).exists()
    assert who(client) == boss


def test_nobody_is_deleted(client: Client, boss: Person, bob: Person) -> None:
    assert client.post(f"{page('person')}{bob.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in client.get(page("person")).content.decode()


@pytest.fixture
def helper(client: Client) -> Person:
    """Somebody who may see and change people, and administers nothing else; signed in."""
    helper = Person.objects.create_user("helper", is_staff=True)
    helper.user_permissions.set(Permission.objects.filter(content_type__app_label="rooms"))
    client.force_login(helper)
    return helper


def test_a_helper_does_not_become_an_administrator(client: Client, helper: Person) -> None:
    where = page("person", helper.pk)
    client.post(where, fields(client.get(where)) | {"is_superuser": "on", "bio": "Hi"})
    helper.refresh_from_db()
    assert (helper.bio, helper.is_superuser) == ("Hi", False)


def test_nor_by_way_of_one(client: Client, helper: Person) -> None:
    boss = Person.objects.create_superuser("boss", "boss@example.org", "secret")
    assert client.post(page("person", boss.pk), {"email": "mine@example.org"}).status_code == 403
    password = {"password1": "tea-and-cake", "password2": "tea-and-cake", "usable_password": "true"}
    assert client.post(f"/admin/rooms/person/{boss.pk}/password/", password).status_code == 403
    boss.refresh_from_db()
    assert boss.check_password("secret")


def test_a_helper_keeps_no_order(client: Client, helper: Person, bob: Person, lounge: Room) -> None:
    message = changes.post(lounge, bob, "hello")
    act(client, "person", "ban", bob, reason="Noise", end="day")
    act(client, "message", "take_back", message)
    assert not Ban.objects.exists()
    assert Message.objects.get().body == "hello"
    assert client.post(page("room", lounge.pk), {"name": "Mine"}).status_code == 403


# Many ----------------------------------------------------------------------------------


def test_a_long_list_is_not_counted_to_its_end(
    client: Client, boss: Person, monkeypatch: pytest.MonkeyPatch, person: MakePerson
) -> None:
    assert MOST_COUNTED == 10_000
    monkeypatch.setattr("rooms.admin.common.MOST_COUNTED", 5)
    for n in range(9):
        person(f"p{n}")
    assert client.get(page("person")).context["cl"].result_count == 5


def test_more_rows_cost_no_more_queries(
    client: Client,
    boss: Person,
    bob: Person,
    lounge: Room,
    person: MakePerson,
) -> None:
    def queries() -> dict[str, int]:
        counts = {}
        for model in LISTS:
            with CaptureQueriesContext(connection) as captured:
                client.get(page(model))
            counts[model] = len(captured)
        return counts

    def happen(n: int) -> None:
        eve = person(f"eve {n}")
        joining.open_room(f"Room {n}", eve)
        moderation.report(changes.post(lounge, eve, "hm"), bob, "Rude")
        moderation.ban(lounge, eve, boss, "Noise")

    happen(0)
    queries()
    with_one = queries()
    for n in range(1, 20):
        happen(n)
    assert queries() == with_one
