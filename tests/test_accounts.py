"""Sign up, log in, log out; the email, the password, the sessions of an account."""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core import mail
from django.db import IntegrityError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from rooms.models import Person, Room
from tests.accounts import PASSWORD, log_in, logged_in, mailed_link, make_account, sign_up, who
from tests.html import find, find_all

MakePerson = Callable[..., Person]
pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(db: None) -> Person:
    """The administrator: whoever comes after them is not the first."""
    return make_account("admin", is_staff=True, is_superuser=True)


@pytest.fixture
def mandatory(settings: Settings) -> None:
    """As it is where there is a mail server."""
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


def problem(html: bytes, name: str) -> str:
    """What is said of the field `name`, where a screen reader will find it."""
    field = find(html, "input", name=name)
    assert field["aria-invalid"] == "true"
    by = field["aria-describedby"].split()[-1]
    return find(html, "p", id=by).text


def complaint(html: bytes) -> str:
    """What is said of the form as a whole."""
    return find(html, "p", role="alert").text


# Signing up ----------------------------------------------------------------------------


def test_signing_up_makes_an_account_and_one_is_in(client: Client, admin: Person) -> None:
    response = sign_up(client)
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    bob = who(client)
    assert bob is not None
    assert (bob.username, bob.email, bob.is_guest, bob.is_staff) == ("bob", "bob@example.com", False, False)
    assert bob.check_password(PASSWORD)
    assert EmailAddress.objects.get(user=bob).primary
    assert mail.outbox[-1].subject == "Confirm your email"


def test_one_is_in_only_once_the_email_is_confirmed(client: Client, admin: Person, mandatory: None) -> None:
    assert sign_up(client).headers["Location"] == "/account/confirm-email/"
    assert who(client) is None
    assert log_in(Client(), "bob").headers["Location"] == "/account/confirm-email/"
    link = mailed_link("bob@example.com")
    assert client.get(link).status_code == 200
    assert not EmailAddress.objects.get(email="bob@example.com").verified
    client.post(link)
    assert who(client) == Person.objects.get(username="bob")
    assert EmailAddress.objects.get(email="bob@example.com").verified


def test_a_confirmation_lets_in_only_the_browser_that_signed_up(
    client: Client, admin: Person, mandatory: None
) -> None:
    sign_up(client)
    other = Client()
    other.post(mailed_link("bob@example.com"))
    assert who(other) is None
    assert EmailAddress.objects.get(email="bob@example.com").verified
    again = other.get(mailed_link("bob@example.com"))
    assert "does nothing any more" in again.content.decode()


@pytest.mark.parametrize("name", ["Zoë  O'Neil", "李小龙", "🦊 of the 🌲", "أحمد", "ANN", "bob@example.org"])
def test_a_name_is_kept_as_a_guest_would_have_it(client: Client, admin: Person, name: str) -> None:
    assert sign_up(client, name).status_code == 302
    assert Person.objects.last() is not None
    assert who(client) == Person.objects.get(username=" ".join(name.split()))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Please type a name."),
        ("x" * 41, "41 characters long"),
        ("a\u202eb", "cannot be seen"),
        ("a\u00a0b", "only looks like one"),
        ("\u00a0ann", "only looks like one"),
        ("ADMIN", "“ADMIN 2”"),
        ("аdmin", "“аdmin 2”"),
        ("bi11", "“bi11 2”"),
    ],
)
def test_a_name_is_refused_as_a_guests_would_be(
    client: Client, person: MakePerson, typed: str, said: str
) -> None:
    person("admin")
    person("Bill")
    page = sign_up(client, typed)
    assert page.status_code == 200
    assert said in problem(page.content, "username")
    assert Person.objects.count() == 2


def test_two_who_sign_up_by_one_name_at_once_do_not_share_it(
    client: Client, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_yet(name: str) -> object:
        monkeypatch.undo()
        return Person.objects.none()

    monkeypatch.setattr(Person, "looking_like", nobody_yet)
    page = sign_up(client, "Admin")
    assert "“Admin 2”" in problem(page.content, "username")
    assert Person.objects.count() == 1
    assert not EmailAddress.objects.filter(email="bob@example.com").exists()


def test_an_error_of_the_database_that_is_not_about_the_name_is_one(
    client: Client, admin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise IntegrityError

    monkeypatch.setattr(Person, "save", fail)
    with pytest.raises(IntegrityError):
        sign_up(client)


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("", "required"),
        ("short", "too short"),
        ("password1", "too common"),
        ("19283746556", "entirely numeric"),
        ("bobthebuilder", "too similar to the name"),
    ],
)
def test_a_bad_password_is_refused(client: Client, admin: Person, password: str, said: str) -> None:
    page = sign_up(client, "bobthebuilder", password1=password)
    assert said in problem(page.content, "password1")
    assert Person.objects.count() == 1


def test_whether_an_email_has_an_account_is_told_by_mail_alone(
    client: Client, admin: Person, mandatory: None
) -> None:
    new, taken = sign_up(client, "bob", "bob@example.com"), sign_up(Client(), "cat", "ADMIN@example.com")
    assert (new.status_code, new.headers["Location"]) == (taken.status_code, taken.headers["Location"])
    assert not Person.objects.filter(username="cat").exists()
    assert (mail.outbox[-1].to, mail.outbox[-1].subject) == (
        ["admin@example.com"],
        "You have an account already",
    )
    assert mailed_link("admin@example.com") == "/account/password/reset/"


def test_who_is_in_is_led_on(admin: Person) -> None:
    client = logged_in(admin)
    for page in ("login", "signup"):
        assert client.get(f"/account/{page}/").headers["Location"] == "/"
        assert client.get(f"/account/{page}/?next=/search/").headers["Location"] == "/search/"
        assert client.get(f"/account/{page}/?next=nowhere").headers["Location"] == "nowhere"
    assert client.get("/account/keep-name/").headers["Location"] == "/account/email/"


# Logging in ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "login", ["Дмитрий Ли", "дмитрий ли", "ДМИТРИЙ ЛИ", "dima@example.com", "DIMA@example.com"]
)
def test_one_logs_in_by_email_or_name_in_any_case(client: Client, login: str) -> None:
    dmitri = make_account("Дмитрий Ли", email="dima@example.com")
    assert log_in(client, login).status_code == 302
    assert who(client) == dmitri


def test_a_name_that_only_looks_like_it_is_another(client: Client) -> None:
    make_account("ann")
    assert log_in(client, "аnn").status_code == 200  # a Cyrillic а
    assert who(client) is None


def test_a_guest_of_an_archive_does_not_keep_anybody_out(client: Client) -> None:
    ann = make_account("ann")
    Person.called(["ANN"])
    assert log_in(client, "ann").status_code == 302
    assert who(client) == ann


def test_a_wrong_password_and_nobody_are_told_apart_by_nothing(client: Client, person: MakePerson) -> None:
    make_account("ann")
    person("guest")
    pages = [
        log_in(Client(), login, "wrong")
        for login in ("ann", "ann@example.com", "x", "x@example.com", "guest")
    ]
    assert {page.status_code for page in pages} == {200}
    said = {complaint(page.content) for page in pages}
    assert said == {"The name or email, or the password, is not right."}


def test_nobody_logs_in_as_a_guest(client: Client, person: MakePerson) -> None:
    guest = person("ann")
    for password in ("", "!", guest.password):
        assert log_in(client, "ann", password).status_code == 200
    assert who(client) is None


def test_who_has_logged_in_comes_back_to_where_they_were(client: Client, admin: Person) -> None:
    assert log_in(client, "admin", next_url="/rooms/lounge/").headers["Location"] == "/rooms/lounge/"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "///evil.example", "http:evil.example", "javascript:x()",
     "\\\\evil.example", "https:///evil.example", "/\\evil.example", "http://testserver@evil.example/"],
)  # fmt: skip
def test_nobody_is_led_to_another_site(admin: Person, elsewhere: str) -> None:
    bob = make_account("bob")
    for ask in (
        lambda: log_in(Client(), "admin", next_url=elsewhere),
        lambda: logged_in(bob).get("/account/login/", {"next": elsewhere}),
        lambda: logged_in(bob).get("/account/signup/", {"next": elsewhere}),
        lambda: logged_in(bob).post("/account/logout/", {"next": elsewhere}),
        lambda: sign_up(Client(), "cat", "cat@example.com", next=elsewhere),
    ):
        response = ask()
        assert (response.status_code, response.headers["Location"]) == (302, "/")
        Person.objects.filter(username="cat").delete()


def test_a_login_ends_the_session_it_began_in(client: Client, admin: Person) -> None:
    """Whoever planted that session in the browser is not let in with it."""
    session = client.session
    session["x"] = 1
    session.save()
    planted = session.session_key
    log_in(client, "admin")
    assert client.session.session_key != planted
    assert not client.session.exists(str(planted))


def test_logging_out_takes_a_post(admin: Person) -> None:
    client = logged_in(admin)
    key = client.session.session_key
    assert client.get("/account/logout/").status_code == 200
    assert who(client) == admin
    assert client.post("/account/logout/").headers["Location"] == "/"
    assert who(client) is None
    assert not client.session.exists(str(key))


FORMS = [
    "/account/login/", "/account/signup/", "/account/logout/", "/account/password/reset/", "/welcome/",
    "/account/email/", "/account/password/change/", "/account/sessions/", "/account/close/",
    "/account/keep-name/", "/account/reauthenticate/", "/account/2fa/totp/activate/", "/invitations/x/",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_no_form_is_taken_from_another_site(admin: Person, form: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    assert client.post(form, {}).status_code == 403


# Limits --------------------------------------------------------------------------------


@pytest.fixture
def limits(settings: Settings) -> None:
    """allauth's limits, of an address that no other test has."""
    from django.core.cache import cache

    settings.ACCOUNT_RATE_LIMITS = {}
    cache.clear()


def test_nobody_guesses_a_password(client: Client, admin: Person, limits: None) -> None:
    for login in ("admin", "ADMIN", "ａｄｍｉｎ", "admin", "Admin"):
        assert "not right" in complaint(log_in(client, login, "wrong").content)
    page = log_in(client, "adMIN").content
    assert complaint(page) == "Too many attempts. Please wait some minutes, then try again."
    # Nor from another address.
    other = Client(REMOTE_ADDR="10.1.2.3")
    assert "Too many attempts" in complaint(log_in(other, "admin").content)
    assert who(other) is None


def test_one_address_does_not_try_many_names(client: Client, admin: Person, limits: None) -> None:
    for n in range(10):
        log_in(client, f"nobody {n}", "wrong")
    assert "Too many attempts" in complaint(log_in(client, "admin").content)
    assert log_in(Client(REMOTE_ADDR="10.1.2.3"), "admin").status_code == 302


def test_nobody_can_say_that_they_come_from_elsewhere(client: Client, limits: None) -> None:
    for n in range(20):
        client.post("/account/signup/", {}, headers={"x-forwarded-for": f"10.0.0.{n}"})
    last = client.post("/account/signup/", {}, headers={"x-forwarded-for": "10.0.0.99"})
    assert last.status_code == 429
    assert "That was too often" in last.content.decode()


def test_behind_a_proxy_it_is_the_one_before_it_who_counts(
    client: Client, limits: None, settings: Settings
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for n in range(20):
        client.post("/account/signup/", {}, headers={"x-forwarded-for": f"10.9.9.{n}, 10.0.0.1"})
    refused = client.post("/account/signup/", {}, headers={"x-forwarded-for": "10.9.9.99, 10.0.0.1"})
    assert refused.status_code == 429
    other = client.post("/account/signup/", {}, headers={"x-forwarded-for": "10.0.0.2"})
    assert other.status_code == 200


def test_without_limits_there_are_none(client: Client, admin: Person) -> None:
    for _ in range(30):
        log_in(client, "admin", "wrong")
    assert log_in(client, "admin").status_code == 302


# The password --------------------------------------------------------------------------


def test_changing_the_password_ends_all_other_sessions(admin: Person) -> None:
    here, there = logged_in(admin), logged_in(admin)
    fields = {"oldpassword": PASSWORD, "password1": "another chair", "password2": "another chair"}
    assert here.post("/account/password/change/", fields).status_code == 302
    assert who(here) == admin
    assert who(there) is None
    assert mail.outbox[-1].subject == "Your password has changed"


def test_changing_the_password_takes_the_old_one(admin: Person) -> None:
    client = logged_in(admin)
    fields = {"oldpassword": "wrong", "password1": "another chair", "password2": "another chair"}
    page = client.post("/account/password/change/", fields).content
    assert problem(page, "oldpassword") == "That is not your password."
    assert log_in(Client(), "admin").status_code == 302


def test_a_password_is_reset_by_mail_once(client: Client, admin: Person) -> None:
    there = logged_in(admin)
    done = client.post("/account/password/reset/", {"email": "ADMIN@example.com"})
    assert done.headers["Location"] == "/account/password/reset/done/"
    link = mailed_link("admin@example.com")
    form = client.get(link).headers["Location"]
    assert link not in form  # no other site is to learn of it
    fields = {"password1": "another chair", "password2": "another chair"}
    assert client.post(form, fields).headers["Location"] == "/account/password/reset/key/done/"
    # Gone, and not only worth nothing: that closes its tabs.
    assert not Session.objects.filter(session_key=there.session.session_key).exists()
    assert who(there) is None
    assert log_in(Client(), "admin").status_code == 200
    assert log_in(Client(), "admin", "another chair").status_code == 302
    for again in (client.get(link), Client().get(link), client.post(form, fields)):
        assert "does nothing any more" in again.content.decode()


def test_a_link_to_reset_a_password_is_of_no_use_once_the_email_has_changed(
    client: Client, admin: Person
) -> None:
    client.post("/account/password/reset/", {"email": "admin@example.com"})
    EmailAddress.objects.filter(user=admin).update(email="new@example.com")
    Person.objects.filter(pk=admin.pk).update(email="new@example.com")
    assert "does nothing any more" in client.get(mailed_link("admin@example.com")).content.decode()


def test_a_reset_tells_nobody_who_has_an_account(client: Client, admin: Person) -> None:
    known = client.post("/account/password/reset/", {"email": "admin@example.com"})
    unknown = client.post("/account/password/reset/", {"email": "nobody@example.com"})
    assert (known.status_code, known.headers["Location"]) == (
        unknown.status_code,
        unknown.headers["Location"],
    )
    assert [(sent.to[0], sent.subject) for sent in mail.outbox] == [
        ("admin@example.com", "A new password"),
        ("nobody@example.com", "You have no account here"),
    ]


# The email -----------------------------------------------------------------------------


def test_an_email_is_changed_once_the_new_one_is_confirmed(admin: Person) -> None:
    client = logged_in(admin)
    client.post("/account/email/", {"email": "new@example.com", "action_add": ""})
    admin.refresh_from_db()
    assert admin.email == "admin@example.com"
    page = client.get("/account/email/").content.decode()
    assert "<strong>admin@example.com</strong>" in page
    assert "<strong>new@example.com</strong> is not confirmed yet" in page
    client.post(mailed_link("new@example.com"))
    admin.refresh_from_db()
    assert admin.email == "new@example.com"
    assert [address.email for address in EmailAddress.objects.filter(user=admin)] == ["new@example.com"]
    assert (mail.outbox[-1].to, mail.outbox[-1].subject) == (["admin@example.com"], "Your email has changed")


def test_a_change_of_email_can_be_given_up(admin: Person) -> None:
    client = logged_in(admin)
    client.post("/account/email/", {"email": "new@example.com", "action_add": ""})
    client.post("/account/email/", {"email": "new@example.com", "action_remove": ""})
    assert "Your email is" in client.get("/account/email/").content.decode()
    assert [address.email for address in EmailAddress.objects.filter(user=admin)] == ["admin@example.com"]


def test_whoever_finds_a_browser_open_changes_nothing(client: Client, admin: Person) -> None:
    log_in(client, "admin")
    asked = client.post("/account/email/", {"email": "new@example.com", "action_add": ""})
    assert asked.headers["Location"] == "/account/reauthenticate/?next=%2Faccount%2Femail%2F"
    assert EmailAddress.objects.filter(user=admin).count() == 1
    page = client.post(asked.headers["Location"], {"password": "wrong"}).content
    assert problem(page, "password") == "That is not your password."
    # What was asked for is done once they have shown who they are.
    client.post(asked.headers["Location"], {"password": PASSWORD})
    assert EmailAddress.objects.filter(user=admin).count() == 2


def test_mail_that_cannot_be_sent_is_told_of(
    client: Client, admin: Person, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    page = client.post("/account/password/reset/", {"email": "admin@example.com"}, follow=True)
    assert "The mail could not be sent just now." in find(page.content, "div", class_="notices").text
    assert "mail could not be sent" in caplog.text


def test_mails_are_plain_and_in_our_words(client: Client, admin: Person) -> None:
    sign_up(client)
    client.post("/account/password/reset/", {"email": "admin@example.com"})
    for message in mail.outbox:
        assert not getattr(message, "alternatives", [])
        assert message.from_email == "Parlor <parlor@localhost>"
        assert str(message.body).startswith("Hello")
        assert str(message.body).endswith("Parlor, at testserver")
        assert "&" not in str(message.body)


# Sessions ------------------------------------------------------------------------------


def test_sessions_are_listed_and_all_others_ended(admin: Person) -> None:
    here, there = logged_in(admin), Client(headers={"user-agent": FIREFOX})
    log_in(there, "admin")
    page = here.get("/account/sessions/").content
    listed = find_all(page, "li")
    assert any("Firefox on Windows" in entry.text and "this one" not in entry.text for entry in listed)
    assert sum("this one" in entry.text for entry in listed) == 1
    assert here.post("/account/sessions/").status_code == 302
    assert who(here) == admin
    assert who(there) is None
    assert UserSession.objects.filter(user=admin).count() == 1


def test_nobody_ends_anothers_sessions(admin: Person) -> None:
    theirs = logged_in(make_account("bob"))
    logged_in(admin).post("/account/sessions/")
    assert who(theirs) is not None


def test_nothing_is_written_for_who_only_reads(admin: Person) -> None:
    client = logged_in(admin)
    Room.named("Lounge")
    client.get("/rooms/lounge/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/rooms/lounge/")
    assert queries.captured_queries
    assert all(query["sql"].startswith("SELECT") for query in queries)


FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:130.0) Gecko/20100101 Firefox/130.0"
CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
EDGE = CHROME.replace("X11; Linux x86_64", "Windows NT 10.0") + " Edg/130.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.0 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Windows"),
        (CHROME, "Chrome on Linux"),
        (EDGE, "Edge on Windows"),
        (IPHONE, "Safari on iPhone"),
        (CHROME.replace("X11; Linux x86_64", "Linux; Android 14"), "Chrome on Android"),
        (CHROME.replace("X11; Linux x86_64", "Macintosh; Intel Mac OS X 10_15"), "Chrome on macOS"),
        ("curl/8.0", "curl"),
        ("", "An unknown browser"),
        ("<b>", "An unknown browser"),
    ],
)
def test_a_browser_is_called_what_people_call_it(agent: str, name: str) -> None:
    from rooms.templatetags.browsers import browser

    assert browser(agent) == name


# Pages ---------------------------------------------------------------------------------


def test_no_page_about_an_account_is_kept_by_a_browser(admin: Person) -> None:
    client = logged_in(admin)
    for page in ("email", "sessions", "2fa", "password/change", "close"):
        assert "no-store" in client.get(f"/account/{page}/").headers["Cache-Control"], page


def test_every_answer_says_what_the_page_may_not_do(client: Client) -> None:
    for url in ("/", "/account/login/", "/nowhere/", "/me.css"):
        headers = client.get(url).headers
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


def test_without_a_provider_there_is_no_trace_of_one(client: Client, admin: Person) -> None:
    for url in ("/account/3rdparty/", "/account/oidc/oidc/login/", "/account/3rdparty/signup/"):
        assert client.get(url).status_code == 404
    assert b"oidc" not in client.get("/account/login/").content
    assert b"Connected" not in logged_in(admin).get("/account/email/").content
