"""Files in messages, as people send, see and hear them."""

import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import FilePayload, Locator, Page, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, Room, until_live
from e2e.site import say

MADE = 30_000  # ms


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/x-whatever", "buffer": content}


def picture(name: str = "lake.png", size: tuple[int, int] = (900, 600)) -> FilePayload:
    content = BytesIO()
    Image.new("RGB", size, "teal").save(content, "PNG")
    return file(name, content.getvalue())


def sound() -> FilePayload:
    content = BytesIO()
    with wave.open(content, "wb") as samples:
        samples.setparams((1, 2, 8000, 0, "NONE", ""))
        samples.writeframes(bytes(16000))
    return file("birds.wav", content.getvalue())


def choose(page: Page, *chosen: FilePayload) -> None:
    """Have the form of files open, and these in it."""
    if not page.locator("#files").is_visible():
        page.get_by_role("button", name="Attach files").click()
    before = page.locator("#added li").count()
    page.locator("#files").set_input_files(list(chosen))
    expect(page.locator("#added li")).to_have_count(before + len(chosen))


def send(page: Page) -> None:
    page.locator("#attach-form").get_by_role("button", name="Send").click()
    expect(page.locator("#attach-form")).to_have_count(0)
    expect(page.locator("#attach")).to_be_hidden()


def is_there(image: Locator) -> bool:
    """Whether it has come, when it has."""
    expect(image).to_be_visible(timeout=MADE)
    expect(image).to_have_js_property("complete", True)
    return image.evaluate("img => img.naturalWidth") > 0


@contextmanager
def nothing_made(site: Site) -> Iterator[None]:
    """Within, the worker stands still."""
    (worker,) = site.workers
    worker.suspend()
    try:
        yield
    finally:
        worker.resume()


def test_pictures_are_seen_live_by_everybody(room: Room, server: Site) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    pages = (ann, bob)
    boxes = []
    with nothing_made(server):
        choose(ann, picture())
        ann.get_by_label("Caption of lake.png").fill("The lake & <b>us</b>")
        ann.locator("#with-files").fill("From Sunday:")
        send(ann)
        for page in pages:
            expect(page.locator(".text")).to_have_text("From Sunday:")
            expect(page.locator("figcaption")).to_have_text("The lake & <b>us</b>")
            boxes.append(page.locator(".file svg").bounding_box())
    for page, box in zip(pages, boxes, strict=True):
        image = page.locator(".file button img")
        assert is_there(image)  # on the page as it is
        now = image.bounding_box()
        assert now and box and (now["width"], now["height"]) == (box["width"], box["height"]) == (360, 240)
        expect(page.locator(".file svg")).to_have_count(0)
        with until_live(page):
            page.reload()
        assert is_there(image)
    bob.get_by_role("button", name="The lake & <b>us</b>").click()
    assert is_there(bob.locator(".large img"))
    assert bob.locator(".large img").evaluate("img => img.naturalWidth") == 900
    bob.keyboard.press("Escape")
    expect(bob.locator(".large")).to_be_hidden()
    bob.get_by_role("link", name="History").click()
    assert is_there(bob.locator(".file button img"))


def test_what_is_played_and_what_is_taken_along(room: Room, new_page: Callable[..., Page]) -> None:
    page = room.tab("ann")
    choose(page, sound(), file("Notes <of> the walk.html", b"<script>alert(1)</script>"))
    send(page)
    audio = page.locator("audio")
    expect(audio).to_be_visible()
    audio.evaluate("audio => audio.load()")
    audio.evaluate("audio => { audio.preload = 'auto' }")
    expect(audio).to_have_js_property("duration", 1)
    audio.evaluate("audio => { audio.currentTime = .5 }")
    expect(audio).to_have_js_property("currentTime", 0.5)
    with page.expect_download() as download:
        page.get_by_role("link", name="Notes <of> the walk.html").click()
    assert download.value.suggested_filename.startswith("Notes")
    assert Path(download.value.path()).read_bytes() == b"<script>alert(1)</script>"


def test_files_are_dropped_on_the_form(room: Room, tmp_path: Path) -> None:
    (tmp_path / "plan.pdf").write_bytes(b"%PDF-1.4")
    page = room.tab("ann")
    page.get_by_role("button", name="Attach files").click()
    for corner in (0.05, 0.95):
        expect(page.locator("#picker .hint")).to_be_visible()
        box = page.locator("#picker").bounding_box()
        assert box
        data = {"items": [], "files": [str(tmp_path / "plan.pdf")], "dragOperationsMask": 1}
        devtools = page.context.new_cdp_session(page)
        before = page.locator("#added li").count()
        for step in ("dragEnter", "dragOver", "drop"):
            at = {"x": box["x"] + corner * box["width"], "y": box["y"] + corner * box["height"]}
            devtools.send("Input.dispatchDragEvent", {"type": step, "data": data} | at)
        expect(page.locator("#added li")).to_have_count(before + 1)
    page.get_by_role("button", name="Remove plan.pdf").first.click()
    expect(page.locator("#added li")).to_have_count(1)
    send(page)
    expect(page.locator(".file.other")).to_have_count(1)


def test_what_is_wrong_is_told_in_place_and_nothing_typed_is_lost(
    room: Room, page_errors: PageErrors
) -> None:
    page_errors.allow("422")
    page = room.tab("ann")
    say(page, "hello")
    choose(page, file("a.txt", b"tea"))
    page.get_by_label("Caption of a.txt").fill("Assam")
    page.locator("#with-files").fill("x" * 4001)
    page.locator("#files").set_input_files([file("b.txt", b"")])
    expect(page.locator("#picker .problem")).to_have_text("“b.txt” is empty.")
    page.locator("#attach-form").get_by_role("button", name="Send").click()
    expect(page.locator("#picker .problem")).to_contain_text("4,000 is the most")
    expect(page.get_by_label("Caption of a.txt")).to_have_value("Assam")
    page.locator("#with-files").fill("tea?")
    send(page)
    expect(page.locator(".message").last).to_contain_text("Assam")
    expect(page.locator(".message")).to_have_count(2)
    choose(page, file("c.txt", b"cake"))  # the form is a new one
    send(page)
    expect(page.locator(".message")).to_have_count(3)


def test_without_javascript(room: Room, new_page: Callable[..., Page]) -> None:
    bob = room.tab("bob")
    page = new_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_label("Room", exact=True).fill(room.name)
    page.get_by_label("Your name").fill(room.called("ann"))
    page.get_by_role("button", name="Join").click()
    page.get_by_role("button", name="Attach files").click()
    page.get_by_role("link", name="A message with files").click()
    page.get_by_label("Choose or drop files").set_input_files([picture(), file("a.txt", b"tea")])
    page.get_by_role("button", name="Add captions").click()
    page.get_by_label("Caption of lake.png").fill("Blue")
    page.get_by_role("button", name="Remove a.txt").click()
    expect(page.get_by_label("Caption of lake.png")).to_have_value("Blue")
    page.get_by_label("Caption of lake.png").press("Enter")
    page.wait_for_url(f"**{room.path}")
    for seen in (page, bob):
        expect(seen.locator("figcaption")).to_have_text("Blue")
    assert is_there(bob.locator(".file button img"))
    page.reload()
    assert is_there(page.locator(".file button img"))
    page.get_by_role("button", name="Blue").click()
    assert is_there(page.locator(".large img"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_them(room: Room, scheme: str) -> None:
    page = room.tab(
        "ann", viewport={"width": 390, "height": 844}, color_scheme=scheme, reduced_motion="reduce"
    )
    page.get_by_role("button", name="Attach files").click()
    expect(page.locator("#files")).to_be_visible()
    choose(page, picture("wide.png", (3000, 300)), sound(), file(f"{'Donaudampfschiff' * 6}.pdf", b"%PDF"))
    page.get_by_label("Caption of wide.png").fill("Rindfleischetikettierung" * 4)
    assert violations(page) == []
    send(page)
    assert is_there(page.locator(".file button img"))
    assert violations(page) == []
    page.get_by_role("button", name="Rindfleisch").click()
    assert is_there(page.locator(".large img"))
    assert violations(page) == []
    page.goto(f"{room.path}attach/")
    assert violations(page) == []


def violations(page: Page) -> list[str]:
    """What axe finds, and whether the page is wider than the screen."""
    found = [f"{one['id']}: {one['nodes']}" for one in Axe().run(page).response["violations"]]
    width = page.evaluate(
        """Math.max(...[...document.querySelectorAll('.files, #attach, form, figure')]
            .map(part => part.getBoundingClientRect().right))"""
    )
    return found + ([f"{width} px wide"] if width > 390 else [])
