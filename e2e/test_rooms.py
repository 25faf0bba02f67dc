"""Rooms and their people: making them, inviting, removing, renaming, reporting."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, Room, until_live
from e2e.site import manage, say


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


def run(server: Site, code: str) -> None:
    """Do something with the site's models."""
    manage(server, "shell", "-v", "0", "-c", f"from rooms.models import *; {code}")


def keep_name(server: Site, name: str) -> None:
    """As if they had an account."""
    run(server, f"Person.objects.filter(username={name!r}).update(is_guest=False)")


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def side(page: Page) -> list[str]:
    """The rooms beside the one that is shown."""
    return page.locator("#rooms li bdi").all_inner_texts()


def expect_beside(page: Page, name: str) -> None:
    expect(page.locator("#rooms li bdi", has_text=name)).to_have_count(1)


def make_private(page: Page, name: str) -> str:
    """Make a private room from the lobby. Returns its path."""
    page.goto("/")
    page.get_by_role("link", name="New private room").click()
    page.get_by_label("Name").fill(name)
    press(page, "Make the room")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    return page.url.partition("about/")[0]


# Private rooms -------------------------------------------------------------------------


def test_a_private_room_is_made_and_somebody_brought_in(
    room: Room, server: Site, page_errors: PageErrors
) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    keep_name(server, room.called("ann"))
    path = make_private(ann, f"Cellar {room.slug}")
    page_errors.allow("404")
    before = bob.context.new_page()
    before.goto(path)
    expect(before.get_by_role("heading")).to_have_text("There is no such page")

    ann.get_by_label("Name").first.fill(room.called("bob"))
    press(ann, "Bring in")
    expect(ann.locator(".notices")).to_contain_text(f"In the room now: {room.called('bob')}.")
    expect_beside(bob, f"Cellar {room.slug}")
    with until_live(ann):
        ann.get_by_role("link", name="To the conversation").click()
    with until_live(bob):
        bob.get_by_role("link", name=f"Cellar {room.slug}").click()
    say(ann, "between us")
    expect(bob.locator(".message")).to_contain_text("between us")


def test_a_link_leads_into_it_once(
    room: Room, server: Site, new_page: Callable[..., Page], page_errors: PageErrors
) -> None:
    ann = room.tab("ann")
    keep_name(server, room.called("ann"))
    make_private(ann, f"Loft {room.slug}")
    ann.get_by_label("People it lets in, at most").fill("1")
    press(ann, "Make a link")
    link = ann.locator(".link").inner_text()
    bob = new_page()
    bob.goto(link)
    bob.get_by_label("Your name").fill(room.called("bob"))
    with until_live(bob):
        press(bob, "Join as a guest")
    expect(bob.get_by_role("heading", level=1)).to_have_text(f"Loft {room.slug}")
    with until_live(ann):
        ann.get_by_role("link", name="To the conversation").click()
    say(bob, "here I am")
    expect(ann.locator(".message")).to_contain_text("here I am")
    page_errors.allow("404")
    cleo = new_page()
    cleo.goto(link)
    expect(cleo.get_by_role("heading")).to_have_text("This invitation leads nowhere")


def test_who_is_removed_reads_why_and_nothing_more(room: Room, server: Site, page_errors: PageErrors) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    keep_name(server, room.called("ann"))
    make_private(ann, f"Vault {room.slug}")
    ann.get_by_label("Name").first.fill(room.called("bob"))
    press(ann, "Bring in")
    with until_live(bob):
        bob.get_by_role("link", name=f"Vault {room.slug}").click()
    order = ann.context.new_page()
    order.goto(ann.url)
    with until_live(ann):
        ann.get_by_role("link", name="To the conversation").click()
    say(ann, "before")
    expect(bob.locator(".message")).to_contain_text("before")
    frames: list[str] = []
    bob.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))

    order.get_by_role("link", name=f"Manage {room.called('bob')}").click()
    order.get_by_label("Reason").first.fill("Too loud for a vault")
    press(order, "Remove")
    expect(bob.get_by_role("alert")).to_contain_text("You were removed from this room: Too loud for a vault")
    expect(bob.locator(".message")).to_have_count(0)
    expect(bob.locator("[name=body]")).to_have_count(0)
    say(ann, "after")
    expect(ann.locator(".message")).to_have_count(2)
    assert not any("after" in frame for frame in frames)
    page_errors.allow("404")
    bob.reload()
    expect(bob.get_by_role("heading")).to_have_text("There is no such page")


def test_who_is_banned_reads_it_wherever_they_are(room: Room, page_errors: PageErrors) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    other = bob.context.new_page()
    other.goto(bob.url)
    ann.get_by_role("link", name="About").click()
    ann.get_by_role("link", name=f"Manage {room.called('bob')}").click()
    ban = ann.locator("form", has=ann.get_by_role("heading", name="Ban"))
    ban.get_by_label("Reason").fill("Noise")
    ban.get_by_label("For").select_option("A week")
    press(ann, "Ban")
    expect(ann.locator(".rows")).to_contain_text("Noise")
    for page in (bob, other):
        expect(page.get_by_role("alert")).to_contain_text("You were banned from this room: Noise")
    page_errors.allow("403")
    bob.reload()
    expect(bob.get_by_role("heading")).to_contain_text("You are banned from this room until")
    press(ann, "Lift")
    expect(ann.locator(".notices")).to_contain_text("may come back")
    with until_live(bob):
        bob.reload()
    say(bob, "back again")
    expect(bob.locator(".message")).to_contain_text("back again")


# Names ---------------------------------------------------------------------------------


def test_a_new_name_shows_at_once_and_the_old_link_leads_there(room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    elsewhere = bob.context.new_page()
    elsewhere.goto("/")
    elsewhere.get_by_label("Room", exact=True).fill(f"Elsewhere {room.slug}")
    with until_live(elsewhere):
        press(elsewhere, "Join")
    ann.get_by_role("link", name="About").click()
    settings = ann.locator("form", has=ann.get_by_label("Topic"))
    settings.get_by_label("Name").fill(f"Salon {room.slug}")
    settings.get_by_label("Topic").fill("Tea and cake")
    press(ann, "Save")
    expect(ann.locator(".notices")).to_contain_text("Saved.")
    expect(ann.get_by_role("heading", level=1)).to_have_text(f"Salon {room.slug}")

    expect(bob.get_by_role("heading", level=1)).to_have_text(f"Salon {room.slug}")
    expect(bob.locator(".topic")).to_have_text("Tea and cake")
    expect(bob).to_have_title(f"Salon {room.slug} – Parlor")
    expect_beside(elsewhere, f"Salon {room.slug}")
    expect(elsewhere).to_have_title(f"Elsewhere {room.slug} – Parlor")
    say(bob, "still here")
    expect(bob.locator(".message")).to_contain_text("still here")
    with until_live(bob):
        bob.goto(room.path)
    assert bob.url.endswith(f"/rooms/salon-{room.slug}/")
    expect(bob.locator(".message")).to_contain_text("still here")


def test_an_archived_room_is_read_and_not_written_in(room: Room, server: Site) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    elsewhere = bob.context.new_page()
    elsewhere.goto("/")
    elsewhere.get_by_label("Room", exact=True).fill(f"Elsewhere {room.slug}")
    with until_live(elsewhere):
        press(elsewhere, "Join")
    say(bob, "for the record")
    expect(bob.locator(".message")).to_have_count(1)
    expect_beside(elsewhere, room.name)
    ann.get_by_role("link", name="About").click()
    press(ann, "Archive")
    expect(ann.get_by_role("button", name="Restore")).to_be_visible()
    expect(elsewhere.locator("#rooms li bdi", has_text=room.name)).to_have_count(0)
    bob.goto("/archived/")
    with until_live(bob):
        bob.get_by_role("link", name=room.name).click()
    expect(bob.locator(".message")).to_contain_text("for the record")
    expect(bob.get_by_text("This room is archived")).to_be_visible()
    press(ann, "Restore")
    expect_beside(elsewhere, room.name)


# Reports -------------------------------------------------------------------------------


def test_what_is_reported_is_deleted_before_everybodys_eyes(room: Room) -> None:
    ann, bob, cleo = room.tab("ann"), room.tab("bob"), room.tab("cleo")
    say(bob, "buy my watches")
    say(bob, "really")
    for page in (ann, bob, cleo):
        expect(page.locator(".message")).to_have_count(2)
    cleo.locator(".message .at").first.click()
    cleo.get_by_role("link", name="About this message").click()
    cleo.get_by_label("What is wrong with it?").fill("Advertising")
    press(cleo, "Report")
    expect(cleo.locator(".notices")).to_contain_text("Reported.")

    moderator = ann.context.new_page()
    moderator.goto("/")
    moderator.get_by_role("link", name="Reports").click()
    report = moderator.locator("article", has_text=room.name)
    expect(report).to_contain_text("buy my watches")
    expect(report).to_contain_text("Advertising")
    report.get_by_role("button", name="Delete the message").click()
    expect(moderator.locator("article", has_text=room.name)).to_have_count(0)
    for page in (ann, bob):
        expect(page.locator(".message").first.locator(".text")).to_have_text("This message was deleted.")
        expect(page.locator(".message").last).to_contain_text("really")
        expect(page.locator(".message")).to_have_count(2)
    cleo.reload()
    expect(cleo.locator(".text")).to_have_text("This message was deleted.")


# Conversations -------------------------------------------------------------------------


def test_two_write_to_each_other(room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    ann.goto("/direct/")
    ann.get_by_label("Name").fill(room.called("bob").upper())
    with until_live(ann):
        press(ann, "Write")
    expect(ann.get_by_role("heading", level=1)).to_have_text(room.called("bob"))
    expect_beside(bob, room.called("ann"))
    say(ann, "just you and me")
    expect(bob.locator("#rooms .news.mentions")).to_contain_text("1")
    with until_live(bob):
        bob.get_by_role("navigation", name="Rooms").get_by_role("link", name=room.called("ann")).click()
    expect(bob.locator(".message")).to_contain_text("just you and me")


def test_who_is_blocked_is_not_seen_and_does_not_write(room: Room, page_errors: PageErrors) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    say(bob, "look at me")
    expect(ann.locator(".message")).to_be_visible()
    ann.locator(".message .at").click()
    ann.get_by_role("link", name="About this message").click()
    press(ann, "Block")
    expect(ann.locator(".rows")).to_contain_text(room.called("bob"))
    with until_live(ann):
        ann.goto(room.path)
    expect(ann.locator(".message")).to_be_hidden()
    page_errors.allow("403")
    bob.goto("/direct/")
    bob.get_by_label("Name").fill(room.called("ann"))
    press(bob, "Write")
    expect(bob.locator(".problem")).to_have_text(f"You cannot write to {room.called('ann')}.")
    expect(bob.get_by_label("Name")).to_have_value(room.called("ann"))


# Without JavaScript --------------------------------------------------------------------


def test_all_of_it_is_done_without_javascript(
    room: Room, new_page: Callable[..., Page], page_errors: PageErrors
) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_label("Room", exact=True).fill(room.name)
    page.get_by_label("Your name").fill(room.called("ann"))
    press(page, "Join")
    room.tab("bob")
    page.get_by_role("link", name="About").click()
    press(page, "Star")
    press(page, "Unstar")
    expect(page.get_by_role("button", name="Star", exact=True)).to_be_visible()
    press(page, "Let only moderators write")
    expect(page.locator(".badge", has_text="Closed")).to_be_visible()
    press(page, "Let everybody write")
    page.get_by_label("Slow mode").select_option("30 seconds")
    press(page, "Set")
    expect(page.get_by_text("One message every 30 seconds")).to_be_visible()
    page.get_by_label("It works for").select_option("A day")
    page.get_by_label("People it lets in, at most").fill("3")
    press(page, "Make a link")
    expect(page.get_by_text("Used 0 of 3 times")).to_be_visible()
    press(page, "Revoke")
    expect(page.get_by_text("Used 0 of 3 times")).to_have_count(0)
    page.get_by_label("Find people by name").fill("BOB")
    press(page, "Find")
    expect(page.locator(".people .person")).to_have_text([room.called("bob")])
    page.get_by_role("link", name=f"Manage {room.called('bob')}").click()
    page.get_by_label("Role").select_option("Moderator")
    press(page, "Change")
    expect(page.locator(".people .badge", has_text="Moderator")).to_be_visible()
    page_errors.allow("422")
    page.get_by_label("Topic").fill("x" * 251)
    press(page, "Save")
    expect(page.locator(".problem")).to_contain_text("It is 251 characters long; 250 is the most.")
    expect(page.get_by_label("Topic")).to_have_value("x" * 251)
    page.get_by_label("Topic").fill("in short")
    press(page, "Save")
    expect(page.locator(".notices")).to_contain_text("Saved.")
    press(page, "Leave")
    expect(page.locator(".notices")).to_contain_text(f"You have left {room.name}.")
