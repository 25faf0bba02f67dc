"""The field: in one line or several, what is begun and not sent, and what its last word may become."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, Room, join, until_live, wait_until
from e2e.proxy import proxy_to
from e2e.site import say, shown

SLOW = 30_000  # ms; for what comes back by itself after an outage
TEXT = "def f():\n    return 1\n\nend"


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


def field(page: Page) -> Locator:
    """Where the next message is written."""
    return page.locator(".send [name=body]").last


def tool(page: Page, name: str) -> Locator:
    """The button of that name beside that field."""
    return page.locator(".field").last.get_by_role("button", name=name, exact=True)


def texts(page: Page) -> list[str]:
    return [text for _, _, text in shown(page)]


def expect_caret_at_end(page: Page) -> None:
    expect(field(page)).to_be_focused()
    start, length = field(page).evaluate("e => [e.selectionStart, e.value.length]")
    assert start == length


def kept(server: Site) -> list[str]:
    """The drafts in the database, in any order."""
    with closing(sqlite3.connect(server.data_dir / "parlor.sqlite3")) as database:
        return [body for (body,) in database.execute("SELECT body FROM rooms_draft")]


def draft(page: Page, server: Site, text: str) -> None:
    """Type `text`, and wait until it is kept."""
    page.keyboard.type(text)
    wait_until(page, lambda: text in kept(server))


# One line or several -------------------------------------------------------------------


def test_several_lines_and_back(room: Room) -> None:
    page = room.tab()
    expect(field(page)).to_have_attribute("placeholder", f"Write in {room.name}")
    page.keyboard.type("one")
    tool(page, "Several lines").click()
    expect(page.locator("textarea[name=body]").last).to_be_focused()
    expect_caret_at_end(page)
    page.keyboard.type(" and\ntwo")
    tool(page, "Send").click()
    expect(page.locator(".message .text")).to_have_text("one and\ntwo", use_inner_text=True)
    expect(page.locator(".field")).to_have_count(1)
    expect(page.locator("textarea[name=body]").last).to_be_focused()
    page.keyboard.type("three")
    tool(page, "One line").click()
    expect(page.locator("input[name=body]").last).to_be_focused()
    expect_caret_at_end(page)
    say(page, "!")
    expect(page.locator(".message")).to_have_count(2)
    assert texts(page) == ["one and\ntwo", "three!"]
    expect(page.locator("input[name=body]").last).to_be_focused()


def test_code_is_sent_as_it_was_written_and_the_choice_is_remembered(room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    tool(ann, "Several lines").click()
    for count in (1, 2):
        expect(ann.locator("textarea[name=body]").last).to_be_focused()
        ann.keyboard.insert_text(TEXT)
        ann.keyboard.press("Tab")
        ann.keyboard.press("Enter")
        for page in (ann, bob):
            expect(page.locator(".message")).to_have_count(count)
    assert texts(ann) == texts(bob) == [TEXT, TEXT]
    with until_live(ann):
        ann.reload()
    expect(ann.locator("textarea[name=body]").last).to_be_focused()


def test_a_switch_without_a_connection_leaves_everything_as_it_is(
    room: Room, server: Site, page_errors: PageErrors
) -> None:
    page_errors.allow_outage()
    page_errors.allow("htmx:error")
    with proxy_to(server.port) as network:
        page = room.tab("ann", base_url=network.url)
        page.keyboard.type("half a")
        network.cut()
        expect(page.locator("#connection .offline")).to_be_visible()
        tool(page, "Several lines").click()
        expect(field(page)).to_be_enabled()
        expect(field(page)).to_have_value("half a")
        field(page).press("End")
        say(page, " sentence")
        network.mend()
        expect(page.locator(".message")).to_have_count(1, timeout=SLOW)
        assert texts(page) == ["half a sentence"]
        tool(page, "Several lines").click()
        expect(page.locator("textarea[name=body]").last).to_be_focused()


def test_nothing_is_typed_or_sent_while_the_field_is_changed(room: Room) -> None:
    """What would be, might be lost."""
    page = room.tab()
    held: list[Route] = []
    page.route("**/compose/", lambda route: held.append(route), times=1)
    page.keyboard.type("one")
    tool(page, "Several lines").click()
    wait_until(page, lambda: bool(held))
    expect(field(page)).to_be_disabled()
    expect(tool(page, "Send")).to_be_disabled()
    held.pop().continue_()
    expect(page.locator("textarea[name=body]").last).to_be_focused()
    expect(field(page)).to_have_value("one")
    expect(tool(page, "Send")).to_be_enabled()


def test_a_preview_that_follows(room: Room) -> None:
    page = room.tab()
    tool(page, "Several lines").click()
    expect(page.locator("textarea[name=body]").last).to_be_focused()
    page.keyboard.type("see https://a.example/\n<b>")
    tool(page, "Preview").click()
    preview = page.locator(".preview .text")
    expect(preview).to_have_text("see https://a.example/\n<b>", use_inner_text=True)
    expect(preview.get_by_role("link")).to_have_attribute("href", "https://a.example/")
    field(page).press("Control+End")
    page.keyboard.type("!")
    expect(preview).to_contain_text("<b>!")
    expect(field(page)).to_be_focused()
    tool(page, "Preview").click()
    expect(preview).to_have_count(0)
    expect(page.locator(".message")).to_have_count(0)


# Drafts --------------------------------------------------------------------------------


def test_a_draft_after_a_reload_and_in_another_room_and_back(
    room: Room, server: Site, tab: Callable[..., Page]
) -> None:
    other = Room(tab)
    page = join(other.tab("ann"), room.name)
    draft(page, server, "to be")
    with until_live(page):
        page.reload()
    expect(field(page)).to_have_value("to be")
    expect_caret_at_end(page)
    page.keyboard.type(" or n")  # and is gone at once
    with until_live(page):
        page.get_by_role("navigation").get_by_role("link", name=other.name, exact=True).click()
    expect(field(page)).to_have_value("")
    with until_live(page):
        page.get_by_role("navigation").get_by_role("link", name=room.name, exact=True).click()
    expect(field(page)).to_have_value("to be or n")
    expect_caret_at_end(page)
    say(page, "ot")
    expect(page.locator(".message")).to_have_count(1)
    assert texts(page) == ["to be or not"]
    with until_live(page):
        page.reload()
    expect(field(page)).to_have_value("")
    expect(field(page)).to_be_focused()


def test_two_tabs_do_not_disturb_each_other(room: Room, server: Site) -> None:
    one = room.tab("ann")
    two = one.context.new_page()
    with until_live(two):
        two.goto(room.path)
    draft(one, server, "from one")
    draft(two, server, "from two")
    expect(field(one)).to_have_value("from one")
    say(one, "!")
    expect(two.locator(".message")).to_have_count(1)
    expect(field(two)).to_have_value("from two")
    assert {"from one", "from two"} & set(kept(server)) == {"from two"}
    say(two, "!")
    expect(two.locator(".message")).to_have_count(2)
    expect(two.locator(".send:has(.resend)")).to_have_count(0)
    assert {"from one", "from two"} & set(kept(server)) == set()


def test_a_draft_after_the_server_was_killed(
    own_server: Site, tab: Callable[..., Page], page_errors: PageErrors
) -> None:
    page_errors.allow_outage()
    page = tab("ann")
    draft(page, own_server, "half a")
    own_server.kill()
    own_server.start()
    expect(page.locator("#connection .online")).to_have_count(1, timeout=SLOW)
    expect(field(page)).to_have_value("half a")
    with until_live(page):
        page.reload()
    expect(field(page)).to_have_value("half a")
    expect_caret_at_end(page)
    say(page, " sentence")
    expect(page.locator(".message")).to_have_count(1)
    expect(page.locator(".send:has(.resend)")).to_have_count(0)
    assert kept(own_server) == []


# Suggestions ---------------------------------------------------------------------------


def offered(page: Page) -> Locator:
    return page.locator(".offers button")


def test_a_name_by_the_keyboard_and_by_the_pointer(room: Room) -> None:
    page = room.tab("ann")
    bob = room.tab("Bob")
    page.keyboard.type("hi @bo")
    expect(offered(page)).to_have_text([f"@{room.called('Bob')}"])
    expect(page.locator(".field [role=status]")).to_have_text("1 suggestion: press Tab to choose")
    expect(field(page)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value(f"hi @{room.called('Bob')} ")
    expect_caret_at_end(page)
    expect(offered(page)).to_have_count(0)
    page.keyboard.type("and @bo")
    offered(page).click()
    expect(field(page)).to_have_value(f"hi @{room.called('Bob')} and @{room.called('Bob')} ")
    expect_caret_at_end(page)
    say(page, "again")
    expect(bob.locator(".message .mention")).to_have_count(2)


def test_more_than_fit_on_a_phone_are_reached_by_the_keyboard_too(room: Room) -> None:
    page = room.tab("ann", viewport={"width": 390, "height": 700})
    names = [room.called(f"Bob the {nth}") for nth in ("First", "Second", "Third")]
    for nth in ("First", "Second", "Third"):
        room.tab(f"Bob the {nth}")
    page.keyboard.type("@bo")
    expect(offered(page)).to_have_count(3)
    expect(offered(page).last).not_to_be_in_viewport(ratio=1)
    for one in offered(page).all():
        page.keyboard.press("Tab")
        expect(one).to_be_focused()
    expect(offered(page).last).to_be_in_viewport(ratio=0.99)
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value(f"@{names[-1]} ")
    expect_caret_at_end(page)


def test_a_room_and_an_emoji_in_several_lines(room: Room) -> None:
    page = room.tab("ann")
    tool(page, "Several lines").click()
    expect(page.locator("textarea[name=body]").last).to_be_focused()
    page.keyboard.type(f"one\nin #{room.slug[:5]}")
    offered(page).get_by_text(room.name, exact=True).click()
    expect(field(page)).to_have_value(f"one\nin #{room.slug} ")
    expect_caret_at_end(page)
    page.keyboard.type(":tad")
    expect(offered(page)).to_have_text(["🎉tada"])
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(field(page)).to_have_value(f"one\nin #{room.slug} 🎉 ")
    expect_caret_at_end(page)


def test_escape_closes_what_is_offered_and_enter_sends_all_the_same(room: Room) -> None:
    page = room.tab("ann")
    room.tab("Bob")
    page.keyboard.type("hi @bo")
    expect(offered(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(offered(page)).to_be_hidden()
    expect(field(page)).to_be_focused()
    page.keyboard.type("b")
    expect(offered(page)).to_be_visible()
    say(page, "")
    expect(page.locator(".message")).to_have_count(1)
    assert texts(page) == ["hi @bob"]
    expect(offered(page)).to_have_count(0)


# Switched off --------------------------------------------------------------------------


def test_without_javascript(room: Room, new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_label("Room", exact=True).fill(room.name)
    page.get_by_label("Your name").fill(room.called("ann"))
    page.get_by_role("button", name="Join").click()
    page.get_by_label("Message", exact=True).fill("one")
    tool(page, "Several lines").click()
    expect(page.locator("textarea[name=body]")).to_have_value("one")
    expect(page.locator("textarea[name=body]").last).to_be_focused()
    field(page).fill("one\ntwo")
    tool(page, "Preview").click()
    expect(page.locator(".preview .text")).to_have_text("one\ntwo", use_inner_text=True)
    tool(page, "Send").click()
    expect(page.locator(".message .text")).to_have_text("one\ntwo", use_inner_text=True)
    expect(page.locator("textarea[name=body]")).to_have_value("")
    tool(page, "One line").click()
    field(page).fill("three")
    field(page).press("Enter")
    expect(page.locator(".message")).to_have_count(2)
    assert texts(page) == ["one\ntwo", "three"]
