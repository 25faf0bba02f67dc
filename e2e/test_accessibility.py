"""For whoever hears the page, uses no mouse, or has a small, a dark or a still screen."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from e2e.axe import WIDE, found, look
from e2e.conftest import Site
from e2e.pages import PageErrors, Room, until_live
from e2e.site import manage, say, send

LONG_WORD = "Donaudampfschifffahrtsgesellschaftskapitän" * 4


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


def refuse_a_message(page: Page) -> Locator:
    """Send one that is too long. Returns what is said of it."""
    page.locator("[name=body]").last.fill("x" * 5000)
    send(page)
    problem = page.locator(".send .problem")
    expect(problem).to_be_visible()
    expect(page.locator("[name=body]").last).to_be_focused()
    return problem


def lobby(room: Room, page: Page, server: Site) -> None:
    room.tab("bob")
    page.goto("/")


def lobby_with_errors(room: Room, page: Page, server: Site) -> None:
    room.tab("bob")
    page.goto("/")
    page.get_by_label("Your name").fill(room.called("bob"))
    page.get_by_role("button", name="Join").click()
    expect(page.locator(".problem")).to_have_count(2)


def name_page(room: Room, page: Page, server: Site) -> None:
    room.tab("bob")
    page.goto(room.path)
    page.get_by_role("button", name="Join").click()
    expect(page.locator(".problem")).to_have_count(1)


def not_found(room: Room, page: Page, server: Site) -> None:
    page.goto("/nowhere/")


def enter(room: Room, page: Page) -> None:
    page.goto("/")
    page.get_by_label("Room", exact=True).fill(room.name)
    page.get_by_label("Your name").fill(room.called("ann"))
    with until_live(page):
        page.get_by_role("button", name="Join").click()


def empty_room(room: Room, page: Page, server: Site) -> None:
    enter(room, page)


def lively_room(room: Room, page: Page, server: Site) -> None:
    bob = room.tab("bob")
    manage(server, "say", room.slug, "--as", room.called("cleo"), text="\n".join(map(str, range(60))))
    enter(room, page)
    for text in ("see https://a.example/", "مرحبا", LONG_WORD, "<b>"):
        say(page, text)
    expect(page.locator(".resend")).to_have_count(0)  # a message that is confirmed leads to the newest
    page.locator("#scroller").evaluate("scroller => { scroller.scrollTop = -400 }")
    expect(page.locator("#mark")).to_have_count(1)
    say(bob, "hello")
    expect(page.get_by_role("link", name="New messages")).to_be_visible()


def room_with_markup(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    said = [
        "**bold**, *leaning*, ~~gone~~, `code` and ||hidden [away](https://a.example/)|| :tada:",
        f"> a quote of {LONG_WORD}\n\n1. a list\n   - in it",
        f"```python\ndef f(x):  # {LONG_WORD}\n    return 'x'\n```",
        "\n".join(map(str, range(40))),
        ":tada:",
    ]
    code = "from rooms import changes; from rooms.models import Person, Room\n"
    code += f"for text in {said!r}: changes.post(Room.objects.get(slug={room.slug!r}), "
    code += f"Person.objects.get(username={room.called('ann')!r}), text)"
    manage(server, "shell", "-v", "0", "-c", code)
    page.reload()
    expect(page.locator(".emoji")).to_be_visible()


def help_with_writing(room: Room, page: Page, server: Site) -> None:
    page.goto("/help/writing/")


def room_with_a_refused_message(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    say(page, "hello")
    expect(page.locator(".message")).to_have_count(1)
    refuse_a_message(page)


def room_with_suggestions(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    for name in ("Bob", "Bob " + LONG_WORD[:20]):
        room.tab(name)
    page.keyboard.type("hi @bo")
    expect(page.locator(".offers button")).to_have_count(2)


def room_with_several_lines(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    page.keyboard.type(LONG_WORD)
    page.get_by_role("button", name="Several lines").click()
    expect(page.locator("textarea[name=body]")).to_be_focused()
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".preview .text")).to_be_visible()


def settings(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    page.goto("/settings/?saved=1")


def settings_with_errors(room: Room, page: Page, server: Site) -> None:
    settings(room, page, server)
    page.get_by_role("button", name="Upload").click()
    expect(page.locator(".problem")).to_have_count(1)
    page.get_by_label("Your name").fill("")
    page.get_by_label("About you").fill(LONG_WORD * 10)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".problem")).to_have_count(2)


def person(room: Room, page: Page, server: Site) -> None:
    settings(room, page, server)
    page.get_by_label("About you").fill(LONG_WORD + " https://a.example/")
    page.get_by_label("Time zone").select_option("America/Argentina/ComodRivadavia")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Your page").click()
    expect(page.get_by_text("Local time")).to_be_visible()


def about_the_room(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    room.tab("bob")
    page.get_by_role("link", name="About").click()
    page.get_by_label("Topic").fill("x" * 251)
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".problem")).to_have_count(1)


def somebody_in_it(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    room.tab("bob")
    page.get_by_role("link", name="About").click()
    page.get_by_role("link", name=f"Manage {room.called('bob')}").click()
    page.get_by_role("button", name="Ban").click()
    expect(page.locator(".problem")).to_have_count(1)


def bans(room: Room, page: Page, server: Site) -> None:
    somebody_in_it(room, page, server)
    page.locator("#ban-reason").fill(LONG_WORD)
    page.get_by_role("button", name="Ban").click()
    expect(page.locator(".rows")).to_contain_text(LONG_WORD)


def reports(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    say(page, LONG_WORD)
    bob = room.tab("bob")
    bob.locator(".message .at").click()
    bob.get_by_role("link", name="About this message").click()
    bob.get_by_label("What is wrong with it?").fill(LONG_WORD)
    bob.get_by_role("button", name="Report").click()
    page.goto("/reports/")
    expect(page.locator("article")).not_to_have_count(0)


def anothers_message(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    manage(server, "say", room.slug, LONG_WORD, "--as", room.called("bob"))
    page.locator(".message .at").click()
    page.get_by_role("link", name="About this message").click()
    page.get_by_role("button", name="Report").click()
    expect(page.locator(".problem")).to_have_count(1)


def writing_to_somebody(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    page.goto("/direct/")
    page.get_by_role("button", name="Write").click()
    expect(page.locator(".problem")).to_have_count(1)


def past(room: Room, page: Page, server: Site) -> str:
    """A room with a past of three pages; returns the name of who said it."""
    bob = room.tab("bob")
    say(bob, f"{LONG_WORD} {server.url}{room.path}messages/1/")
    manage(server, "say", room.slug, "--as", room.called("bob"), text="\n".join(map(str, range(120))))
    enter(room, page)
    return room.called("bob")


def history(room: Room, page: Page, server: Site) -> None:
    past(room, page, server)
    page.goto(f"{room.path}history/?before=100")


def day_of_history(room: Room, page: Page, server: Site) -> None:
    past(room, page, server)
    page.get_by_role("link", name="History").click()
    page.locator(".month a").click()
    expect(page.get_by_role("link", name="Later that day").first).to_be_visible()


def year_of_history(room: Room, page: Page, server: Site) -> None:
    day_of_history(room, page, server)
    page.locator(".years a").click()
    expect(page.locator("table")).to_have_count(12)


def room_at_a_message(room: Room, page: Page, server: Site) -> None:
    past(room, page, server)
    page.goto(f"{room.path}messages/1/")
    expect(page.locator("a.quote")).to_be_visible()


def search(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    manage(server, "say", room.slug, "--as", room.called("bob"), text=f"{LONG_WORD}\n{room.name}: مرحبا <b>")
    page.goto("/search/")
    page.get_by_text("More than words").click()
    page.get_by_role("searchbox").fill(f"{room.name} before:soon")
    expect(page.locator(".explained")).to_be_visible()
    expect(page.locator(".hit")).to_have_count(1)


def search_of_all(room: Room, page: Page, server: Site) -> None:
    search(room, page, server)
    page.goto(f"/search/?q=in:{room.slug} donau*&order=best")
    expect(page.locator("mark")).to_have_count(1)


def exports(room: Room, page: Page, server: Site) -> None:
    enter(room, page)
    code = """from django.utils import timezone; from rooms.models import Export, Person, Room
ann, room = Person.objects.get(username={ann!r}), Room.objects.get(slug={slug!r})
for state in ("ready", "failed"):
    Export.objects.create(person=ann, room=room, state=state, why="x", size=9, ended_at=timezone.now())
Export.objects.create(person=ann, room=room, state="running", done=30, total=90)"""
    code = code.format(ann=room.called("ann"), slug=room.slug)
    manage(server, "shell", "-v", "0", "-c", code)
    page.goto("/exports/")
    expect(page.locator(".export")).to_have_count(3)


def reacted_to(room: Room, page: Page) -> None:
    """A room with a message that was reacted to and answered."""
    enter(room, page)
    say(page, LONG_WORD)
    expect(page.locator(".message")).to_have_count(1)
    page.locator(".message").hover()
    page.locator(".more").click()
    page.get_by_label("React with thumbs up").click()
    expect(page.locator(".reaction")).to_have_count(1)
    page.locator(".message").hover()
    page.locator(".more").click()
    page.get_by_role("button", name="Reply").click()
    expect(page.locator(".answers")).to_have_count(1)


def menu_of_a_message(room: Room, page: Page, server: Site) -> None:
    reacted_to(room, page)
    say(page, "an answer")
    expect(page.locator(".answered")).to_have_count(1)
    page.locator(".message").first.hover()
    page.locator(".more").first.click()
    expect(page.locator("#menu .whose")).to_be_visible()


def editing_a_message(room: Room, page: Page, server: Site) -> None:
    reacted_to(room, page)
    page.locator(".message").hover()
    page.locator(".more").click()
    page.get_by_role("button", name="Edit").click()
    expect(page.locator("#sheet textarea")).to_be_focused()
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("group", name="Preview")).to_be_visible()


def reactions_and_saved(room: Room, page: Page, server: Site) -> None:
    reacted_to(room, page)
    page.locator(".message").hover()
    page.locator(".more").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#menu:popover-open")).to_have_count(0)
    page.goto(f"{room.path}messages/1/reactions/?q=heart")
    assert not found(page)
    page.goto("/saved/")


def threads(room: Room, page: Page, server: Site) -> None:
    reacted_to(room, page)
    page.goto(f"{room.path}messages/1/thread/")
    expect(page.get_by_role("heading", name="Thread")).to_be_visible()
    say(page, "an aside")
    expect(page.locator(".message")).to_have_count(2)
    assert not found(page)
    page.goto("/threads/")


PAGES = [
    menu_of_a_message, editing_a_message, reactions_and_saved, threads,
    history, day_of_history, year_of_history, room_at_a_message,
    about_the_room, exports, somebody_in_it, bans, reports, anothers_message, writing_to_somebody,
    lobby, lobby_with_errors, name_page, not_found, empty_room, lively_room, room_with_a_refused_message,
    room_with_suggestions, room_with_several_lines,
    room_with_markup, help_with_writing,
    settings, settings_with_errors, person, search, search_of_all,
]  # fmt: skip


@pytest.mark.parametrize("visit", PAGES)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(
    visit: Callable[[Room, Page, Site], None],
    room: Room,
    server: Site,
    new_page: Callable[..., Page],
    page_errors: PageErrors,
) -> None:
    page_errors.allow("422", "404")
    page = new_page(viewport=WIDE, reduced_motion="reduce")  # colours change at once
    visit(room, page, server)
    look(page)


# What is heard -------------------------------------------------------------------------


def test_the_messages_are_a_log_and_the_parts_of_the_page_have_names(room: Room) -> None:
    page = room.tab("ann")
    log = page.get_by_role("log", name="Messages")
    say(page, "hello")
    expect(log.get_by_role("listitem").last).to_contain_text("hello")
    expect(page.get_by_role("navigation", name="Rooms")).to_be_visible()
    expect(page.get_by_role("main")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_have_text(room.name)
    expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    expect(page.locator("html")).to_have_attribute("lang", "en-gb")
    expect(refuse_a_message(page)).to_have_role("alert")


def test_who_spoke_is_heard_even_where_it_is_not_drawn(room: Room) -> None:
    page = room.tab("ann")
    say(page, "one")
    say(page, "two")
    expect(page.locator(".message.grouped")).to_have_count(1)
    heard = page.get_by_role("log").aria_snapshot()
    assert heard.count(room.called("ann")) == 2


# The keyboard --------------------------------------------------------------------------


def tab_to(page: Page, target: Locator, key: str = "Tab") -> None:
    """Press `key` until `target` has the focus; whatever gets it on the way shows that it has it."""
    for _ in range(20):
        page.keyboard.press(key)
        stop = page.evaluate_handle("document.activeElement")
        if stop.evaluate("e => e !== document.body"):
            # The message field's ring is drawn by what is around it.
            ring = stop.evaluate("e => getComputedStyle(e.closest('.field:has(input:focus)') ?? e)")
            assert ring["outlineStyle"] == "solid", stop.evaluate("e => e.outerHTML")
            assert float(ring["outlineWidth"].removesuffix("px")) >= 2
            if target.evaluate("(e, stop) => e === stop", stop):
                return
    raise AssertionError(f"{target} cannot be reached with {key}")


def test_from_the_lobby_to_a_message(room: Room, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto("/")
    tab_to(page, page.get_by_label("Room", exact=True))
    page.keyboard.type(room.name)
    tab_to(page, page.get_by_label("Your name"))
    page.keyboard.type(room.called("ann"))
    with until_live(page):
        page.keyboard.press("Enter")
    say(page, "one")
    say(page, "two")
    expect(page.locator(".message")).to_have_count(2)
    page.keyboard.type("three")
    tab_to(page, page.get_by_role("button", name="Send"))
    page.keyboard.press("Enter")
    expect(page.locator(".message")).to_have_count(3)
    say(page, "four")
    expect(page.locator(".message")).to_have_count(4)


def test_everything_can_be_reached_and_left(room: Room) -> None:
    page = room.tab("ann")
    say(page, "see https://a.example/")
    link = page.get_by_role("link", name="https://a.example/")
    field = page.get_by_role("textbox", name="Message")
    stops = [
        page.get_by_role("link", name="Skip to the message field"),
        page.get_by_role("link", name="Parlor"),
        page.get_by_role("navigation").get_by_role("link", name=room.name),
        page.get_by_role("log"),
        link,
        field,
        page.get_by_role("button", name="Send"),
    ]
    expect(link).to_be_visible()
    for stop in stops:
        tab_to(page, stop)
    for stop in reversed(stops[:-1]):
        tab_to(page, stop, "Shift+Tab")


def test_the_way_past_the_rooms_and_the_messages(room: Room) -> None:
    page = room.tab("ann")
    say(page, "see https://a.example/")
    skip = page.get_by_role("link", name="Skip to the message field")
    hidden = "e => getComputedStyle(e).clipPath"
    assert skip.evaluate(hidden) == "inset(50%)"
    tab_to(page, skip)
    assert skip.evaluate(hidden) == "none"
    expect(skip).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    say(page, "here")
    expect(page.locator(".message").last).to_contain_text("here")


def test_the_messages_scroll_by_keys(room: Room, server: Site) -> None:
    room.tab("bob")
    manage(server, "say", room.slug, "--as", room.called("bob"), text="\n".join(map(str, range(40))))
    page = room.tab("ann")
    first, last = page.locator(".message").first, page.locator(".message").last
    tab_to(page, page.get_by_role("link", name="Skip to the messages"))
    page.keyboard.press("Enter")
    expect(first).not_to_be_in_viewport()
    page.keyboard.press("Home")
    expect(first).to_be_in_viewport()
    expect(last).not_to_be_in_viewport()
    tab_to(page, page.get_by_role("link", name="Newest messages"))
    page.keyboard.press("Enter")
    expect(last).to_be_in_viewport()


def test_a_refused_message_is_discarded_and_the_field_is_next(room: Room) -> None:
    page = room.tab("ann")
    problem = refuse_a_message(page)
    tab_to(page, problem.get_by_role("button", name="Discard"), "Shift+Tab")
    page.keyboard.press("Enter")
    expect(problem).to_have_count(0)
    tab_to(page, page.get_by_role("textbox", name="Message"))
    say(page, "go on")
    expect(page.locator(".message")).to_have_count(1)


# What moves ----------------------------------------------------------------------------


def test_nothing_on_the_page_shifts(room: Room, server: Site, new_page: Callable[..., Page]) -> None:
    """Neither when it connects, nor when a message arrives, short or long."""
    bob = room.tab("bob")
    manage(server, "say", room.slug, "--as", room.called("bob"), text="\n".join(map(str, range(40))))
    page = new_page()
    page.add_init_script(
        """window.shifts = [];
        new PerformanceObserver(list => shifts.push(...list.getEntries().map(shift => shift.value)))
            .observe({type: 'layout-shift', buffered: true});"""
    )
    enter(room, page)
    fixed = [page.locator(part) for part in (".room-head", "#scroller", "#composer .field")]
    before = [part.bounding_box() for part in fixed]
    for count, text in enumerate(["short", LONG_WORD, "short"], start=41):
        say(bob, text)
        expect(page.locator(".message")).to_have_count(count)
    assert [part.bounding_box() for part in fixed] == before
    assert sum(page.evaluate("shifts")) < 0.001


def test_who_wants_no_motion_sees_none(room: Room) -> None:
    """What fades or grows would; what only waits does not move."""
    page = room.tab("ann", reduced_motion="reduce")
    say(page, "see https://a.example/")
    link = page.get_by_role("navigation").get_by_role("link", name=room.name)
    for element in (link, page.get_by_role("button", name="Send")):
        assert element.evaluate("e => getComputedStyle(e).transitionProperty") == "none"
    assert page.locator("#scroller").evaluate("e => getComputedStyle(e).scrollBehavior") == "auto"
