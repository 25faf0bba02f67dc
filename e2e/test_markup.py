"""Messages in Markdown, as they are seen."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from e2e.conftest import Site
from e2e.pages import Room
from e2e.site import manage, say


def test_it_looks_as_it_is_meant_to_everybody(tab: Callable[..., Page]) -> None:
    room = Room(tab)
    ann, bob = room.tab("ann"), room.tab("bob")
    say(ann, "**bold** `code` <b> #nowhere")
    for page in (ann, bob):
        expect(page.locator(".text strong")).to_have_text("bold")
        expect(page.locator(".text code")).to_have_text("code")
        expect(page.locator(".text")).to_have_text("bold code <b> #nowhere")


def test_a_spoiler_is_seen_by_who_points_at_it_or_comes_to_it_by_keys(tab: Callable[..., Page]) -> None:
    room = Room(tab)
    page = room.tab("ann", reduced_motion="reduce")
    say(page, "the end: ||*she* wins||")
    spoiler = page.locator(".spoiler")
    colours = "e => [e, e.firstChild].map(one => getComputedStyle(one).color)"
    hidden = ["rgba(0, 0, 0, 0)"] * 2
    page.mouse.move(0, 0)
    assert spoiler.evaluate(colours) == hidden
    spoiler.hover()
    assert hidden[0] not in spoiler.evaluate(colours)
    page.mouse.move(0, 0)
    spoiler.focus()
    assert hidden[0] not in spoiler.evaluate(colours)
    assert "she wins" in page.get_by_role("log").inner_text()


def test_what_is_long_unfolds_without_a_script(
    tab: Callable[..., Page], server: Site, new_page: Callable[..., Page]
) -> None:
    room = Room(tab)
    page = room.tab("ann")
    code = "from rooms import changes; from rooms.models import Person, Room\n"
    code += f"changes.post(Room.objects.get(slug={room.slug!r}), "
    code += f"Person.objects.get(username={room.called('ann')!r}), '\\n'.join(map(str, range(60))))"
    manage(server, "shell", "-v", "0", "-c", code)
    long = page.locator(".long > div")
    expect(long).to_be_visible()
    before = long.evaluate("e => e.offsetHeight")
    page.get_by_text("Show all 60 lines").click()
    assert long.evaluate("e => e.offsetHeight") > 2 * before
    page.get_by_text("Show less").click()
    assert long.evaluate("e => e.offsetHeight") == before
