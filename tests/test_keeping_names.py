"""A guest keeps their name: the person they are becomes an account."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.contrib.auth import BACKEND_SESSION_KEY
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from pytest_django import Settings

from rooms import changes
from rooms.models import Membership, Message, Person, Room, SiteSettings
from tests.accounts import PASSWORD, log_in, mailed_link, make_account, turn_on_two_factor, who
from tests.accounts import logged_in as logged_in_as
from tests.html import find

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def admin(db: None) -> Person:
    """The administrator: whoever comes after them is not the first."""
    return make_account("admin", is_staff=True, is_superuser=True)


@pytest.fixture
def mandatory(settings: Settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


@pytest.fixture
def guest(client: Client) -> Person:
    """Ann, a guest, in the lounge, in the browser `client`."""
    client.post("/", {"room_name": "Lounge", "username": "ann"})
    client.get("/rooms/lounge/")
    ann = Person.objects.get(username="ann")
    changes.post(Room.objects.get(), ann, "hello")
    return ann


def keep(client: Client, **fields: str) -> Any:
    return client.post("/account/keep-name/", {"email": "ann@example.com", "password1": PASSWORD} | fields)


def test_they_stay_who_they_are(client: Client, guest: Person) -> None:
    key = client.session.session_key
    assert keep(client, next="/rooms/lounge/").headers["Location"] == "/rooms/lounge/"
    ann = who(client)
    assert ann == guest
    assert ann and (ann.username, ann.is_guest, ann.is_staff) == ("ann", False, False)
    assert (ann.folded_key, ann.written_key) == (guest.folded_key, guest.written_key)
    assert Message.objects.get().author == ann
    assert Membership.objects.get().person == ann
    # The session of before, which somebody may have planted, is gone.
    assert client.session.session_key != key
    assert not client.session.exists(str(key))
    assert UserSession.objects.filter(user=ann, session_key=client.session.session_key).exists()
    assert log_in(Client(), "ann").status_code == 302


def test_with_mail_they_do_once_the_email_is_confirmed(
    client: Client, guest: Person, mandatory: None
) -> None:
    assert keep(client).headers["Location"] == "/account/confirm-email/"
    guest.refresh_from_db()
    assert guest.is_guest
    assert who(client) == guest
    assert client.get("/rooms/lounge/").status_code == 200
    assert client.post(mailed_link("ann@example.com")).headers["Location"] == "/"
    kept = Person.objects.get(pk=guest.pk)
    assert not kept.is_guest
    assert who(client) == guest
    assert log_in(Client(), "ann@example.com").headers["Location"] == "/"


def test_the_link_may_be_opened_in_another_browser(client: Client, guest: Person, mandatory: None) -> None:
    keep(client)
    Client().post(mailed_link("ann@example.com"))
    guest.refresh_from_db()
    assert not guest.is_guest
    assert who(client) == guest


@pytest.mark.parametrize("sign_up", [SiteSettings.SignUp.CLOSED, SiteSettings.SignUp.INVITATION])
def test_who_has_mistyped_the_email_gives_another(
    client: Client, guest: Person, mandatory: None, sign_up: str
) -> None:
    keep(client, email="amm@example.com")
    wrong = mailed_link("amm@example.com")
    SiteSettings.objects.create(pk=1, sign_up=sign_up)  # they have begun already
    assert keep(client).headers["Location"] == "/account/confirm-email/"
    assert "does nothing any more" in client.get(wrong).content.decode()
    client.post(mailed_link("ann@example.com"))
    assert [address.email for address in EmailAddress.objects.filter(user=guest)] == ["ann@example.com"]


def test_an_email_that_is_taken_is_told_of_by_mail_alone(
    client: Client, guest: Person, mandatory: None
) -> None:
    assert keep(client, email="admin@example.com").headers["Location"] == "/account/confirm-email/"
    assert (mail.outbox[-1].to, mail.outbox[-1].subject) == (
        ["admin@example.com"],
        "You have an account already",
    )
    assert who(client) == guest
    assert not guest.has_usable_password()


def test_without_mail_it_is_told_at_once(client: Client, guest: Person) -> None:
    page = keep(client, email="admin@example.com")
    assert page.status_code == 422
    assert "There is an account with this email already" in page.content.decode()
    guest.refresh_from_db()
    assert guest.is_guest


def test_a_bad_password_is_refused(client: Client, guest: Person) -> None:
    assert keep(client, password1="password").status_code == 422
    guest.refresh_from_db()
    assert guest.is_guest
    assert who(client) == guest


def test_the_page_takes_no_other_name(client: Client, guest: Person) -> None:
    keep(client, username="admin 2")
    guest.refresh_from_db()
    assert guest.username == "ann"


def test_it_is_no_way_around_the_sign_up(client: Client, guest: Person) -> None:
    SiteSettings.objects.create(pk=1, sign_up=SiteSettings.SignUp.CLOSED)
    for page in (client.get("/account/keep-name/"), keep(client)):
        assert "Nobody can sign up just now" in page.content.decode()
    guest.refresh_from_db()
    assert guest.is_guest


PAGES = [
    "/account/email/", "/account/password/change/", "/account/password/set/", "/account/2fa/",
    "/account/2fa/totp/activate/", "/account/2fa/recovery-codes/generate/", "/account/sessions/",
    "/account/close/", "/account/reauthenticate/",
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_nor_is_any_page_about_an_account(client: Client, guest: Person, page: str) -> None:
    fields = {"password1": PASSWORD, "password2": PASSWORD, "email": "ann@example.com", "action_add": ""}
    assert client.get(page).headers["Location"] == "/account/keep-name/"
    assert client.post(page, fields).headers["Location"] == "/account/keep-name/"
    guest.refresh_from_db()
    assert not guest.has_usable_password()
    assert not EmailAddress.objects.filter(user=guest).exists()


def test_who_signs_up_as_a_guest_keeps_the_name(client: Client, guest: Person) -> None:
    assert client.get("/account/signup/").headers["Location"] == "/account/keep-name/"


def test_a_guest_may_log_in_to_another_account(client: Client, guest: Person, admin: Person) -> None:
    page = client.get("/account/login/").content.decode()
    assert "leave that name behind" in page
    assert log_in(client, "admin", "wrong").status_code == 200
    assert who(client) == guest
    assert log_in(client, "admin").status_code == 302
    assert who(client) == admin


def test_also_to_one_with_two_factors(client: Client, guest: Person, admin: Person) -> None:
    turn_on_two_factor(logged_in_as(admin))
    assert log_in(client, "admin").headers["Location"] == "/account/2fa/authenticate/"
    assert client.get("/account/2fa/authenticate/").status_code == 200
    assert who(client) is None


def test_logging_out_as_a_guest_is_for_good_and_says_so(client: Client, guest: Person) -> None:
    page = client.get("/account/logout/").content
    assert "nobody can be ann again" in find(page, "p", class_="warning").text
    client.post("/account/logout/")
    assert who(client) is None
    assert client.post("/", {"room_name": "Lounge", "username": "ann"}).status_code == 422


def test_no_link_in_a_mail_takes_a_guest_their_name(
    client: Client, guest: Person, admin: Person, mandatory: None
) -> None:
    bob = make_account("bob", verified=False)
    Client().post("/account/login/", {"login": "bob", "password": PASSWORD})
    for link in (mailed_link("bob@example.com"), reset_link(admin)):
        client.get(link, follow=True)
        assert who(client) == guest
    client.post(mailed_link("bob@example.com"))
    assert EmailAddress.objects.get(user=bob).verified
    assert who(client) == guest


def reset_link(person: Person) -> str:
    Client().post("/account/password/reset/", {"email": person.email})
    link = mailed_link(person.email)
    Client().post("/account/password/reset/", {"email": "bob@example.com"})
    mail.outbox.pop()
    return link


def test_guests_of_before_there_were_accounts_are_still_here(guest: Person, client: Client) -> None:
    """Their sessions name a backend that is in use no more."""
    session = client.session
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session["x"] = 1
    session.save()
    assert who(client) is None
    migration: Callable[..., None] = importlib.import_module(
        "rooms.migrations.0003_sessions_of_guests"
    ).name_the_backend
    migration(apps, None)
    assert who(client) == guest
    assert client.session["x"] == 1
    assert Session.objects.count() == 1
