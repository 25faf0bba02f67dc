"""What people say of themselves, and how they want their pages."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from e2e.pages import PageErrors, Room, until_live
from e2e.site import say

RED, GREEN = (255, 0, 0), (0, 255, 0)
LIGHT, DARK = "rgb(236, 232, 223)", "rgb(21, 23, 20)"  # the wall behind a page
PIXEL = """img => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 256;
    const context = canvas.getContext('2d');
    context.drawImage(img, 0, 0, 256, 256);
    return [...context.getImageData(20, 128, 1, 1).data];
}"""


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


def picture_of(color: tuple[int, int, int]) -> FilePayload:
    file = BytesIO()
    Image.new("RGB", (800, 600), color).save(file, "JPEG")
    return {"name": "me.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()}


def press(page: Page, button: str) -> None:
    """Until the page that comes of it is there; it may look like the one before."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()


def upload(page: Page, file: FilePayload) -> None:
    page.get_by_label("New picture").set_input_files(file)
    press(page, "Upload")


def save(page: Page) -> None:
    press(page, "Save")
    expect(page.get_by_role("status")).to_have_text("Saved.")


def picture(page: Page) -> Locator:
    """The only one on the page, when it is there."""
    img = page.locator("img.picture")
    expect(img).to_have_js_property("complete", True)
    assert img.evaluate("img => img.naturalWidth") > 0
    return img


def shows(page: Page, color: tuple[int, int, int]) -> bool:
    pixel = picture(page).evaluate(PIXEL)
    return all(abs(one - other) < 40 for one, other in zip(pixel, color, strict=False))


def wall(page: Page) -> str:
    return page.evaluate("getComputedStyle(document.documentElement).backgroundColor")


def own_page(page: Page) -> str:
    """The address of the page about whoever looks at the settings."""
    href = page.get_by_role("link", name="Your page").get_attribute("href")
    assert href
    return href


def test_a_new_name_is_on_what_was_said_before(room: Room, page_errors: PageErrors) -> None:
    page_errors.allow("422")
    room.tab("bob")
    page = room.tab("ann")
    say(page, "hello")
    expect(page.locator(".author")).to_have_text(room.called("ann"))
    page.goto("/settings/")
    name = page.get_by_label("Your name")
    name.fill(room.called("BOB"))
    page.get_by_label("About you").fill("I keep bees.")
    press(page, "Save")
    expect(page.locator(".problem")).to_contain_text("Somebody is called that, or nearly.")
    expect(name).to_have_value(room.called("BOB"))
    expect(page.get_by_label("About you")).to_have_value("I keep bees.")
    name.fill(room.called("bea"))
    save(page)
    expect(name).to_have_value(room.called("bea"))
    with until_live(page):
        page.goto(room.path)
    expect(page.get_by_text(f"You are {room.called('bea')}")).to_be_visible()
    expect(page.locator(".author")).to_have_text(room.called("bea"))


def test_a_picture_is_seen_at_once_by_everybody(room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    ann.goto("/settings/")
    assert not shows(ann, RED)  # initials
    bob.goto(own_page(ann))
    expect(bob.get_by_role("heading")).to_have_text(room.called("ann"))
    assert not shows(bob, RED)
    for color in (RED, GREEN):
        upload(ann, picture_of(color))
        expect(ann.get_by_role("status")).to_have_text("Saved.")
        assert shows(ann, color)
        bob.reload()
        assert shows(bob, color)
    press(ann, "Remove")
    expect(ann.get_by_role("button", name="Remove")).to_have_count(0)
    assert not shows(ann, GREEN)


def test_what_is_no_picture_is_refused(room: Room, page_errors: PageErrors) -> None:
    page_errors.allow("422")
    page = room.tab("ann")
    page.goto("/settings/")
    upload(page, {"name": "me.png", "mimeType": "image/png", "buffer": b"<script>alert(1)</script>"})
    expect(page.locator(".problem")).to_contain_text("That is no picture")
    expect(page.get_by_label("New picture")).to_have_attribute("aria-invalid", "true")
    upload(page, picture_of(RED))
    expect(page.locator(".problem")).to_have_count(0)
    assert shows(page, RED)


def test_the_times_in_a_room_are_those_of_the_viewer(room: Room) -> None:
    page, bob = room.tab("ann"), room.tab("bob")
    say(page, "hello")
    with until_live(page):
        page.reload()
    time = page.locator(".head time")
    at = datetime.fromisoformat(time.get_attribute("datetime") or "")
    assert at.utcoffset() == timedelta(0)
    expect(time).to_have_text(f"{at:%H:%M}")
    page.goto("/settings/")
    page.get_by_label("Time zone").select_option(label="Kathmandu")
    save(page)
    with until_live(page):
        page.goto(room.path)
    expect(time).to_have_text(f"{at + timedelta(hours=5, minutes=45):%H:%M}")
    with until_live(bob):
        bob.reload()
    expect(bob.locator(".head time")).to_have_text(f"{at:%H:%M}")


def test_the_colours_are_those_the_viewer_chose(room: Room) -> None:
    page = room.tab("ann", color_scheme="light")
    assert wall(page) == LIGHT
    page.goto("/settings/")
    page.get_by_label("Colours").select_option("Dark")
    save(page)
    assert wall(page) == DARK
    page.get_by_label("Colours").select_option("Light")
    save(page)
    page.emulate_media(color_scheme="dark")
    assert wall(page) == LIGHT
    with until_live(page):
        page.goto(room.path)
    assert wall(page) == LIGHT
    page.goto("/settings/")
    page.get_by_label("Colours").select_option("As the system has it")
    save(page)
    assert wall(page) == DARK


def test_all_of_it_works_without_javascript(room: Room, new_page: Callable[..., Page]) -> None:
    bob = room.tab("bob")
    page = new_page(java_script_enabled=False, color_scheme="light")
    page.goto(room.path)
    page.get_by_label("Your name").fill(room.called("ann"))
    page.get_by_role("button", name="Join").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(room.name)
    page.goto("/settings/")
    page.get_by_label("Your name").fill(room.called("bea"))
    page.get_by_label("About you").fill("See https://a.example/")
    page.get_by_label("Time zone").select_option("Asia/Kathmandu")
    page.get_by_label("Colours").select_option("dark")
    save(page)
    upload(page, picture_of(RED))
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.get_by_role("button", name="Remove")).to_be_visible()
    screenshot = Image.open(BytesIO(page.screenshot())).convert("RGB")
    assert screenshot.getpixel((5, 400)) == (21, 23, 20)
    page.get_by_role("link", name="Your page").click()
    expect(page.get_by_role("heading")).to_have_text(room.called("bea"))
    expect(page.get_by_role("link", name="https://a.example/")).to_be_visible()
    expect(page.get_by_text(re.compile(r"\(Kathmandu\)"))).to_be_visible()
    bob.goto(page.url)
    assert shows(bob, RED)


def test_a_new_name_is_that_of_what_is_said_next_in_tabs_that_are_open(room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    settings = ann.context.new_page()
    settings.goto("/settings/")
    name = f"{room.called('ann')[:30]} Lee"
    settings.get_by_label("Your name").fill(name)
    save(settings)
    say(ann, "hello")
    for page in (ann, bob):
        expect(page.locator(".message .author")).to_have_text(name)
