"""Search as people use it: by keyboard, while typing, and without JavaScript."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, Room, wait_until
from e2e.site import manage


@pytest.fixture
def room(tab: Callable[..., Page], server: Site) -> Room:
    """A room where something was said."""
    room = Room(tab)
    room.tab("ann")
    for name, text in [
        ("bob", "green tea\nsee https://a.example/tea\n日本語のお茶"),
        ("cleo", "black tea\nteapots, and <b>Žofie</b>"),
    ]:
        manage(server, "say", room.slug, "--as", room.called(name), text=text)
    return room


def hits(page: Page) -> list[str]:
    return page.locator(".hit .excerpt").all_inner_texts()


def test_by_keyboard_alone(room: Room) -> None:
    page = room.tab("dora")
    page.get_by_role("link", name="Search", exact=True).focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("searchbox", name="Search")
    expect(field).to_be_focused()
    expect(field).to_have_value(f"in:{room.slug} ")
    expect(page.locator(".hit")).to_have_count(5)
    page.keyboard.press("End")
    page.keyboard.type(f'"tea" from:"{room.called("bob")}" -has:link')
    expect(page.locator(".hit")).to_have_count(1)
    assert hits(page) == ["green tea"]
    expect(page.locator("mark")).to_have_text("tea")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=*")
    expect(page.get_by_role("searchbox")).to_be_focused()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.locator(".hit .at:focus").count():
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/rooms/{room.slug}/messages/1/**")


def test_results_follow_what_is_typed(room: Room) -> None:
    page = room.tab("dora")
    page.goto("/search/")
    expect(page.locator(".hit")).to_have_count(0)
    page.keyboard.type(f"in:{room.slug} tea")
    expect(page.locator("#told")).to_have_text("3 messages")
    page.keyboard.type("pots")
    expect(page.locator("#told")).to_have_text("1 message")
    assert hits(page) == ["teapots, and <b>Žofie</b>"]
    expect(page.get_by_role("searchbox")).to_be_focused()
    assert page.url.endswith(f"/search/?q=in%3A{room.slug}+teapots")
    for text, found in [
        ("zofie", "teapots, and <b>Žofie</b>"),
        ("本語", "日本語のお茶"),
        ("茶", "日本語のお茶"),
    ]:
        page.get_by_role("searchbox").fill(f"in:{room.slug} {text}")
        expect(page.locator(".hit .excerpt")).to_have_text([found])
    page.get_by_role("searchbox").fill(f"in:{room.slug} before:soon")
    expect(page.locator(".explained")).to_contain_text("“soon” is not a date")
    page.reload()
    expect(page.locator(".explained")).to_contain_text("“soon” is not a date")
    page.get_by_role("searchbox").fill("")
    expect(page.locator("#found")).to_have_text("Messages, people and rooms appear here.")
    expect(page.locator("#told")).to_be_empty()


def test_what_comes_late_does_not_replace_what_was_asked_later(room: Room, page_errors: PageErrors) -> None:
    page = room.tab("dora")
    page.goto("/search/")
    held: list[Route] = []
    page.route(lambda url: url.endswith("+green"), lambda route: held.append(route))
    page.keyboard.type(f"in:{room.slug} green")
    expect(page.get_by_role("searchbox")).to_have_value(f"in:{room.slug} green")
    wait_until(page, lambda: bool(held))
    page.get_by_role("searchbox").fill(f"in:{room.slug} black")
    expect(page.locator(".hit .excerpt")).to_have_text(["black tea"])
    for route in held:
        route.abort()
    expect(page.locator(".hit .excerpt")).to_have_text(["black tea"])
    page_errors.allow("ERR_", "abort", "Failed")


def test_people_and_rooms_are_found_too(room: Room) -> None:
    page = room.tab("dora")
    page.goto("/search/")
    page.keyboard.type(room.name)
    found = page.get_by_role("region", name="Rooms").get_by_role("link", name=room.name, exact=True)
    expect(found).to_have_attribute("href", room.path)
    page.get_by_role("searchbox").fill(room.called("cleo"))
    people = page.get_by_role("region", name="People")
    expect(people.get_by_role("link", name=room.called("cleo"), exact=True)).to_be_visible()


def test_without_javascript(room: Room, new_page: Callable[..., Page]) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_label("Room", exact=True).fill(room.name)
    page.get_by_label("Your name").fill(room.called("eve"))
    page.get_by_role("button", name="Join").click()
    page.get_by_role("link", name="Search", exact=True).click()
    field = page.get_by_role("searchbox", name="Search")
    expect(field).to_have_value(f"in:{room.slug} ")
    field.fill(f"in:{room.slug} tea -has:link")
    field.press("Enter")
    expect(page.locator(".hit .excerpt")).to_have_text(["black tea", "green tea"])
    page.get_by_role("link", name="Best first").click()
    expect(page.locator(".hit")).to_have_count(2)
    page.locator(".hit .at").first.click()
    page.wait_for_url(f"**/rooms/{room.slug}/messages/*/**")
