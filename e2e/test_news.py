"""What happens beside the conversation: what is new elsewhere, who is here, who is writing."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, Room, entry, join, until_live, wait_until
from e2e.site import manage, say
from tests.process import Server

SLOW = 30_000  # ms


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


@pytest.fixture
def other(tab: Callable[..., Page]) -> Room:
    return Room(tab)


def news(page: Page, room: Room) -> Locator:
    return entry(page, room).locator(".news")


def present(page: Page) -> Locator:
    return page.locator("#present .token")


def second_tab(page: Page, room: Room) -> Page:
    """Another tab of the same person, in `room`."""
    tab = page.context.new_page()
    with until_live(tab):
        tab.goto(room.path)
    return tab


def wait_until_read(server: Site, page: Page, room: Room, seq: int) -> None:
    """Wait until it is recorded that bob has read the room, which is before him, up to `seq`."""
    code = (
        "from rooms.models import Membership;"
        f"bob = Membership.objects.get(room__slug={room.slug!r}, person__username={room.called('bob')!r});"
        "print(bob.read_seq)"
    )
    wait_until(page, lambda: manage(server, "shell", "-v", "0", "-c", code).strip() == str(seq))


def test_what_is_new_and_who_is_named_in_three_tabs_of_two_people(
    room: Room, other: Room, server: Site
) -> None:
    ann = room.tab("ann")
    bob = join(room.tab("bob"), other.name)  # in both, and looks at the other
    beside = second_tab(bob, other)
    for page in (bob, beside):
        expect(news(page, room)).to_have_class("news none")

    say(ann, "anybody here?")
    for page in (bob, beside):
        expect(news(page, room)).to_have_class("news some")
        expect(page).to_have_title(f"{other.name} – Parlor")
    say(ann, f"@{room.called('bob')}, are you?")
    say(ann, f"hello @{room.called('Bob')}")
    for page in (bob, beside):
        expect(news(page, room)).to_contain_text("2")
        expect(page).to_have_title(f"(2) {other.name} – Parlor")
    expect(news(ann, room)).to_have_class("news none")

    with until_live(bob):
        entry(bob, room).get_by_role("link").click()
    expect(bob.locator(".message")).to_have_count(3)
    mark = bob.locator("#mark")
    expect(mark).to_be_visible()
    assert mark.evaluate("mark => mark.nextElementSibling.id") == "message-1"
    expect(news(beside, room)).to_have_class("news none")
    expect(beside).to_have_title(f"{other.name} – Parlor")
    mentioned = bob.locator(".mention").first.evaluate("b => getComputedStyle(b).backgroundColor")
    assert mentioned != ann.locator(".mention").first.evaluate("b => getComputedStyle(b).backgroundColor")

    say(ann, "good")  # which bob reads at once
    expect(bob.locator(".message")).to_have_count(4)
    say(bob, "yes")
    expect(ann.locator(".message")).to_have_count(5)
    expect(news(beside, room)).to_have_class("news none")
    wait_until_read(server, bob, room, 5)
    bob.reload()
    expect(bob.locator("#mark")).to_have_count(0)


def test_where_one_stopped_reading(room: Room, other: Room, server: Site) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    say(ann, "one")
    expect(bob.locator(".message")).to_have_count(1)
    wait_until_read(server, bob, room, 1)
    with until_live(bob):
        bob.reload()
    expect(bob.locator("#mark")).to_have_count(0)
    join(bob, other.name)
    say(ann, "two")
    say(ann, "three")
    expect(news(bob, room)).to_have_class("news some")
    with until_live(bob):
        entry(bob, room).get_by_role("link").click()
    assert bob.locator("#mark").evaluate("mark => mark.nextElementSibling.id") == "message-2"


def test_who_comes_and_goes(room: Room) -> None:
    ann = room.tab("ann")
    expect(present(ann)).to_have_count(1)
    bob = room.tab("bob")
    for page in (ann, bob):
        expect(present(page)).to_have_count(2)
        expect(page.locator(f"#present [title='{room.called('bob')}']")).to_have_count(1)
    ann.locator("#present").click()
    names = ann.locator("#here").get_by_role("link")
    expect(names).to_have_count(2)
    expect(names.filter(has_text=room.called("bob")).get_by_label("here", exact=True)).to_be_visible()
    bob.close()
    expect(present(ann)).to_have_count(1)
    expect(names).to_have_text([room.called("ann")])  # what is open stays open


def test_who_is_writing(room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    ann.keyboard.type("well")
    expect(bob.locator("#typing")).to_contain_text(room.called("ann"), timeout=SLOW)
    expect(ann.locator(".typists")).not_to_be_visible()
    say(ann, " then")
    expect(bob.locator(".message")).to_have_count(1)
    expect(bob.locator("#typing")).to_have_text("", timeout=SLOW)
    ann.keyboard.type("and")
    expect(bob.locator(".typists")).to_be_visible(timeout=SLOW)
    expect(bob.locator(".typists")).to_be_hidden(timeout=SLOW)  # it fades, though nobody says so


def test_who_was_on_a_server_that_was_killed_is_gone_in_seconds(
    own_server: Site, tab: Callable[..., Page], page_errors: PageErrors
) -> None:
    page_errors.allow_outage()
    other = Server(own_server.data_dir, REDIS_URL=own_server.env["REDIS_URL"])
    other.start()
    try:
        ann, bob = tab("ann"), tab("bob", base_url=other.url)
        for page in (ann, bob):
            expect(present(page)).to_have_count(2)
        say(bob, "hello from the other server")
        expect(ann.locator(".message")).to_have_count(1)
        other.kill()
        expect(present(ann)).to_have_count(1, timeout=15_000)
        say(ann, "bob?")
        expect(ann.locator(".message")).to_have_count(2)
    finally:
        other.kill()


def test_a_session_that_ends_ends_its_tabs(room: Room, server: Site) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    say(bob, "one")
    expect(ann.locator(".message")).to_have_count(1)
    name = room.called("ann")
    manage(
        server,
        "shell",
        "-v",
        "0",
        "-c",
        "from django.contrib.sessions.models import Session\n"
        "from rooms.models import Person\n"
        f"pk = str(Person.objects.get(username={name!r}).pk)\n"
        "for session in Session.objects.all():\n"
        "    if session.get_decoded().get('_auth_user_id') == pk:\n"
        "        session.delete()\n",
    )
    expect(ann.locator(".farewell")).to_contain_text("You are signed out.")
    say(bob, "two")
    expect(bob.locator(".message")).to_have_count(2)
    expect(ann.locator(".message")).to_have_count(0)
