"""From the lobby, or a link, into a room."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.pages import PageErrors, Room, until_live
from e2e.site import say, shown

BAD_NAMES = [
    ("", "Please type a name."),
    ("   ", "Please type a name."),
    ("x" * 61, "That is 61 characters long;"),
    ("an\u3000n", "There is a space in it that only looks like one."),
    ("an\u200bn", "It holds a character that cannot be seen."),
    ("a" + "\u0323" * 6, "It has too many accents on one letter."),
    ("\u200d", "Please type a name that can be seen."),
]


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


def room_field(page: Page) -> Locator:
    return page.get_by_label("Room", exact=True)


def name_field(page: Page) -> Locator:
    return page.get_by_label("Your name")


def press_join(page: Page) -> None:
    page.get_by_role("button", name="Join").click()


def expect_problem(field: Locator, text: str) -> None:
    """It is said just below the field, and to whoever hears the page."""
    expect(field).to_have_attribute("aria-invalid", "true")
    problem = field.page.locator(f"#{field.get_attribute('aria-describedby')}")
    expect(problem).to_contain_text(text)
    above, below = field.bounding_box(), problem.bounding_box()
    assert above and below
    assert 0 <= below["y"] - (above["y"] + above["height"]) < 20


def test_the_lobby_lists_open_rooms_the_liveliest_first(
    room: Room, tab: Callable[..., Page], new_page: Callable[..., Page]
) -> None:
    ann = room.tab("ann")
    lobby = new_page()
    lobby.goto("/")
    listed = lobby.get_by_role("link", name=f"{room.name} ")
    expect(listed).to_contain_text("1 person")
    expect(listed).to_contain_text("nothing said yet")
    room.tab("bob")
    say(ann, "hello")
    expect(ann.locator(".message")).to_have_count(1)
    lobby.reload()
    expect(listed).to_contain_text("2 people")
    expect(listed).to_contain_text("just now")
    expect(lobby.locator(".room-list li").first).to_contain_text(room.name)
    livelier = Room(tab)
    cleo = livelier.tab("cleo")
    for page, first in ((cleo, livelier), (ann, room)):
        say(page, "hello again")
        expect(page.locator(".message").last).to_contain_text("hello again")
        lobby.reload()
        expect(lobby.locator(".room-list li").first).to_contain_text(first.name)
    listed.click()
    expect(lobby.get_by_role("heading", level=1)).to_have_text(f"Join {room.name}")


def test_joining_makes_the_room_and_leads_there(room: Room) -> None:
    page = room.tab("ann")
    assert page.url.endswith(room.path)
    expect(page).to_have_title(f"{room.name} – Parlor")
    expect(page.get_by_role("heading", level=1)).to_have_text(room.name)
    expect(page.locator(".sidebar [aria-current=page]")).to_have_text(room.name)
    expect(page.get_by_text(f"You are {room.called('ann')}")).to_be_visible()


def test_who_has_a_name_is_not_asked_again(room: Room, join: Callable[..., Page]) -> None:
    page = room.tab("ann").context.new_page()
    page.goto("/")
    expect(name_field(page)).to_have_count(0)
    expect(page.get_by_text(f"You are {room.called('ann')}.")).to_be_visible()
    with until_live(page):
        page.goto(room.path)
    join(page, f"{room.name}, upstairs")
    say(page, "hello")
    expect(page.locator(".author")).to_have_text(room.called("ann"))


def test_a_taken_name_is_refused_and_the_suggestion_works(
    room: Room, new_page: Callable[..., Page], page_errors: PageErrors
) -> None:
    page_errors.allow("422")
    room.tab("ann")
    taken = room.called("ANN")
    page = new_page()
    page.goto("/")
    room_field(page).fill(room.name)
    name_field(page).fill(taken)
    press_join(page)
    expect_problem(name_field(page), "Somebody is called that, or nearly.")
    expect(room_field(page)).to_have_value(room.name)
    expect(name_field(page)).to_have_value(taken)
    suggested = re.search("“(.+)”", page.locator(".problem").inner_text())
    assert suggested
    name_field(page).fill(suggested[1])
    with until_live(page):
        press_join(page)
    expect(page.get_by_text(f"You are {suggested[1]}")).to_be_visible()
    assert page.url.endswith(room.path)


def test_each_kind_of_bad_name_is_explained_beside_its_field(
    new_page: Callable[..., Page], page_errors: PageErrors
) -> None:
    page_errors.allow("422")
    page = new_page()
    page.goto("/")
    for name, problem in BAD_NAMES:
        for field, other in ((room_field, name_field), (name_field, room_field)):
            field(page).fill(name)
            other(page).fill("somebody nobody is called")
            press_join(page)
            expect_problem(field(page), problem)
            expect(field(page)).to_have_value(name)
            expect(other(page)).to_have_value("somebody nobody is called")
            expect(page.locator(".problem")).to_have_count(1)


@pytest.mark.parametrize(
    ("place", "name"),
    [("读书会", "李小龙"), ("غرفة القهوة", "عائشة"), ("🍵🫖", "🦊"), ("<b>bold</b>", "<i>ann</i>")],
)
def test_names_in_any_script(place: str, name: str, tab: Callable[..., Page]) -> None:
    page = tab(name, place)
    expect(page).to_have_title(f"{place} – Parlor")
    say(page, "hello")
    with until_live(page):
        page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text(place)
    expect(page.get_by_text(f"You are {name}")).to_be_visible()
    expect(page.locator(".message")).to_have_count(1)
    assert shown(page) == [(1, name, "hello")]
    page.goto("/")
    with until_live(page):
        page.get_by_role("link", name=place).click()
    expect(page.locator(".message")).to_have_count(1)


def test_a_stranger_with_a_link_is_asked_for_a_name_and_lands_there(
    room: Room, new_page: Callable[..., Page], page_errors: PageErrors
) -> None:
    page_errors.allow("422")
    say(room.tab("ann"), "hello")
    page = new_page()
    page.goto(room.path)
    expect(page).to_have_title(f"{room.name} – Parlor")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Join {room.name}")
    expect(page.get_by_text("hello")).to_have_count(0)
    name_field(page).fill(room.called("ann"))
    press_join(page)
    expect_problem(name_field(page), "Somebody is called that, or nearly.")
    name_field(page).fill(room.called("bob"))
    with until_live(page):
        press_join(page)
    expect(page.locator(".message")).to_contain_text("hello")
    assert page.url.endswith(room.path)
    say(page, "hi")
    expect(page.locator(".message")).to_have_count(2)


@pytest.mark.parametrize("path", ["/nowhere/", "/rooms/nowhere/"])
def test_what_is_not_there(path: str, new_page: Callable[..., Page], page_errors: PageErrors) -> None:
    page_errors.allow("404")
    page = new_page()
    response = page.goto(path)
    assert response and response.status == 404
    expect(page).to_have_title("Not here – Parlor")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="Go to the lobby").click()
    expect(page).to_have_title("Parlor")
    expect(page.get_by_role("heading", level=1)).to_have_text("Parlor")
