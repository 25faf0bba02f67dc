"""Accounts, by the pages that people see: from the sign-up to the end."""

import itertools
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.axe import look
from e2e.conftest import Site, running
from e2e.pages import PageErrors, join, until_live
from e2e.site import manage, say, shown
from tests.oidc import Provider, provider
from tests.totp import totp

PASSWORD = "a wooden chair"
numbers = itertools.count(1)
scripts = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])


@pytest.fixture(scope="module")
def club() -> Iterator[Provider]:
    with provider() as club:
        yield club


@pytest.fixture(scope="module")
def server(club: Provider, ready_data: Path) -> Iterator[Site]:
    """A site that sends mail, into a directory, and knows of another site to log in by."""
    with tempfile.TemporaryDirectory(prefix="parlor-e2e-") as directory:
        env = {
            "OIDC_NAME": "Club",
            "OIDC_SERVER_URL": club.url,
            "OIDC_CLIENT_ID": "parlor",
            "OIDC_SECRET": "s",
        }
        shutil.copytree(ready_data, directory, dirs_exist_ok=True)
        site = Site(Path(directory), EMAIL_URL=f"filemail:///{directory}/mail", **env)
        with running(site):
            yield site


@pytest.fixture
def name() -> str:
    """A name that nobody has."""
    return f"ann {next(numbers)}"


def email_of(name: str) -> str:
    return f"{name.replace(' ', '.')}@example.com"


def link_in_mail(server: Site, name: str) -> str:
    """The link in the newest mail to `name`."""
    mails = sorted((server.data_dir / "mail").iterdir(), key=lambda file: file.stat().st_mtime)
    mail = next(text for file in reversed(mails) if email_of(name) in (text := file.read_text()))
    link = re.search(rf"{server.url}/\S+", mail)
    assert link, mail
    return link[0]


def sign_up(page: Page, name: str) -> None:
    page.goto("/account/signup/")
    page.get_by_label("Your name").fill(name)
    page.get_by_label("Email").fill(email_of(name))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()


def confirm(page: Page, server: Site, name: str) -> None:
    expect(page.get_by_role("heading")).to_have_text("Look at your mail")
    page.goto(link_in_mail(server, name))
    page.get_by_role("button", name="Yes, confirm it").click()


def log_in(page: Page, login: str, password: str = PASSWORD) -> None:
    page.goto("/account/login/")
    fill_in_login(page, login, password)


def fill_in_login(page: Page, login: str, password: str = PASSWORD) -> None:
    page.get_by_label("Email or name").fill(login)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def expect_to_be(page: Page, name: str) -> None:
    page.goto("/")
    expect(page.get_by_text(f"You are {name}.")).to_be_visible()


def expect_stranger(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_label("Your name")).to_be_visible()


def show_who_one_is(page: Page, password: str = PASSWORD) -> None:
    expect(page.get_by_role("heading")).to_have_text("Is it you?")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Go on").click()


@pytest.fixture
def member(new_page: Callable[..., Page], server: Site, name: str) -> Page:
    """A page of somebody with an account, called `name`."""
    page = new_page()
    sign_up(page, name)
    confirm(page, server, name)
    return page


# Coming in -----------------------------------------------------------------------------


@scripts
def test_signing_up_and_confirming_the_email(
    new_page: Callable[..., Page], server: Site, name: str, scripts: bool
) -> None:
    page = new_page(java_script_enabled=scripts)
    page.goto("/")
    page.get_by_role("link", name="sign up").click()
    expect(page.get_by_role("heading")).to_have_text("Sign up")
    sign_up(page, name)
    expect_stranger(page)
    page.goto("/account/confirm-email/")
    confirm(page, server, name)
    expect(page.get_by_text(f"{email_of(name)} is confirmed.")).to_be_visible()
    expect(page.get_by_text(f"You are {name}.")).to_be_visible()


@scripts
def test_logging_in_leads_back_to_the_room(
    member: Page, new_page: Callable[..., Page], name: str, scripts: bool
) -> None:
    join(member, "Lounge")
    page = new_page(java_script_enabled=scripts)
    page.goto("/rooms/lounge/")
    page.get_by_role("link", name="Log in").click()
    fill_in_login(page, name.upper(), "wrong")
    expect(page.get_by_role("alert")).to_have_text("The name or email, or the password, is not right.")
    expect(page.get_by_label("Email or name")).to_have_value(name.upper())
    fill_in_login(page, name.upper())
    expect(page).to_have_title("Lounge – Parlor")
    expect(page.get_by_text(f"You are {name}")).to_be_visible()
    page.goto("/")
    page.get_by_role("link", name="Log out").click()
    page.get_by_role("button", name="Log out").click()
    expect_stranger(page)
    log_in(page, email_of(name))
    expect_to_be(page, name)


def test_what_is_wrong_is_said_beside_its_field(new_page: Callable[..., Page], name: str) -> None:
    page = new_page()
    page.goto("/account/signup/")
    page.get_by_label("Your name").fill("x" * 41)
    page.get_by_label("Email").fill("nobody")
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Sign up").click()
    for label, said in {
        "Your name": "That is 41 characters long;",
        "Email": "Enter a valid email address.",
        "Password": "This password is too common.",
    }.items():
        field = page.get_by_label(label)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(re.escape(said)))


def test_a_password_is_reset_by_mail(
    member: Page, new_page: Callable[..., Page], server: Site, name: str
) -> None:
    page = new_page()
    page.goto("/account/login/")
    page.get_by_role("link", name="Forgotten the password?").click()
    page.get_by_label("Email").fill(email_of(name))
    page.get_by_role("button", name="Send the link").click()
    expect(page.get_by_role("heading")).to_have_text("Look at your mail")
    link = link_in_mail(server, name)
    page.goto(link)
    page.get_by_label("New password", exact=True).fill("another chair")
    page.get_by_label("The new password again").fill("another chair")
    page.get_by_role("button", name="Set it").click()
    page.get_by_role("link", name="Log in").click()
    fill_in_login(page, name, "another chair")
    expect_to_be(page, name)
    expect_stranger(member)
    page.goto(link)
    expect(page.get_by_role("heading")).to_have_text("That link does nothing any more")


# Two factors ---------------------------------------------------------------------------


def test_two_factor_login_and_a_recovery_code(member: Page, new_page: Callable[..., Page], name: str) -> None:
    member.goto("/account/2fa/")
    member.get_by_role("link", name="Turn it on").click()
    show_who_one_is(member)
    picture = member.get_by_role("img", name="A QR code")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    secret = member.locator("#secret").inner_text()
    member.get_by_label("The code it shows").fill(totp(secret))
    member.get_by_role("button", name="Turn it on").click()
    expect(member.get_by_text("Two-factor login is on.")).to_be_visible()
    codes = member.locator(".codes code").all_inner_texts()
    assert len(codes) == 10
    with member.expect_download() as download:
        member.get_by_role("link", name="Save them as a file").click()
    assert download.value.path().read_text().split() == codes

    page = new_page()
    for code in (lambda: totp(secret), lambda: codes[0]):
        log_in(page, name)
        expect(page.get_by_role("heading")).to_have_text("And the code")
        page.get_by_label("Code").fill("123")
        page.get_by_role("button", name="Log in").click()
        expect(page.locator(".problem")).to_contain_text("That code is not right.")
        page.get_by_label("Code").fill(code())
        page.get_by_role("button", name="Log in").click()
        expect_to_be(page, name)
        page.goto("/account/logout/")
        page.get_by_role("button", name="Log out").click()
    log_in(page, name)
    page.get_by_label("Code").fill(codes[0])
    page.get_by_role("button", name="Log in").click()
    expect(page.locator(".problem")).to_be_visible()
    expect_stranger(page)


# Guests --------------------------------------------------------------------------------


@scripts
def test_a_guest_keeps_their_name(
    new_page: Callable[..., Page], server: Site, name: str, scripts: bool
) -> None:
    page = new_page(java_script_enabled=scripts)
    page.goto("/")
    page.get_by_label("Room", exact=True).fill("Attic")
    page.get_by_label("Your name").fill(name)
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Attic")
    manage(server, "say", "attic", "--as", name, text=f"hello, I am {name}")
    page.goto("/")
    page.get_by_role("link", name="Keep the name").click()
    page.get_by_label("Email").fill(email_of(name))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Keep it").click()
    confirm(page, server, name)
    expect(page.get_by_text(f"You are {name}.")).to_be_visible()
    expect(page.get_by_role("link", name="Keep the name")).to_have_count(0)
    elsewhere = new_page(java_script_enabled=scripts)
    log_in(elsewhere, name)
    elsewhere.goto("/rooms/attic/")
    expect(elsewhere.get_by_text(f"You are {name}")).to_be_visible()
    assert shown(elsewhere)[-1][1:] == (name, f"hello, I am {name}")


def test_a_room_stays_live_for_a_guest_who_keeps_the_name(
    new_page: Callable[..., Page], server: Site, name: str
) -> None:
    room = join(new_page(), "Attic", name)
    say(room, "before")
    page = room.context.new_page()
    page.goto("/account/keep-name/")
    page.get_by_label("Email").fill(email_of(name))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Keep it").click()
    confirm(page, server, name)
    say(room, "after")
    expect(room.locator(".message").last).to_contain_text("after")
    with until_live(room):
        room.reload()
    assert [(author, text) for _, author, text in shown(room)][-2:] == [(name, "before"), (name, "after")]


def test_a_guest_is_warned_before_the_name_is_lost(new_page: Callable[..., Page], name: str) -> None:
    page = join(new_page(), "Attic", name)
    page.goto("/")
    page.get_by_role("link", name="Log out").click()
    expect(page.locator(".warning")).to_contain_text(f"nobody can be {name} again")
    page.get_by_role("link", name="Keep the name").click()
    expect(page.get_by_role("heading")).to_have_text(f"Keep the name {name}")
    expect_to_be(page, name)


# Another site --------------------------------------------------------------------------


@scripts
def test_coming_by_way_of_another_site(
    new_page: Callable[..., Page], club: Provider, name: str, scripts: bool
) -> None:
    club.person |= {"sub": name, "name": name, "email": email_of(name)}
    page = new_page(java_script_enabled=scripts)
    page.goto("/account/login/")
    page.get_by_role("link", name="Go on with Club").click()
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading")).to_have_text("Who are you here?")
    expect(page.get_by_label("Your name")).to_have_value(name)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text(f"You are {name}.")).to_be_visible()
    again = new_page(java_script_enabled=scripts)
    again.goto("/account/oidc/oidc/login/")
    again.get_by_role("button", name="Go on").click()
    expect(again.get_by_text(f"You are {name}.")).to_be_visible()


# What one has --------------------------------------------------------------------------


def test_another_browsers_session_is_ended(member: Page, new_page: Callable[..., Page], name: str) -> None:
    other = new_page(user_agent="Mozilla/5.0 (Windows NT 10.0; rv:130.0) Gecko/20100101 Firefox/130.0")
    log_in(other, name)
    expect_to_be(other, name)
    member.goto("/account/sessions/")
    expect(member.get_by_role("listitem").filter(has_text="Firefox on Windows")).to_be_visible()
    expect(member.get_by_role("listitem").filter(has_text="this one")).to_have_count(1)
    member.get_by_role("button", name="End all others").click()
    expect(member.get_by_text("All other sessions have ended.")).to_be_visible()
    expect(member.get_by_text("Firefox on Windows")).to_have_count(0)
    expect_stranger(other)
    expect_to_be(member, name)


def test_the_email_is_changed(member: Page, server: Site, name: str) -> None:
    new = f"{name} new"
    member.goto("/")
    member.get_by_role("link", name="Account").click()
    expect(member.get_by_role("main")).to_contain_text(f"Your email is {email_of(name)}.")
    member.get_by_label("New email").fill(email_of(new))
    member.get_by_role("button", name="Change it").click()
    show_who_one_is(member)
    expect(member.get_by_role("main")).to_contain_text(f"{email_of(new)} is not confirmed yet")
    member.goto(link_in_mail(server, new))
    member.get_by_role("button", name="Yes, confirm it").click()
    member.goto("/account/email/")
    expect(member.get_by_role("main")).to_contain_text(f"Your email is {email_of(new)}.")


def test_an_account_is_closed(member: Page, new_page: Callable[..., Page], name: str) -> None:
    other = join(new_page(), f"Study of {name}", f"{name}'s friend")
    join(member, f"Study of {name}")
    say(member, "hello")
    expect(other.locator(".author")).to_have_text(name)
    member.goto("/account/close/")
    show_who_one_is(member)
    member.get_by_role("button", name="Close it for good").click()
    expect(member.get_by_text("Your account is closed. Goodbye.")).to_be_visible()
    with until_live(other):
        other.reload()
    expect(other.locator(".author")).to_have_text(re.compile(r"Former member \d+"))
    expect(other.locator(".message")).to_contain_text("hello")
    log_in(member, name)
    expect(member.get_by_role("alert")).to_be_visible()


# The first run -------------------------------------------------------------------------


def test_the_first_is_the_administrator_and_decides_who_may_come_in(
    own_server: Site, new_page: Callable[..., Page], page_errors: PageErrors
) -> None:
    page_errors.allow("404")
    page = new_page()
    page.goto("/")
    page.get_by_role("link", name="Be its administrator").click()
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Email").fill("ada@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Be its administrator").click()
    expect(page.get_by_text("You are the administrator of this site.")).to_be_visible()
    expect(page.get_by_text("This Parlor is new.")).to_have_count(0)
    response = new_page().goto("/welcome/")
    assert response and response.status == 404

    stranger = join(new_page(), "Lounge", "bob")
    expect(stranger.get_by_text("You are bob")).to_be_visible()
    page.get_by_role("link", name="Admin").click()
    page.get_by_role("link", name="Site settings").click()
    page.get_by_role("link", name="Site settings").last.click()
    page.get_by_label("Guests allowed").uncheck()
    page.get_by_label("Who may sign up").select_option("Who has an invitation")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    page.goto("/admin/rooms/invitation/add/")
    page.get_by_role("button", name="Save", exact=True).click()
    link = page.locator(".field-link").inner_text()

    other = new_page()
    other.goto("/rooms/lounge/")
    expect(other.get_by_label("Your name")).to_have_count(0)
    other.get_by_role("link", name="Sign up").click()
    expect(other.get_by_role("heading")).to_have_text("Nobody can sign up just now")
    other.goto(link)
    expect(other.get_by_role("main")).to_contain_text("Ada has invited you to sign up here.")
    other.get_by_role("link", name="Sign up").click()
    other.get_by_label("Your name").fill("cleo")
    other.get_by_label("Email").fill("cleo@example.com")
    other.get_by_label("Password").fill(PASSWORD)
    other.get_by_role("button", name="Sign up").click()
    expect(other.get_by_role("heading")).to_have_text("Come in")
    expect(other.get_by_text("You are cleo.")).to_be_visible()


# For everybody -------------------------------------------------------------------------


def test_axe_finds_nothing_on_the_way_in(new_page: Callable[..., Page], page_errors: PageErrors) -> None:
    page_errors.allow("404")
    page = new_page(reduced_motion="reduce")
    for path in ("login", "signup", "password/reset", "confirm-email", "confirm-email/x", "oidc/oidc/login"):
        page.goto(f"/account/{path}/")
        look(page)
    page.goto("/account/signup/")
    page.get_by_role("button", name="Sign up").click()
    expect(page.locator(".problem")).to_have_count(3)
    look(page)
    page.goto("/invitations/x/")
    look(page)


def test_nor_on_the_pages_of_an_account(new_page: Callable[..., Page], server: Site, name: str) -> None:
    page = new_page(reduced_motion="reduce")
    sign_up(page, name)
    confirm(page, server, name)
    look(page)
    page.goto("/account/close/")
    show_who_one_is(page)
    for path in (
        "close",
        "email",
        "password/change",
        "sessions",
        "2fa",
        "2fa/totp/activate",
        "3rdparty",
        "logout",
    ):
        page.goto(f"/account/{path}/")
        look(page)


def test_nor_on_those_for_guests(new_page: Callable[..., Page], name: str) -> None:
    page = join(new_page(reduced_motion="reduce"), "Attic", name)
    for path in ("/", "/account/keep-name/", "/account/login/", "/account/logout/"):
        page.goto(path)
        look(page)
