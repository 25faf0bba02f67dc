"""Editing, reacting, answering, pinning: by the menu of a message, live in every tab."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, Room, wait_until
from e2e.proxy import proxy_to
from e2e.site import say
from e2e.test_files import choose, file, picture
from e2e.test_files import send as send_files


def menu_of(page: Page, seq: int) -> Locator:
    """The menu of a message, open."""
    page.locator(f"#message-{seq}").hover()
    page.locator(f"#message-{seq} > .more").click()
    menu = page.locator("#menu:popover-open")
    expect(menu.locator(".whose")).to_be_visible()
    return menu


def messages(page: Page) -> list[str]:
    """The HTML of the messages, without what htmx notes on it."""
    found = page.locator("#messages > .message").evaluate_all("found => found.map(one => one.outerHTML)")
    return [re.sub(r' data-htmx-powered="true"| class=""', "", html) for html in found]


def expect_the_same(*pages: Page) -> None:
    wait_until(pages[0], lambda: len({tuple(messages(page)) for page in pages}) == 1)


@pytest.fixture
def pages(tab: Callable[..., Page], page_errors: PageErrors) -> tuple[Page, Page, Page]:
    """Two tabs of ann and one of bob, who have said something."""
    room = Room(tab)
    ann = room.tab("ann")
    other = ann.context.new_page()
    other.goto(ann.url)
    expect(other.locator("#present .token")).to_have_count(1)
    bob = room.tab("bob")
    for count, (page, text) in enumerate([(ann, "lunch at one?"), (bob, "where?"), (ann, "the usual place")]):
        say(page, text)
        for each in (ann, other, bob):
            expect(each.locator(".message")).to_have_count(count + 1)
    return ann, other, bob


def test_all_of_it_is_live_in_every_tab_and_there_after_a_kill(
    own_server: Site, pages: tuple[Page, Page, Page], page_errors: PageErrors
) -> None:
    ann, other, bob = pages
    menu_of(bob, 1).get_by_label("React with thumbs up").click()
    expect(ann.locator("#message-1 .reaction")).to_have_text(re.compile(r"👍\s*1"))
    ann.locator("#message-1 .reaction").click()  # one more
    expect(bob.locator("#message-1 .reaction")).to_have_text(re.compile(r"👍\s*2"))

    menu_of(bob, 3).get_by_role("button", name="Reply").click()
    expect(bob.locator(".answers")).to_contain_text("ann")
    say(bob, "I like that one")  # the field has the focus
    expect(bob.locator(".answers")).to_have_count(0)
    expect(other.locator("#message-7 .answered, #message-6 .answered")).to_contain_text("the usual place")

    ann.locator("[name=body]:visible").first.focus()
    say(ann, "**bold**, `code`, https://example.org, :tada: and ||a secret||")
    choose(bob, picture(), file("menu.txt", b"fish"))
    bob.get_by_label("Caption of menu.txt").fill("what <they> have")
    send_files(bob)
    expect(ann.get_by_text("what <they> have")).to_be_visible()

    page_errors.allow_outage()
    own_server.kill()
    expect(ann.locator("#connection .offline")).to_be_visible()
    own_server.start()
    expect(ann.locator("#connection .offline")).to_be_hidden(timeout=20_000)

    menu_of(ann, 3).get_by_role("button", name="Edit").click()
    sheet = ann.locator("#sheet[open]")
    expect(sheet.locator("textarea")).to_be_focused()
    sheet.locator("textarea").fill("the new place")
    sheet.get_by_role("button", name="Save").click()
    expect(sheet).to_have_count(0)
    expect(ann.locator("[name=body]:focus")).to_be_visible()
    expect(bob.locator("#message-3 .text")).to_have_text("the new place")
    expect(bob.locator("#message-3 .edited")).to_be_visible()
    expect(bob.locator(".answered .line")).to_have_text("the new place")

    fresh = bob.context.new_page()
    fresh.goto(f"{bob.url}messages/2/about/")
    fresh.get_by_role("button", name="Delete").click()
    expect(ann.locator("#message-2.gone")).to_be_visible()

    fresh.goto(ann.url)
    expect_the_same(ann, other, bob, fresh)
    fresh.goto(f"{ann.url}history/")
    expect_the_same(ann, fresh)


def test_what_is_missed_while_away_is_there_after_the_resume(
    server: Site, tab: Callable[..., Page], page_errors: PageErrors
) -> None:
    page_errors.allow_outage()
    with proxy_to(server.port) as network:
        room = Room(tab)
        ann, bob = room.tab("ann"), room.tab("bob", base_url=network.url)
        say(ann, "lunch at one?")
        expect(bob.locator(".message")).to_have_count(1)
        say(bob, "yes")
        expect(ann.locator(".message")).to_have_count(2)
        network.cut()
        expect(bob.locator("#connection .offline")).to_be_visible()
        menu_of(ann, 2).get_by_label("React with party popper").click()
        menu_of(ann, 1).get_by_role("button", name="Edit").click()
        ann.locator("#sheet textarea").fill("lunch at two?")
        ann.locator("#sheet").get_by_role("button", name="Save").click()
        expect(ann.locator("#message-1 .text")).to_have_text("lunch at two?")
        network.mend()
        expect(bob.locator("#message-1 .text")).to_have_text("lunch at two?", timeout=20_000)
        expect_the_same(ann, bob)


def test_any_emoji_is_found_by_its_name(pages: tuple[Page, Page, Page]) -> None:
    ann, _, bob = pages
    menu_of(ann, 2).get_by_label("React with another emoji").click()
    expect(ann.locator("#emoji-name")).to_be_focused()
    ann.keyboard.type("rocket")
    ann.locator("#menu").get_by_label("rocket", exact=True).click()
    expect(bob.locator("#message-2 .reaction")).to_have_text(re.compile("🚀"))


def test_by_keyboard_alone(pages: tuple[Page, Page, Page]) -> None:
    ann, _, bob = pages
    ann.locator("#message-3 > .more").focus()
    ann.keyboard.press("Enter")
    expect(ann.locator("#menu:popover-open .quick")).to_be_visible()
    ann.keyboard.press("Tab")
    ann.keyboard.press("Tab")
    ann.keyboard.press("Enter")
    expect(bob.locator("#message-3 .reaction")).to_have_count(1)
    ann.locator("#message-2 > .more").focus()
    ann.keyboard.press("Enter")
    expect(ann.locator("#menu:popover-open .whose")).to_contain_text("where?")
    ann.keyboard.press("Escape")
    expect(ann.locator("#menu:popover-open")).to_have_count(0)
    expect(ann.locator("#message-2 > .more")).to_be_focused()


def test_the_menu_holds_what_this_viewer_may_do(pages: tuple[Page, Page, Page]) -> None:
    ann, _, bob = pages
    expect(menu_of(ann, 1).get_by_role("button", name="Edit")).to_have_count(1)
    menu = menu_of(bob, 1)
    expect(menu.locator(".whose")).to_contain_text("lunch at one?")
    expect(menu.get_by_role("button", name="Edit")).to_have_count(0)
    expect(menu.get_by_role("button", name="Pin")).to_have_count(0)
    expect(menu.get_by_role("button", name="Reply")).to_have_count(1)


def test_without_a_script(browser: Browser, server: Site, tab: Callable[..., Page]) -> None:
    room = Room(tab)
    context = browser.new_context(base_url=server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_label("Room", exact=True).fill(room.name)
    page.get_by_label("Your name").fill(room.called("ann"))
    page.keyboard.press("Enter")
    page.locator("[name=body]").first.fill("lunch at one?")
    page.keyboard.press("Enter")
    page.locator("#message-1 .at").click()
    page.get_by_role("link", name="About this message").click()
    page.get_by_role("link", name="React").click()
    page.get_by_label("thumbs up").click()
    expect(page.locator("#message-1 .reaction")).to_have_text(re.compile(r"👍\s*1"))
    page.goto(f"{room.path}messages/1/about/")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("What it says").fill("lunch at two?")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#message-1 .text")).to_have_text("lunch at two?")
    page.goto(f"{room.path}messages/1/about/")
    page.get_by_role("link", name="Reply").click()
    page.get_by_label("Your answer").fill("yes")
    page.get_by_role("button", name="Send").click()
    expect(page.locator(".answered .line")).to_have_text("lunch at two?")
    page.goto(f"{room.path}messages/1/about/")
    page.get_by_role("button", name="Save it for yourself").click()
    page.goto("/saved/")
    expect(page.locator(".text")).to_have_text("lunch at two?")
    page.goto(f"{room.path}messages/1/about/")
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#message-1 .text")).to_have_text("This message was deleted.")
    context.close()


def test_who_reacted_is_told_to_the_pointer_the_keyboard_and_whoever_hears_the_page(
    pages: tuple[Page, Page, Page], new_page: Callable[..., Page]
) -> None:
    ann, _, bob = pages
    names = [page.locator(".me bdi").inner_text() for page in (bob, ann)]
    menu_of(bob, 1).get_by_label("React with thumbs up").click()
    chip = ann.locator("#message-1 .reaction")
    expect(chip).to_have_attribute("title", names[0])
    chip.click()
    expect(chip).to_have_attribute("title", ", ".join(names))
    without_script = new_page(java_script_enabled=False, storage_state=bob.context.storage_state())
    without_script.goto(f"{ann.url}history/")
    for page in (ann, without_script):
        chip = page.locator("#message-1 .reaction")
        expect(chip).to_have_accessible_description(", ".join(names))
        page.locator("#message-1 .at").focus()
        expect(chip).to_have_accessible_name("👍 2")
        page.keyboard.press("Tab")
        expect(chip).to_be_focused()
        expect(chip).to_have_accessible_name("👍 2")
        tip = chip.evaluate("chip => getComputedStyle(chip, '::after').content")
        assert ", ".join(names) in tip


@pytest.mark.parametrize("has_javascript", [True, False])
def test_what_is_edited_is_seen_as_it_will_look(
    tab: Callable[..., Page], new_page: Callable[..., Page], has_javascript: bool
) -> None:
    page = Room(tab).tab("ann")
    say(page, "tea at one")
    expect(page.locator(".resend")).to_have_count(0)
    if has_javascript:
        menu_of(page, 1).get_by_role("button", name="Edit").click()
    else:
        at = page.url
        page = new_page(java_script_enabled=False, storage_state=page.context.storage_state())
        page.goto(f"{at}messages/1/edit/")
    field, preview = page.locator("#edit-body"), page.get_by_role("group", name="Preview")
    field.fill("tea at **two**\n<b>")
    page.get_by_role("button", name="Preview").click()
    expect(preview).to_have_text("tea at two\n<b>", use_inner_text=True)
    expect(preview.locator("strong")).to_have_text("two")
    expect(field).to_have_value("tea at **two**\n<b>")
    if has_javascript:
        field.press("End")
        page.keyboard.type("!")
        expect(preview).to_contain_text("<b>!")
        expect(field).to_be_focused()
    page.get_by_role("button", name="Preview").click()
    expect(preview).to_have_count(0)
    page.get_by_role("button", name="Preview").click()
    expect(preview).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#message-1 .text strong")).to_have_text("two")
