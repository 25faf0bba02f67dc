"""Of what one is told in other rooms, and how: as one has chosen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from e2e.pages import Room, entry, join, until_live
from e2e.site import say


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


@pytest.fixture
def other(tab: Callable[..., Page]) -> Room:
    return Room(tab)


def choose(page: Page, room: Room, level: str) -> None:
    """Have the room tell so much, on the page about it."""
    page.goto(f"{room.path}about/")
    page.get_by_label(level, exact=True).check()
    page.get_by_role("button", name="Change", exact=True).click()
    expect(page.get_by_label(level, exact=True)).to_be_checked()


@pytest.mark.parametrize("has_javascript", [True, False])
def test_the_level_of_a_room_holds_at_once_in_all_tabs(
    room: Room, other: Room, new_page: Callable[..., Page], has_javascript: bool
) -> None:
    ann = room.tab("ann")
    bob = join(room.tab("bob"), other.name)  # in both, and looks at the other
    state = bob.context.storage_state()
    about = new_page(java_script_enabled=has_javascript, storage_state=state)

    choose(about, room, "Mentions and answers")
    expect(entry(bob, room)).to_have_class("muted")
    say(ann, "anybody here?")
    say(ann, f"@{room.called('bob')}, are you?")
    expect(entry(bob, room).locator(".news")).to_contain_text("1")
    expect(bob).to_have_title(f"(1) {other.name} – Parlor")

    choose(about, room, "Nothing")
    expect(entry(bob, room).locator(".news")).to_have_class("news none")
    expect(bob).to_have_title(f"{other.name} – Parlor")
    say(ann, f"@{room.called('bob')}?")

    choose(about, room, "Everything")
    expect(entry(bob, room)).not_to_have_class("muted")
    expect(entry(bob, room).locator(".news")).to_have_class("news some")


def want_a_sound(page: Page) -> None:
    """In the settings, and back to where the page was."""
    page.goto("/settings/")
    page.get_by_label("A sound when somebody names you or writes to you").check()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Saved.")


def test_who_wants_it_hears_that_somebody_names_them(room: Room, other: Room) -> None:
    ann = room.tab("ann")
    bob = room.tab("bob")
    settings = bob.context.new_page()
    want_a_sound(settings)
    settings.close()
    bob = join(bob, other.name)
    with bob.expect_response("**/chime*.wav") as answer:
        say(ann, f"@{room.called('bob')}?")
    assert answer.value.status in (200, 206)
    assert answer.value.headers["content-type"].startswith("audio/")
    audio = bob.locator("#chime audio")
    expect(audio).to_have_js_property("ended", True)  # it was played
    audio.evaluate("audio => { audio.id = 'first' }")
    say(ann, f"@{room.called('bob')}!")
    expect(bob.locator("#chime audio:not(#first)")).to_have_js_property("ended", True)
    expect(bob.locator("#chime audio")).to_have_count(1)


def test_a_conversation_that_begins_sounds_in_a_tab_that_is_open(room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    settings = bob.context.new_page()
    want_a_sound(settings)  # which the open tab learns
    settings.close()
    ann.goto("/direct/")
    ann.get_by_label("Name").fill(room.called("bob"))
    with until_live(ann):
        ann.get_by_role("button", name="Write").click()
    say(ann, "hello")
    expect(bob.locator("#chime audio")).to_have_count(1)
    expect(bob).to_have_title(f"(1) {room.name} – Parlor")
