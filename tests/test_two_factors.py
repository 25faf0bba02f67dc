"""Two-factor login: a code of an authenticator app, or a recovery code, beside the password."""

import time

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings

from rooms.models import Person
from tests.accounts import (
    PASSWORD,
    log_in,
    logged_in,
    mailed_link,
    make_account,
    turn_on_two_factor,
    who,
)
from tests.html import find, find_all
from tests.totp import totp

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.fixture
def ann(db: None) -> Person:
    return make_account("ann")


@pytest.fixture
def at_home(ann: Person) -> Client:
    """Where Ann has logged in."""
    return logged_in(ann)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be moved on by hand: no test waits for a new code."""
    now = [time.time()]
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.time.time", lambda: now[0])
    return now


def code(client: Client, typed: str) -> bytes:
    response = client.post("/account/2fa/authenticate/", {"code": typed})
    return bytes(response.content)


def test_it_takes_both(client: Client, at_home: Client, ann: Person) -> None:
    secret = turn_on_two_factor(at_home)
    assert log_in(client).headers["Location"] == "/account/2fa/authenticate/"
    assert who(client) is None
    assert b"This field is required" in code(client, "")
    assert who(client) is None
    code(client, totp(secret))
    assert who(client) == ann


def test_a_code_lets_in_once(at_home: Client, ann: Person, clock: list[float]) -> None:
    secret = turn_on_two_factor(at_home)
    clock[0] += 30
    first, second = Client(), Client()
    for client in (first, second):
        log_in(client)
        page = code(client, totp(secret, clock[0]))
    assert who(first) == ann
    assert who(second) is None
    assert b"That code is not right" in page


def test_a_code_lets_in_once_for_as_long_as_it_is_taken(
    at_home: Client, ann: Person, clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = turn_on_two_factor(at_home)
    seen = totp(secret, clock[0])
    first, second = Client(), Client()
    log_in(first)
    code(first, seen)
    assert who(first) == ann
    clock[0] += 30
    monkeypatch.setattr("allauth.mfa.totp.internal.auth.TOTP._mark_code_used", lambda *_: True)
    log_in(second)
    assert b"That code is not right" in code(second, seen[:3] + " " + seen[3:])
    assert who(second) is None


def test_a_code_that_runs_out_as_it_is_typed_lets_in(
    client: Client, at_home: Client, ann: Person, clock: list[float]
) -> None:
    secret = turn_on_two_factor(at_home)
    log_in(client)
    code(client, totp(secret, clock[0] - 30))
    assert who(client) == ann


def test_an_old_code_lets_nobody_in(client: Client, at_home: Client, clock: list[float]) -> None:
    secret = turn_on_two_factor(at_home)
    clock[0] += 90
    log_in(client)
    for wrong in (totp(secret, clock[0] - 60), totp(secret, clock[0] + 60), "000000", "x"):
        assert b"That code is not right" in code(client, wrong)
    assert who(client) is None


def test_nobody_guesses_a_code(client: Client, at_home: Client, settings: Settings) -> None:
    secret = turn_on_two_factor(at_home)
    settings.ACCOUNT_RATE_LIMITS = {}
    cache.clear()
    log_in(client)
    for n in range(5):
        code(client, f"00000{n}")
    assert b"Too many attempts" in code(client, totp(secret))
    assert who(client) is None


def test_a_recovery_code_lets_in_once(at_home: Client, ann: Person) -> None:
    turn_on_two_factor(at_home)
    at_home.post("/account/reauthenticate/", {"password": PASSWORD})
    page = at_home.get("/account/2fa/recovery-codes/").content
    codes = [element.text for element in find_all(page, "code")]
    assert len(set(codes)) == 10
    saved = at_home.get("/account/2fa/recovery-codes/download/")
    assert saved.content.decode().split() == codes
    assert saved.headers["Content-Type"] == "text/plain"
    first, second = Client(), Client()
    for client in (first, second):
        log_in(client)
        code(client, codes[3])
    assert who(first) == ann
    assert who(second) is None
    assert "You have 9 left" in at_home.get("/account/2fa/").content.decode()


def test_the_page_shows_the_key_as_a_picture_and_in_letters(at_home: Client) -> None:
    response = at_home.get("/account/2fa/totp/activate/")
    assert find(response.content, "img", class_="qr")["src"].startswith("data:image/svg+xml;base64,")
    assert len(find(response.content, "code", id="secret").text) == 32
    assert "img-src 'self' data:" in response.headers["Content-Security-Policy"]
    assert "data:" not in at_home.get("/account/2fa/").headers["Content-Security-Policy"]


def test_a_wrong_code_turns_nothing_on(at_home: Client, ann: Person) -> None:
    secret = find(at_home.get("/account/2fa/totp/activate/").content, "code", id="secret").text
    page = at_home.post("/account/2fa/totp/activate/", {"code": "000000"}).content
    assert find(page, "code", id="secret").text == secret
    assert not Authenticator.objects.exists()


def test_whoever_finds_a_browser_open_turns_nothing_on_or_off(
    client: Client, at_home: Client, ann: Person
) -> None:
    log_in(client)
    on = client.get("/account/2fa/totp/activate/")
    assert on.headers["Location"].startswith("/account/reauthenticate/")
    secret = turn_on_two_factor(at_home)
    there = Client()
    log_in(there)
    code(there, totp(secret))
    for page in ("totp/deactivate", "recovery-codes", "recovery-codes/generate"):
        assert "reauthenticate" in there.get(f"/account/2fa/{page}/").headers["Location"], page


@pytest.mark.django_db(transaction=True)
def test_it_is_turned_off_again(client: Client, at_home: Client, ann: Person) -> None:
    turn_on_two_factor(at_home)
    at_home.post("/account/reauthenticate/", {"password": PASSWORD})
    assert at_home.post("/account/2fa/totp/deactivate/").headers["Location"] == "/account/2fa/"
    assert not Authenticator.objects.exists()
    assert [sent.subject for sent in mail.outbox] == ["Two-factor login is on", "Two-factor login is off"]
    assert log_in(client).headers["Location"] == "/"


def test_a_new_password_by_mail_does_not_replace_it(client: Client, at_home: Client) -> None:

    turn_on_two_factor(at_home)
    client.post("/account/password/reset/", {"email": "ann@example.com"})
    form = client.get(mailed_link("ann@example.com")).headers["Location"]
    client.post(form, {"password1": "another chair", "password2": "another chair"})
    assert log_in(client, "ann", "another chair").headers["Location"] == "/account/2fa/authenticate/"
    assert who(client) is None


def test_the_admin_takes_both_too(client: Client, ann: Person) -> None:
    Person.objects.update(is_staff=True, is_superuser=True)
    secret = turn_on_two_factor(logged_in(ann))
    to_login = client.get("/admin/").headers["Location"]
    assert to_login == "/admin/login/?next=/admin/"
    asked = client.get(to_login).headers["Location"]
    assert asked == "/account/login/?next=%2Fadmin%2F"
    assert client.post(to_login, {"username": "ann", "password": PASSWORD}).headers["Location"] == asked
    assert log_in(client, next_url="/admin/").headers["Location"] == "/account/2fa/authenticate/"
    assert client.get("/admin/").status_code == 302
    code(client, totp(secret))
    assert client.get("/admin/").status_code == 200
