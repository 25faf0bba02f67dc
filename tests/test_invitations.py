"""Invitations: into a room, and to sign up."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from limits import RateLimitItemPerHour
from pytest_django import Settings

from rooms import invitations, limits, publishing
from rooms.events import Notice
from rooms.models import Ban, Invitation, Membership, Person, Room, SiteSettings
from tests.accounts import PASSWORD, log_in, logged_in, mailed_link, make_account, sign_up, who
from tests.html import find, find_all

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def admin(db: None) -> Person:
    return make_account("admin", is_staff=True, is_superuser=True)


@pytest.fixture
def invitation(admin: Person, lounge: Room) -> Invitation:
    """Into the lounge, by the administrator, who is there."""
    Membership.join(lounge.pk, admin.pk)
    return Invitation.objects.create(room=lounge, by=admin)


@pytest.fixture
def to_site(admin: Person) -> Invitation:
    return Invitation.objects.create(by=admin)


@pytest.fixture
def by_invitation(db: None) -> SiteSettings:
    return SiteSettings.objects.create(pk=1, sign_up=SiteSettings.SignUp.INVITATION)


def uses(invitation: Invitation) -> int:
    return Invitation.objects.get(pk=invitation.pk).uses


def members() -> list[str]:
    """Who has come."""
    came = Membership.objects.exclude(person__username="admin")
    return sorted(came.values_list("person__username", flat=True))


# Into a room ---------------------------------------------------------------------------


def test_it_says_where_it_leads_and_who_asks(client: Client, invitation: Invitation) -> None:
    page = client.get(invitation.get_absolute_url()).content
    assert find(page, "h1").text == "Come to Lounge"
    assert "admin has invited you." in page.decode().replace("<bdi>", "").replace("</bdi>", "")
    assert members() == []
    assert uses(invitation) == 0


def test_who_is_in_joins_with_a_button(invitation: Invitation) -> None:
    client = logged_in(make_account("bob"))
    assert client.get(invitation.get_absolute_url()).status_code == 200
    assert members() == []
    for _ in range(2):  # whoever is there already uses it up no further
        response = client.post(invitation.get_absolute_url())
        assert response.headers["Location"] == "/rooms/lounge/"
    assert members() == ["bob"]
    assert uses(invitation) == 1


def test_a_stranger_joins_as_a_guest(client: Client, invitation: Invitation) -> None:
    response = client.post(invitation.get_absolute_url(), {"username": "gina"})
    assert response.headers["Location"] == "/rooms/lounge/"
    gina = who(client)
    assert gina and gina.is_guest
    assert members() == ["gina"]
    assert uses(invitation) == 1


@pytest.mark.parametrize(("name", "said"), [("", "Please type a name."), ("ADMIN", "“ADMIN 2”")])
def test_under_a_good_name(client: Client, invitation: Invitation, name: str, said: str) -> None:
    page = client.post(invitation.get_absolute_url(), {"username": name})
    assert page.status_code == 422
    assert said in page.content.decode()
    assert uses(invitation) == 0


def test_where_no_guests_are_allowed_a_stranger_logs_in_or_signs_up(
    client: Client, invitation: Invitation
) -> None:
    SiteSettings.objects.create(pk=1, guests_allowed=False)
    url = invitation.get_absolute_url()
    page = client.get(url).content
    assert not find_all(page, "input", name="username")
    for way in ("login", "signup"):
        assert find(page, "a", href=f"/account/{way}/?next={url}")
    client.post(url, {"username": "gina"})
    assert not Person.objects.filter(username="gina").exists()
    make_account("bob")
    assert log_in(client, "bob", next_url=url).headers["Location"] == url
    client.post(url)
    assert members() == ["bob"]


def test_who_signs_up_by_it_is_in_the_room(client: Client, invitation: Invitation) -> None:
    client.get(invitation.get_absolute_url())
    sign_up(client)
    assert members() == ["bob"]
    assert uses(invitation) == 1


def test_the_last_use_is_the_last(client: Client, invitation: Invitation) -> None:
    Invitation.objects.update(most_uses=1)
    other = Client()
    other.get(invitation.get_absolute_url())
    client.post(invitation.get_absolute_url(), {"username": "gina"})
    assert other.get(invitation.get_absolute_url()).status_code == 404
    assert other.post(invitation.get_absolute_url(), {"username": "hugo"}).status_code == 404
    assert members() == ["gina"]
    assert not Person.objects.filter(username="hugo").exists()


def test_the_last_use_taken_in_this_very_moment(
    client: Client, invitation: Invitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = logged_in(make_account("bob"))
    found = invitations.usable(invitation.token)
    Invitation.objects.update(most_uses=1, uses=1)
    monkeypatch.setattr(invitations, "usable", lambda token: found)
    assert bob.post(invitation.get_absolute_url()).status_code == 404
    assert client.post(invitation.get_absolute_url(), {"username": "gina"}).status_code == 404
    assert who(client) is None
    assert members() == []
    assert not Person.objects.filter(username="gina").exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("one", [True, False], ids=["one person twice", "several people"])
def test_all_who_come_at_once_are_counted_once_each(invitation: Invitation, one: bool) -> None:
    Invitation.objects.update(most_uses=2)
    names = ["bob"] * 4 if one else ["bob", "cat", "dan", "eve"]
    accounts = {name: make_account(name) for name in dict.fromkeys(names)}
    people = [accounts[name] for name in names]
    barrier = threading.Barrier(4)
    taken: list[bool] = []

    def come(person: Person) -> None:
        barrier.wait()
        taken.append(invitations.accept(invitation, person))
        connection.close()

    threads = [threading.Thread(target=come, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == (4 if one else 2)
    assert len(members()) == uses(invitation) == (1 if one else 2)


BAD: dict[str, Callable[[Invitation], Any]] = {
    "used up": lambda invitation: Invitation.objects.update(most_uses=3, uses=3),
    "expired": lambda invitation: Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1)),
    "revoked": lambda invitation: invitation.delete(),
    "invented": lambda invitation: Invitation.objects.update(token="another"),
}


@pytest.mark.parametrize("bad", BAD)
def test_one_that_does_not_count_leads_nowhere(client: Client, invitation: Invitation, bad: str) -> None:
    url = invitation.get_absolute_url()
    never_was = client.get("/invitations/never/").content
    BAD[bad](invitation)
    ways = [client.get(url), client.post(url, {"username": "gina"}), logged_in(make_account("bob")).post(url)]
    for response in ways:
        assert response.status_code == 404
        assert response.content == never_was
    assert members() == []


REFUSED: dict[str, Callable[[Any, Person], Any]] = {
    "banned": lambda it, bob: Ban.objects.create(room=it.room, person=bob),
    "archived": lambda it, bob: Room.objects.update(archived_at=timezone.now()),
    "its maker left": lambda it, bob: Membership.objects.all().delete(),
    "its maker is banned": lambda it, bob: Ban.objects.create(room=it.room, person=it.by),
    "its maker is banned from the site": lambda it, bob: Person.objects.filter(pk=it.by_id).update(
        banned_until=timezone.now() + timedelta(days=1)
    ),
    "its maker is deactivated": lambda it, bob: Person.objects.filter(pk=it.by_id).update(is_active=False),
}


@pytest.mark.parametrize("why", REFUSED)
def test_it_brings_in_nobody_whom_its_maker_could_not(invitation: Invitation, why: str) -> None:
    bob = make_account("bob")
    client = logged_in(bob)
    REFUSED[why](invitation, bob)
    asked = client.get(invitation.get_absolute_url())
    assert asked.status_code == 404
    assert str(invitation.room) not in asked.content.decode()
    if why != "banned":
        assert Client().get(invitation.get_absolute_url()).status_code == 404
    assert client.post(invitation.get_absolute_url()).status_code == 404
    assert members() == []
    assert uses(invitation) == 0


def test_tabs_hear_of_the_room(
    invitation: Invitation, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    told: list[Notice] = []

    async def keep(notice: Notice) -> None:
        told.append(notice)

    monkeypatch.setattr(publishing, "notify", keep)
    bob = make_account("bob")
    with django_capture_on_commit_callbacks(execute=True):
        assert invitations.accept(invitation, bob)
    assert told == [Notice(bob.pk, "rooms")]


def test_guests_who_come_by_it_are_counted(
    invitation: Invitation, rate_limits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "GUESTS", limits.Limit("guest", "Too many.", RateLimitItemPerHour(1)))
    url = invitation.get_absolute_url()
    assert Client().post(url, {"username": "gina"}).status_code == 302
    page = Client().post(url, {"username": "hugo"})
    assert page.status_code == 429
    assert "Too many. Please wait" in page.content.decode()
    assert members() == ["gina"]
    assert uses(invitation) == 1


@pytest.mark.parametrize("token", ["%00", "x" * 500, "..", "%2F", "é", "'"])
def test_any_token_is_an_answer(client: Client, token: str) -> None:
    assert client.get(f"/invitations/{token}/").status_code == 404


# To sign up ----------------------------------------------------------------------------


def test_where_it_takes_one_nobody_signs_up_without(client: Client, by_invitation: SiteSettings) -> None:
    for page in (client.get("/account/signup/"), sign_up(client)):
        assert "Nobody can sign up just now" in page.content.decode()
    assert not Person.objects.filter(username="bob").exists()


@pytest.mark.parametrize("which", ["invitation", "to_site"])
def test_who_has_one_does(
    client: Client, by_invitation: SiteSettings, which: str, request: pytest.FixtureRequest
) -> None:
    invitation: Invitation = request.getfixturevalue(which)
    client.get(invitation.get_absolute_url())
    assert client.get("/account/signup/").status_code == 200
    sign_up(client)
    assert who(client) == Person.objects.get(username="bob")
    assert uses(invitation) == 1
    client.post("/account/logout/")
    assert "Nobody can sign up just now" in sign_up(client, "eve").content.decode()


def test_a_guest_invites_nobody_to_sign_up(client: Client, by_invitation: SiteSettings, lounge: Room) -> None:
    client.post("/", {"room_name": "Lounge", "username": "gina"})
    gina = Person.objects.get(username="gina")
    Membership.join(lounge.pk, gina.pk)
    invitation = Invitation.objects.create(room=lounge, by=gina)
    for browser, where in ((client, "/account/keep-name/"), (Client(), "/account/signup/")):
        browser.get(invitation.get_absolute_url())
        assert "Nobody can sign up just now" in browser.get(where).content.decode()


def test_who_is_in_the_room_uses_it_to_sign_up(
    client: Client, by_invitation: SiteSettings, invitation: Invitation
) -> None:
    client.post(invitation.get_absolute_url(), {"username": "gina"})
    client.get(invitation.get_absolute_url())
    client.post("/account/keep-name/", {"email": "gina@example.com", "password1": PASSWORD})
    gina = who(client)
    assert gina and not gina.is_guest
    assert uses(invitation) == 2


def test_looking_at_it_does_not_use_it_up(
    client: Client, by_invitation: SiteSettings, to_site: Invitation
) -> None:
    Invitation.objects.update(most_uses=1)
    client.get(to_site.get_absolute_url())
    client.get("/account/signup/")
    sign_up(client, password1="short")
    assert uses(to_site) == 0


def test_of_two_who_have_the_last_one_signs_up(
    client: Client, by_invitation: SiteSettings, to_site: Invitation, monkeypatch: pytest.MonkeyPatch
) -> None:
    Invitation.objects.update(most_uses=1)
    other = Client()
    for each in (client, other):
        each.get(to_site.get_absolute_url())
    sign_up(client)
    monkeypatch.setattr(invitations, "remembered", lambda session: to_site)  # a moment before
    page = sign_up(other, "eve", "eve@example.com")
    assert "Nobody can sign up just now" in page.content.decode()
    assert not Person.objects.filter(username="eve").exists()
    assert uses(to_site) == 1


def test_with_mail_they_are_in_the_room_once_they_are_in(
    client: Client, by_invitation: SiteSettings, invitation: Invitation, settings: Settings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    client.get(invitation.get_absolute_url())
    sign_up(client, next="/rooms/lounge/")
    assert client.post(mailed_link("bob@example.com")).headers["Location"] == "/rooms/lounge/"
    assert client.get("/rooms/lounge/").status_code == 200
    assert uses(invitation) == 1


def test_a_guest_keeps_the_name_by_one(
    client: Client, by_invitation: SiteSettings, to_site: Invitation
) -> None:
    client.post("/", {"room_name": "Attic", "username": "gina"})
    assert "Nobody can sign up just now" in client.get("/account/keep-name/").content.decode()
    url = to_site.get_absolute_url()
    client.get(url)
    assert client.post(url).headers["Location"] == "/account/keep-name/"
    fields = {"email": "gina@example.com", "password1": PASSWORD}
    client.post("/account/keep-name/", fields)
    gina = who(client)
    assert gina and not gina.is_guest
    assert uses(to_site) == 1


def test_who_is_in_needs_none_to_the_site(to_site: Invitation, admin: Person) -> None:
    client = logged_in(admin)
    assert client.post(to_site.get_absolute_url()).headers["Location"] == "/"
    assert uses(to_site) == 0


def test_closed_is_closed(client: Client, to_site: Invitation) -> None:
    SiteSettings.objects.create(pk=1, sign_up=SiteSettings.SignUp.CLOSED)
    client.get(to_site.get_absolute_url())
    assert "Nobody can sign up just now" in sign_up(client).content.decode()
    assert log_in(client, "admin").status_code == 302
