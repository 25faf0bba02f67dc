"""Side conversations: live beside the room, by the menu, and without JavaScript."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, Room
from e2e.site import say
from e2e.test_conversation import expect_the_same, menu_of


@pytest.fixture
def pages(tab: Callable[..., Page]) -> tuple[Page, Page, Page]:
    """ann and bob in a room, and ann's second tab with the thread under her message."""
    room = Room(tab)
    ann, bob = room.tab("ann"), room.tab("bob")
    say(ann, "Where do we eat?")
    expect(bob.locator(".message")).to_have_count(1)
    aside = ann.context.new_page()
    aside.goto(ann.url)
    menu_of(aside, 1).get_by_role("link", name="Reply in a thread").click()
    expect(aside.get_by_role("heading", name="Thread")).to_be_visible()
    return ann, bob, aside


def test_what_is_said_in_one_is_live_there_and_the_room_says_how_much_it_is(
    own_server: Site, pages: tuple[Page, Page, Page], page_errors: PageErrors
) -> None:
    ann, bob, aside = pages
    say(aside, "at the harbour?")
    expect(aside.locator(".message")).to_have_count(2)
    expect(bob.locator("#message-1 .thread")).to_contain_text("1 reply")
    bob.locator("#message-1 .thread a").click()
    expect(bob.locator(".message")).to_have_count(2)
    say(bob, "they have fish")
    expect(aside.locator("#messages > .message").last).to_contain_text("they have fish")
    expect(ann.locator("#message-1 .thread")).to_contain_text("2 replies")
    expect(ann.locator(".message")).to_have_count(1)

    page_errors.allow_outage()
    own_server.kill()
    expect(aside.locator("#connection .offline")).to_be_visible()
    say(aside, "and at eight")
    own_server.start()
    expect(bob.locator("#messages > .message").last).to_contain_text("and at eight", timeout=20_000)
    expect(ann.locator("#message-1 .thread")).to_contain_text("3 replies", timeout=20_000)

    say(ann, "and bring a coat")
    expect(ann.locator(".message")).to_have_count(2)
    fresh = ann.context.new_page()
    fresh.goto(aside.url)
    expect_the_same(aside, bob, fresh)
    fresh.goto(ann.url)
    expect_the_same(ann, fresh)


def test_who_follows_one_is_shown_that_something_is_new(pages: tuple[Page, Page, Page]) -> None:
    ann, bob, aside = pages
    say(aside, "at the harbour?")
    aside.close()
    bob.locator("#message-1 .thread a").click()
    say(bob, "they have fish")
    expect(ann.locator("#news-threads.some")).to_be_visible()
    ann.get_by_role("link", name="Threads").click()
    expect(ann.locator(".badge")).to_have_text("New")
    ann.locator("article h2 a").click()
    expect(ann.locator("#messages > .message").last).to_contain_text("they have fish")
    expect(ann.locator("#news-threads")).to_have_class(re.compile("none"))
    ann.get_by_role("button", name="Unfollow").click()
    expect(ann.get_by_role("button", name="Follow", exact=True)).to_be_visible()


def test_without_javascript(browser: Browser, pages: tuple[Page, Page, Page]) -> None:
    ann, _, aside = pages
    address = aside.url
    context = browser.new_context(java_script_enabled=False, storage_state=ann.context.storage_state())
    plain = context.new_page()
    plain.goto(address)
    plain.locator("[name=body]").fill("by hand")
    plain.get_by_role("button", name="Send").first.click()
    expect(plain.locator("#messages > .message").last).to_contain_text("by hand")
    expect(aside.locator("#messages > .message").last).to_contain_text("by hand")
    assert plain.url == address
    context.close()
