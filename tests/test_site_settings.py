"""What the owner of the site has chosen, and where they choose it."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from rooms.models import Invitation, Person, Room, SiteSettings
from rooms.sessions import ended_sessions
from tests.accounts import log_in, logged_in, make_account, who
from tests.html import find, find_all

pytestmark = pytest.mark.django_db

SETTINGS = "/admin/rooms/sitesettings/"


@pytest.fixture(autouse=True)
def admin(db: None) -> Person:
    return make_account("admin", is_staff=True, is_superuser=True)


@pytest.fixture
def no_guests(db: None) -> None:
    SiteSettings.objects.create(pk=1, guests_allowed=False)


# Guests --------------------------------------------------------------------------------


def test_the_lobby_asks_strangers_for_no_name(client: Client, no_guests: None, lounge: Room) -> None:
    page = client.get("/").content
    assert not find_all(page, "input", name="username")
    for way in ("login", "signup"):
        assert find(page, "a", href=f"/account/{way}/")
    assert "Lounge" in page.decode()


def test_nor_does_it_take_one(client: Client, no_guests: None) -> None:
    assert client.post("/", {"room_name": "Attic", "username": "ann"}).status_code == 403
    assert who(client) is None
    assert not Room.objects.exists()


def test_guests_who_are_here_are_out_as_long_as_there_are_to_be_none(
    client: Client, lounge: Room, person: Callable[[str], Person]
) -> None:
    ann = person("ann")
    client.force_login(ann)
    key = client.session.session_key or ""
    owner = logged_in(Person.objects.get(username="admin"))
    save(owner, sign_up="open")
    assert client.post("/rooms/lounge/messages/", {"body": "hello"}).headers["Location"] == "/rooms/lounge/"
    assert not find_all(client.get("/rooms/lounge/").content, id="composer")
    assert not lounge.message_set.exists()
    assert ended_sessions({key: ann.pk}) == {key}  # so that their tabs are closed
    assert (who(owner) or ann).username == "admin"
    save(owner, sign_up="open", guests_allowed="on")
    assert who(client) == ann
    assert ended_sessions({key: ann.pk}) == set()


def test_a_room_leads_to_the_login_and_back(client: Client, no_guests: None, lounge: Room) -> None:
    page = client.get("/rooms/lounge/").content
    assert not find_all(page, "input", name="username")
    for way in ("login", "signup"):
        assert find(page, "a", href=f"/account/{way}/?next=/rooms/lounge/")
    assert client.post("/rooms/lounge/", {"username": "ann"}).status_code == 403
    assert who(client) is None
    login = client.get("/account/login/?next=/rooms/lounge/").content
    assert find(login, "input", name="next")["value"] == "/rooms/lounge/"
    assert log_in(client, "admin", next_url="/rooms/lounge/").headers["Location"] == "/rooms/lounge/"


def test_the_way_to_an_account_is_there_for_guests_too(client: Client, lounge: Room) -> None:
    assert find(client.get("/rooms/lounge/").content, "a", href="/account/login/?next=/rooms/lounge/")
    assert find(client.get("/").content, "a", href="/account/signup/")
    client.post("/", {"room_name": "Lounge", "username": "ann"})
    assert find(client.get("/").content, "a", href="/account/keep-name/")


def test_a_room_whose_name_is_in_any_script_is_come_back_to(client: Client, no_guests: None) -> None:
    room = Room.named("日本語 & co")
    page = client.get(room.get_absolute_url()).content
    link = [a["href"] for a in find_all(page, "a") if a["href"].startswith("/account/login/")]
    login = client.get(link[0]).content
    back = find(login, "input", name="next")["value"]
    assert client.get(back).context["room"] == room


# The admin -----------------------------------------------------------------------------


def save(client: Client, **fields: Any) -> Any:
    return client.post(f"{SETTINGS}1/change/", fields)


def test_an_administrator_changes_them(admin: Person, client: Client) -> None:
    owner = logged_in(admin)
    assert owner.get(SETTINGS).status_code == 200
    assert save(owner, sign_up="closed").status_code == 302  # a box that is not ticked is not sent
    settings = SiteSettings.current()
    assert (settings.guests_allowed, settings.sign_up) == (False, "closed")
    assert not find_all(client.get("/").content, "input", name="username")


def test_there_is_one_row_which_stays(admin: Person) -> None:
    owner = logged_in(admin)
    assert owner.get(f"{SETTINGS}add/").status_code == 403
    assert owner.post(f"{SETTINGS}add/", {"sign_up": "open"}).status_code == 403
    owner.get(SETTINGS)
    assert owner.post(f"{SETTINGS}1/delete/", {"post": "yes"}).status_code == 403
    assert SiteSettings.objects.count() == 1


def test_an_administrator_invites(admin: Person, client: Client) -> None:
    owner = logged_in(admin)
    made = owner.post("/admin/rooms/invitation/add/", {"most_uses": "3"})
    assert made.status_code == 302
    invitation = Invitation.objects.get()
    assert (invitation.by, invitation.most_uses) == (admin, 3)
    assert invitation.get_absolute_url() in owner.get("/admin/rooms/invitation/").content.decode()
    assert client.get(invitation.get_absolute_url()).status_code == 200


def test_nobody_else_sees_the_admin(client: Client) -> None:
    assert client.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"
    for person in (make_account("bob"), Person.guest("gina")):
        person.save()
        stranger = Client()
        stranger.force_login(person)
        for page in ("/admin/", "/admin/login/", SETTINGS):
            assert stranger.get(page, follow=True).status_code == 403, page
        save(stranger, sign_up="closed")
    assert SiteSettings.current().sign_up == "open"


def test_it_shows_no_table_of_secrets(admin: Person) -> None:
    page = logged_in(admin).get("/admin/").content.decode()
    assert "Site settings" in page
    for table in ("mfa/authenticator", "account/emailaddress", "usersessions", "socialaccount", "auth/group"):
        assert table not in page


def test_it_has_the_policy_of_all_pages(admin: Person) -> None:
    owner = logged_in(admin)
    for page in ("/admin/", SETTINGS, f"{SETTINGS}1/change/"):
        response = owner.get(page)
        policy = response.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        for script in find_all(response.content, "script"):
            assert script["src"].startswith(("/static/admin/js/", "/admin/jsi18n/"))
            assert not script.text.strip()
