"""Taking a room along, and not keeping it for ever."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Page, expect

from e2e.axe import found
from e2e.conftest import Site
from e2e.pages import PageErrors, Room, follow, wait_until
from e2e.site import manage, say, shown, stored

MADE = 60_000  # ms


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


def run(server: Site, code: str) -> None:
    """Do something with the site's models."""
    manage(server, "shell", "-v", "0", "-c", f"from rooms.models import *; {code}")


def settle(server: Site, page: Page, room: Room) -> Page:
    """Whose page it is has an account from now on, and is on the page about the room."""
    run(server, f"Person.objects.filter(username={room.called('ann')!r}).update(is_guest=False)")
    page.goto(f"{room.path}about/")
    return page


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def load(server: Site, name: str, *lines: tuple[datetime, str, str]) -> None:
    text = "".join(
        json.dumps({"at": at.isoformat(), "author": by, "body": body}) + "\n" for at, by, body in lines
    )
    manage(server, "load_history", name, "-", text=text)


def history(count: int) -> list[tuple[datetime, str, str]]:
    start = datetime(2020, 6, 2, 12, tzinfo=UTC)
    return [(start + timedelta(minutes=7 * n), "abc"[n % 3], f"message {n}") for n in range(count)]


def downloaded(page: Page, folder: Path) -> Path:
    """What the only link on the page of exports leads to, unpacked."""
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    with ZipFile(download.value.path()) as zipped:
        zipped.extractall(folder)
    return folder


def test_a_room_is_taken_along(
    room: Room, server: Site, new_page: Callable[..., Page], tmp_path: Path, page_errors: PageErrors
) -> None:
    page_errors.allow("no strict policy: '' (file://")  # its policy is in the file
    ann = room.tab("ann")
    load(server, room.name, *history(1100))
    for text in ("<script>alert(1)</script>", "see https://a.example/?x=1&y=2", "مرحبا\nyes"):
        say(ann, text)
    settle(server, ann, room)
    press(ann, "Export")
    expect(ann.get_by_role("progressbar")).to_be_visible()
    expect(ann.get_by_role("link", name="Download")).to_be_visible(timeout=MADE)  # on the page as it is
    expect(ann.get_by_role("progressbar")).to_have_count(0)
    files = downloaded(ann, tmp_path)

    # It reads well from disk, with nobody to serve it and on any screen.
    reader = new_page(offline=True, reduced_motion="reduce")
    reader.goto((files / "index.html").as_uri())
    expect(reader.get_by_role("heading", level=1)).to_have_text(room.name)
    reader.locator("main li a").first.click()
    expect(reader.locator(".message")).to_have_count(500)
    assert reader.locator(".message").first.evaluate("e => getComputedStyle(e).display") == "grid"
    read = [text for _, _, text in shown(reader)]
    while reader.get_by_role("link", name="Later").count():
        follow(reader.get_by_role("link", name="Later").first)
        read += [text for _, _, text in shown(reader)]
    assert read == [row["body"] for row in stored(server, room.slug)]
    for address in (reader.url, (files / "index.html").as_uri()):
        reader.goto(address)
        for scheme in ("light", "dark"):
            reader.emulate_media(color_scheme=scheme)
            assert not found(reader, preload=False)  # its page may fetch nothing
        reader.set_viewport_size({"width": 320, "height": 640})
        assert reader.locator("html").evaluate("e => e.scrollWidth - e.clientWidth") == 0

    # And it is loaded again as the same room.
    manage(server, "load_history", f"{room.name} again", str(files / "messages.jsonl"))
    again = stored(server, f"{room.slug}-again")
    assert [(row["author__username"], row["body"]) for row in again] == [
        (row["author__username"], row["body"]) for row in stored(server, room.slug)
    ]


def test_who_still_looks_sees_it_finished_whatever_dies(
    own_server: Site, tab: Callable[..., Page], page_errors: PageErrors
) -> None:
    page_errors.allow_outage()
    room = Room(tab)
    ann = room.tab("ann")
    load(own_server, room.name, *history(12_000))
    settle(own_server, ann, room)
    press(ann, "Export")
    expect(ann.locator("progress[value]:not([value='0'])")).to_be_visible(timeout=MADE)
    [worker] = own_server.workers
    worker.kill()
    own_server.kill()
    own_server.start()
    expect(ann.get_by_role("link", name="Download")).to_be_visible(timeout=MADE)
    assert worker.pid not in [process.pid for process in own_server.workers]


def test_without_javascript_the_page_looks_again_by_itself(
    room: Room, server: Site, new_page: Callable[..., Page]
) -> None:
    page = new_page(java_script_enabled=False)
    page.goto("/")
    page.get_by_label("Room", exact=True).fill(room.name)
    page.get_by_label("Your name").fill(room.called("ann"))
    press(page, "Join")
    settle(server, page, room)
    press(page, "Export")
    expect(page.get_by_role("link", name="Download")).to_be_visible(timeout=MADE)
    press(page, f"Delete the export of {room.name}")
    expect(page.get_by_text("There is none")).to_be_visible()


def test_what_is_not_kept_goes_from_open_tabs(room: Room, server: Site) -> None:
    ann = room.tab("ann")
    say(ann, "hello")
    now = datetime.now(UTC)
    load(server, room.name, *[(now - timedelta(days=40 - n), "bob", f"old {n}") for n in range(3)])
    bob = room.tab("bob")
    expect(ann.locator(".message")).to_have_count(4)
    expect(bob.locator(".message")).to_have_count(4)
    owner = ann.context.new_page()
    owner.goto(f"{room.path}about/")
    owner.get_by_label("Keep messages for so many days").fill("30")
    owner.get_by_label("Delete what is older, for good").check()
    owner.locator("form", has=owner.locator("#keep-days")).get_by_role("button").click()
    expect(owner.get_by_role("definition").filter(has_text="30 days")).to_be_visible()
    manage(server, "retain", room.slug)
    for page in (ann, bob):
        expect(page.locator(".message")).to_have_count(1)
        assert [text for _, _, text in shown(page)] == ["hello"]
    say(bob, "still here")
    expect(ann.locator(".message")).to_have_count(2)
    ann.reload()
    expect(ann.locator(".message")).to_have_count(2)


def test_a_secret_link_is_made_and_revoked(room: Room, server: Site, new_page: Callable[..., Page]) -> None:
    ann = room.tab("ann")
    say(ann, "hello")
    ann.goto(f"{room.path}about/")
    press(ann, "Make a feed link")
    link = re.sub(r"^https?://[^/]+", "", ann.locator("code.link").inner_text())
    request = new_page().request  # of somebody without a session
    answer = request.get(link)
    assert answer.ok and "hello" in answer.text()
    press(ann, "Revoke the link")
    wait_until(ann, lambda: ann.locator("code.link").count() == 0)
    assert request.get(link).status == 404
