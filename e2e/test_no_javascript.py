"""Promise 1: with JavaScript switched off everything still works, and with it on no script is ours."""

from collections.abc import Callable

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, Room, wait_until
from e2e.site import manage, say, shown

REFRESHED = 30_000  # ms; the frame does so every ten seconds


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


@pytest.fixture
def plain_tab(room: Room, new_page: Callable[..., Page]) -> Callable[[str], Page]:
    """plain_tab(name): a new page without JavaScript, whose new person has come into the room
    through the lobby."""

    def make(name: str) -> Page:
        page = new_page(java_script_enabled=False)
        page.goto("/")
        page.get_by_label("Room", exact=True).fill(room.name)
        page.get_by_label("Your name").fill(room.called(name))
        page.get_by_role("button", name="Join").click()
        expect(page.get_by_role("heading", level=1)).to_have_text(room.name)
        return page

    return make


def newer(page: Page) -> FrameLocator:
    """The frame with what came since the page was loaded."""
    return page.frame_locator("iframe.newer")


# Switched off --------------------------------------------------------------------------


def test_messages_are_read_and_posted(room: Room, plain_tab: Callable[[str], Page]) -> None:
    bob = room.tab("bob")
    say(bob, "hello")
    ann = plain_tab("ann")
    expect(ann.locator("#messages .message")).to_contain_text("hello")
    expect(ann.get_by_label("Message", exact=True)).to_be_focused()
    ann.keyboard.type("hello, bob")
    ann.keyboard.press("Enter")
    expect(ann.locator("#messages .message")).to_have_count(2)
    ann.get_by_label("Message", exact=True).fill("<b>good</b> morning")
    ann.get_by_role("button", name="Send").click()
    for page in (ann, bob):
        expect(page.locator("#messages .message")).to_have_count(3)
        assert shown(page) == [
            (1, room.called("bob"), "hello"),
            (2, room.called("ann"), "hello, bob"),
            (3, room.called("ann"), "<b>good</b> morning"),
        ]
        expect(page.locator("#messages .message").last).to_be_in_viewport()
    assert ann.url.endswith(room.path)


def test_what_is_refused_is_still_in_the_field(
    plain_tab: Callable[[str], Page], page_errors: PageErrors
) -> None:
    page_errors.allow("422")
    page = plain_tab("ann")
    field = page.get_by_label("Message", exact=True)
    field.fill("x" * 5000)
    field.press("Enter")
    expect(page.locator(".problem")).to_contain_text("It is 5,000 characters long; 4,000 is the most.")
    expect(field).to_have_value("x" * 5000)
    expect(page.get_by_role("button", name="Discard")).to_be_hidden()
    field.fill("in short")
    field.press("Enter")
    expect(page.locator("#messages .message")).to_contain_text("in short")
    expect(page.locator(".problem")).to_have_count(0)
    expect(field).to_have_value("")


def test_what_others_say_appears_and_what_i_write_stays(
    room: Room, server: Site, plain_tab: Callable[[str], Page]
) -> None:
    bob = room.tab("bob")
    say(bob, "before")
    ann = plain_tab("ann")
    expect(newer(ann).get_by_text("Nothing new")).to_be_visible()
    ann.keyboard.type("half a sentence")
    lines = "\n".join(f"line {n}" for n in range(6))
    manage(server, "say", room.slug, "--as", room.called("cleo"), text=lines)
    messages = newer(ann).locator(".message")
    expect(messages).to_have_count(6, timeout=REFRESHED)
    expect(messages.last).to_contain_text("line 5")
    expect(messages.last).to_be_in_viewport()
    author, text = (
        messages.first.locator(".author").bounding_box(),
        messages.first.locator(".text").bounding_box(),
    )
    assert author and text
    assert author["width"] > 20
    assert author["y"] + author["height"] <= text["y"] + 1
    expect(ann.get_by_label("Message", exact=True)).to_have_value("half a sentence")
    expect(ann.get_by_label("Message", exact=True)).to_be_focused()
    newer(ann).get_by_role("link", name="Show all").click()
    expect(ann.locator("#messages .message")).to_have_count(7)


def test_older_messages_are_a_link_away(room: Room, server: Site, plain_tab: Callable[[str], Page]) -> None:
    room.tab("bob")
    lines = "\n".join(f"line {n}" for n in range(1, 121))
    manage(server, "say", room.slug, "--as", room.called("bob"), text=lines)
    page = plain_tab("ann")
    for first, last in ((71, 120), (21, 70), (1, 20)):
        expect(page.locator(".message").first).to_have_id(f"message-{first}")
        assert [text for _, _, text in shown(page)] == [f"line {n}" for n in range(first, last + 1)]
        if first > 1:
            page.get_by_role("link", name="Older messages").click()
    expect(page.locator(".beginning")).to_be_visible()
    page.get_by_role("link", name="Go to now").click()
    expect(page.locator(".message").last).to_contain_text("line 120")


def test_a_stranger_is_asked_for_a_name(
    room: Room, new_page: Callable[..., Page], page_errors: PageErrors
) -> None:
    page_errors.allow("422")
    say(room.tab("ann"), "hello")
    page = new_page(java_script_enabled=False)
    page.goto(room.path)
    name = page.get_by_label("Your name")
    name.fill(room.called("ann"))
    name.press("Enter")
    expect(page.locator(".problem")).to_contain_text("Somebody is called that, or nearly.")
    expect(name).to_have_value(room.called("ann"))
    name.fill(room.called("bob"))
    name.press("Enter")
    expect(page.locator("#messages .message")).to_contain_text("hello")


# Switched on ---------------------------------------------------------------------------


def test_a_script_in_the_page_does_not_run_and_is_noticed(room: Room, page_errors: PageErrors) -> None:
    page = room.tab()
    page.evaluate(
        """() => {
            const script = document.createElement('script');
            script.text = 'window.hasRun = true';
            document.body.append(script);
            const image = document.createElement('img');
            image.setAttribute('onerror', 'window.hasRun = true');
            image.src = 'data:,';
            document.body.append(image);
        }"""
    )
    expect(page.locator("img")).to_be_attached()
    assert page.evaluate("window.hasRun") is None
    refused = [error for error in page_errors.unexpected if "Content Security Policy" in error]
    assert any("inline script" in error for error in refused)
    assert any("inline event handler" in error for error in refused)
    page_errors.allow("Content Security Policy")


def test_what_a_page_complains_of_is_noticed(room: Room, page_errors: PageErrors) -> None:
    page = room.tab()
    assert page_errors.unexpected == []
    page.evaluate("console.error('a complaint')")
    page.evaluate("setTimeout(() => { throw new Error('an accident') })")
    page.evaluate("fetch('/nowhere/')")
    for text in ("a complaint", "an accident", "404"):
        wait_until(page, lambda text=text: text in "\n".join(page_errors.unexpected))  # type: ignore[misc]
        page_errors.allow(text)


def test_a_page_without_a_policy_is_noticed(new_page: Callable[..., Page], page_errors: PageErrors) -> None:
    page = new_page()
    page.route("**/", lambda route: route.fulfill(body="<title>bare</title>", content_type="text/html"))
    page.goto("/")
    assert any("no strict policy" in error for error in page_errors.unexpected)
    page_errors.allow("no strict policy")
