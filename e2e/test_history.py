"""A room's past: leafing through it, and from one of its messages on to its live end."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, Room, follow, on_live, until_live, wait_until
from e2e.site import expect_shows_all, manage, say, shown, stored

COUNT = 180  # messages of the past: four pages of 50, on nine days
START = datetime(2020, 6, 2, 12, tzinfo=UTC)


@pytest.fixture
def room(tab: Callable[..., Page], server: Site, tmp_path: Path) -> Room:
    """A room with a long past, in which ann said every third word."""
    room = Room(tab)
    file = tmp_path / "history.jsonl"
    with file.open("w") as past:
        for n in range(1, COUNT + 1):
            at = f"{START + timedelta(hours=n):%FT%TZ}"
            print(json.dumps({"at": at, "author": room.called("abc"[n % 3]), "body": f"line {n}"}), file=past)
    manage(server, "load_history", room.name, str(file))
    return room


def texts(page: Page) -> list[str]:
    return [text for _, _, text in shown(page)]


def lines(first: int, last: int) -> list[str]:
    return [f"line {n}" for n in range(first, last + 1)]


def enter_without_javascript(room: Room, page: Page) -> None:
    page.goto("/")
    page.get_by_label("Room", exact=True).fill(room.name)
    page.get_by_label("Your name").fill(room.called("ann"))
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(room.name)


# Leafing -------------------------------------------------------------------------------


def test_from_now_to_the_first_message_and_back(room: Room, new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)  # these pages have none anyhow
    enter_without_javascript(room, page)
    page.get_by_role("link", name="History").click()
    seen = texts(page)
    older, newer = (page.get_by_role("link", name=name, exact=True).last for name in ("Older", "Newer"))
    while older.count():
        follow(older)
        seen = texts(page) + seen
    assert seen == lines(1, COUNT)
    expect(page.get_by_text("begins")).to_be_visible()
    seen = texts(page)
    while newer.count():
        follow(newer)
        seen += texts(page)
    assert seen == lines(1, COUNT)
    page.get_by_role("link", name="Go to now").click()
    expect(page.get_by_label("Message", exact=True)).to_be_visible()


def test_by_days(room: Room, new_page: Callable[..., Page]) -> None:
    page = new_page()
    enter_without_javascript(room, page)
    page.get_by_role("link", name="History").click()
    page.get_by_label("Go to a day").fill("2020-06-05")
    page.get_by_role("button", name="Go").click()
    page.wait_for_url(f"**{room.path}history/2020/06/05/")
    assert texts(page) == lines(60, 83)
    page.get_by_role("link", name="6 June 2020").first.click()
    assert texts(page) == lines(84, 107)
    page.get_by_role("table").get_by_role("link", name="3 June: 24 messages").click()
    assert texts(page) == lines(12, 35)
    page.get_by_role("link", name="2 June 2020").first.click()
    assert texts(page) == lines(1, 11)
    page.get_by_role("link", name="Last day").first.click()
    assert texts(page)[-1] == f"line {COUNT}"
    page.get_by_role("link", name="2020", exact=True).click()
    expect(page.get_by_role("table")).to_have_count(12)
    page.get_by_role("link", name="10 June: 1 message").click()
    assert page.url.endswith("/2020/06/10/") or texts(page)


def test_from_a_day_into_its_conversation(room: Room, new_page: Callable[..., Page]) -> None:
    page = new_page()
    enter_without_javascript(room, page)
    page.goto(f"{room.path}history/2020/06/03/")
    page.locator("#message-20 .at").click()
    expect(page).to_have_url(f"{page.url.split('/rooms')[0]}{room.path}messages/20/")
    expect(page.locator("#message-20")).to_be_in_viewport()
    page.locator("#message-20 .day, #message-12 .day").first.get_by_role("link").click()
    page.wait_for_url("**/history/2020/06/03/")


# From a message on ---------------------------------------------------------------------


def scroll_to_the_live_end(page: Page) -> None:
    """With the wheel, as a reader does, until the field for a message is there."""
    page.locator("#scroller").hover()
    field = page.locator("[name=body]")
    is_live = on_live(page)
    while not field.count():
        page.mouse.wheel(0, 400)
        page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    wait_until(page, is_live)


def enter_at(room: Room, page: Page, seq: int) -> Page:
    enter_without_javascript(room, page)
    page.goto(f"{room.path}messages/{seq}/")
    return page


def test_to_the_live_end_without_a_gap_or_a_double_and_on(
    room: Room, server: Site, new_page: Callable[..., Page]
) -> None:
    page = enter_at(room, new_page(), 40)
    here = page.locator("#message-40")
    expect(here).to_be_in_viewport()
    expect(here).to_be_focused()
    assert texts(page) == lines(15, 64)
    # What is said and deleted meanwhile is not shown below a gap.
    bob = room.tab("bob")
    say(bob, "said meanwhile")
    assert texts(page) == lines(15, 64)
    scroll_to_the_live_end(page)
    expect(page.get_by_text("said meanwhile")).to_have_count(1)
    assert texts(page) == [*lines(15, COUNT), "said meanwhile"]
    page.locator("#scroller").evaluate("scroller => scroller.scrollTo(0, -scroller.scrollHeight)")
    expect(page.get_by_text("begins")).to_be_attached()
    assert texts(page) == [*lines(1, COUNT), "said meanwhile"]
    say(bob, "and now live")
    expect(page.get_by_text("and now live")).to_have_count(1)
    page.locator("[name=body]").first.focus()
    say(page, "hello from the past")
    expect(bob.get_by_text("hello from the past")).to_have_count(1)
    expect_shows_all(page, server, room.slug)
    assert len(shown(page)) == len(stored(server, room.slug)) == COUNT + 3


def test_the_reader_stays_where_they_are_while_more_is_loaded(
    room: Room, new_page: Callable[..., Page]
) -> None:
    """Whoever comes to the end of what is loaded is not carried past what follows."""
    page = enter_at(room, new_page(), 40)
    page.locator("#scroller").evaluate("scroller => scroller.scrollTo(0, 0)")  # its end
    expect(page.locator("#message-65")).to_be_attached()
    expect(page.locator("#message-64")).to_be_in_viewport()
    expect(page.locator("#message-90")).not_to_be_in_viewport()
    page.locator("#scroller").hover()
    page.mouse.wheel(0, -3000)
    expect(page.locator("#message-14")).to_be_attached()
    expect(page.locator("#message-115")).to_have_count(0)


def test_what_was_deleted_while_one_read_is_gone_at_the_end(
    room: Room, server: Site, new_page: Callable[..., Page]
) -> None:
    page = enter_at(room, new_page(), 100)
    expect(page.locator("#message-101")).to_contain_text("line 101")
    code = (
        "from rooms import changes; from rooms.models import *;"
        f"m = Message.objects.get(room__slug={room.slug!r}, seq=101); changes.delete(m, m.author)"
    )
    manage(server, "shell", "-v", "0", "-c", code)
    scroll_to_the_live_end(page)
    expect(page.locator("#message-101 .text")).to_have_text("This message was deleted.")
    assert len(shown(page)) == len({seq for seq, _, _ in shown(page)})


def test_a_message_of_just_now_is_in_the_live_room(room: Room, new_page: Callable[..., Page]) -> None:
    page = new_page()
    enter_without_javascript(room, page)
    with until_live(page):
        page.goto(f"{room.path}messages/{COUNT - 10}/")
    expect(page.locator(f"#message-{COUNT - 10}")).to_be_in_viewport()
    bob = room.tab("bob")
    say(bob, "hello")
    expect(page.get_by_text("hello")).to_be_attached()


def test_without_javascript_links_lead_on(room: Room, new_page: Callable[..., Page]) -> None:
    page = enter_at(room, new_page(java_script_enabled=False), 40)
    expect(page.locator("#message-40")).to_be_in_viewport()
    assert texts(page) == lines(15, 64)
    page.get_by_role("link", name="Later").click()
    assert texts(page) == lines(65, 114)
    page.go_back()
    page.get_by_role("link", name="Earlier").click()
    assert texts(page) == lines(1, 14)
    page.go_back()
    page.get_by_role("link", name="Go to now").click()
    assert texts(page) == lines(131, 180)


# Links in messages ---------------------------------------------------------------------


def test_a_link_to_a_message_shows_it_to_those_who_may_see_it(
    room: Room, server: Site, new_page: Callable[..., Page], page_errors: PageErrors
) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    say(ann, f"as was said: {server.url}{room.path}messages/7/")
    for page in (ann, bob):
        quote = page.locator("a.quote")
        expect(quote).to_contain_text("line 7")
        expect(quote).to_contain_text("2 June 2020, 19:00")
    bob.locator("a.quote").click()
    expect(bob.locator("#message-7")).to_be_focused()
    page_errors.allow("404")  # what is not there has no preview
    say(ann, f"and {server.url}/rooms/nowhere/messages/7/")
    expect(ann.locator(".message").last).to_contain_text("nowhere")
    expect(ann.locator("span.quote")).to_have_count(0)


# On paper ------------------------------------------------------------------------------


def test_a_day_prints_without_what_one_presses(room: Room, new_page: Callable[..., Page]) -> None:
    page = new_page()
    enter_without_javascript(room, page)
    page.goto(f"{room.path}history/2020/06/03/")
    page.emulate_media(media="print")
    expect(page.locator("#message-20 .text")).to_be_visible()
    for hidden in ("#calendar", ".leaf >> nth=0", ".now"):
        expect(page.locator(hidden)).to_be_hidden()
    assert page.pdf(format="A4")
