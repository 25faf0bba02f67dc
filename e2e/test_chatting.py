"""Talking: what people see, write, and scroll through."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import FloatRect, Locator, Page, Route, expect

from e2e.conftest import Site
from e2e.pages import Room, join, until_live, wait_until
from e2e.site import expect_shows_all, manage, say, send, shown

HOSTILE = [
    "<img src=x onerror=\"document.title='gone'\">",
    "<script>document.title='gone'</script>",
    "</p></li></ol><h1>out</h1>",
    '<hx-partial hx-target="#room" hx-swap="delete"></hx-partial>',
    "&lt;b&gt; &amp; {{ 7 }} {% now %}",
    "http://a.example/\"onmouseover=\"document.title='gone'",
    "javascript:alert(1)",
]


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


def texts(page: Page) -> list[str]:
    return [text for _, _, text in shown(page)]


def field(page: Page) -> Locator:
    """Where the next message is written."""
    return page.locator(".send [name=body]").last


def refused(page: Page) -> Locator:
    """The form of the message that was not taken."""
    return page.locator(".send:has(.problem)")


def expect_messages(page: Page, count: int) -> None:
    expect(page.locator(".message")).to_have_count(count)


def say_lines(server: Site, room: Room, count: int, name: str = "cleo") -> list[str]:
    """Say `count` lines in the room at once, from outside."""
    lines = [f"line {n} of {count}" for n in range(1, count + 1)]
    manage(server, "say", room.slug, "--as", room.called(name), text="\n".join(lines))
    return lines


def box(locator: Locator) -> FloatRect:
    box = locator.bounding_box()
    assert box
    return box


def scroll_up(page: Page, far: bool = False) -> None:
    """A little way up, or as far as it goes."""
    top = "-scroller.scrollHeight" if far else "-300"
    page.locator("#scroller").evaluate(f"scroller => {{ scroller.scrollTop = {top} }}")


# Messages ------------------------------------------------------------------------------


def test_everybody_sees_each_message_at_once(room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    say(ann, "good morning")
    expect(bob.locator(".message")).to_contain_text("good morning")
    say(bob, "good morning, ann")
    for page in (ann, bob):
        expect_messages(page, 2)
        assert shown(page) == [
            (1, room.called("ann"), "good morning"),
            (2, room.called("bob"), "good morning, ann"),
        ]
        times = page.locator(".head time")
        for time in times.all():
            at = time.get_attribute("datetime")
            assert at
            expect(time).to_have_text(at[11:16])


def test_what_looks_like_html_is_text(tab: Callable[..., Page]) -> None:
    """Nothing of it runs either: the page's errors would tell."""
    ann = tab("<u>Eve</u> &amp; co", "<s>cellar</s>")
    bob = tab("</title><script>bob", "<s>cellar</s>")
    for text in HOSTILE:
        say(ann, text)
    for page in (ann, bob):
        expect_messages(page, len(HOSTILE))
        assert texts(page) == HOSTILE
        assert shown(page)[0][1] == "<u>Eve</u> &amp; co"
    with until_live(bob):
        bob.reload()
    assert texts(bob) == HOSTILE
    for page in (ann, bob):
        assert page.locator("#messages :is(img, script, b, h1, hx-partial, u)").count() == 0
        assert page.locator("#messages [onmouseover], [href^=javascript]").count() == 0
        expect(page).to_have_title("<s>cellar</s> – Parlor")


def test_an_address_is_a_link_that_opens_beside_the_chat(room: Room) -> None:
    page = room.tab()
    page.context.route("https://a.example/**", lambda route: route.fulfill(body="somewhere else"))
    say(page, "see https://a.example/b?c=1&d=2, please")
    link = page.get_by_role("link", name="https://a.example/b?c=1&d=2", exact=True)
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    with page.context.expect_page() as opened:
        link.click()
    assert opened.value.url == "https://a.example/b?c=1&d=2"
    assert opened.value.evaluate("window.opener") is None
    assert page.url.endswith(room.path)


def test_what_one_author_says_in_a_row_stands_together(room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    for page, text in ((ann, "one"), (ann, "two"), (bob, "three"), (ann, "four")):
        say(page, text)
        expect(ann.locator(".message").last).to_contain_text(text)
    for page in (ann, bob):
        expect_messages(page, 4)
        messages = page.locator(".message")
        assert ["grouped" in (m.get_attribute("class") or "") for m in messages.all()] == [
            False, True, False, False,
        ]  # fmt: skip
        assert [box(author)["width"] > 1 for author in page.locator(".author").all()] == [
            True, False, True, True,
        ]  # fmt: skip
        assert box(messages.nth(1))["height"] < box(messages.nth(2))["height"]


def test_a_line_for_each_day(room: Room, server: Site) -> None:
    said = [
        ("2020-02-03T22:59:00Z", "one"),
        ("2020-02-03T23:59:00Z", "two"),
        ("2020-02-04T00:01:00Z", "three"),
    ]
    lines = [json.dumps({"at": at, "author": room.called("cleo"), "body": body}) for at, body in said]
    manage(server, "load_history", room.name, "-", text="\n".join(lines))
    page = room.tab()
    expect(page.locator(".day")).to_have_text(["Monday, 3 February 2020", "Tuesday, 4 February 2020"])
    say(page, "four")
    expect(page.locator(".day")).to_have_count(3)
    for day, first in zip(page.locator(".day").all(), ["one", "three", "four"], strict=True):
        assert box(day)["y"] < box(page.get_by_text(first, exact=True))["y"]


def test_my_own_messages_look_different_to_me_alone(room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    say(ann, "from ann")
    expect_messages(bob, 1)
    say(bob, "from bob")
    expect_messages(ann, 2)
    with until_live(ann):
        ann.reload()  # what came live is as what the page holds
    html, grounds = {}, {}
    for page in (ann, bob):
        expect_messages(page, 2)
        html[page] = page.locator(".message").evaluate_all("all => all.map(one => one.outerHTML)")
        grounds[page] = page.locator(".text").evaluate_all(
            "all => all.map(one => getComputedStyle(one).backgroundColor)"
        )
    assert html[ann] == html[bob]
    mine, other = grounds[ann]
    assert mine != other
    assert grounds[bob] == [other, mine]


def test_what_a_command_says_is_there_at_once(room: Room, server: Site) -> None:
    page = room.tab()
    manage(server, "say", room.slug, "The kettle is on.", "--as", room.called("cleo"))
    expect(page.locator(".message")).to_contain_text("The kettle is on.")
    assert shown(page) == [(1, room.called("cleo"), "The kettle is on.")]


def test_very_many_messages_at_once(room: Room, server: Site) -> None:
    page = room.tab()
    lines = say_lines(server, room, 200)
    expect_messages(page, 200)
    assert texts(page) == lines


def test_a_reload_shows_the_same(room: Room) -> None:
    page = room.tab()
    for text in ("one", "two", "three"):
        say(page, text)
    expect_messages(page, 3)
    before = shown(page)
    with until_live(page):
        page.reload()
    assert shown(page) == before
    assert texts(page) == ["one", "two", "three"]


def test_every_part_of_the_page_is_there(room: Room, new_page: Callable[..., Page]) -> None:
    room.tab("ann")
    page = new_page()
    answers: dict[str, int] = {}
    page.on("response", lambda answer: answers.update({answer.url: answer.status}))
    page.goto(room.path)
    page.get_by_label("Your name").fill(room.called("bob"))
    with until_live(page):
        page.get_by_role("button", name="Join").click()
    assert {status for status in answers.values() if status >= 400} == set()
    for part in ("/me.css", "/css/room.", "hx-ws.min", "/field/", "/connection/"):
        wait_until(page, lambda part=part: any(part in url for url in answers))  # type: ignore[misc]


# Writing -------------------------------------------------------------------------------


def test_enter_sends_clears_the_field_and_keeps_the_focus(room: Room) -> None:
    page = room.tab()
    expect(field(page)).to_be_focused()
    page.keyboard.type("one")
    page.keyboard.press("Enter")
    expect_messages(page, 1)
    expect(field(page)).to_be_focused()
    expect(field(page)).to_have_value("")
    say(page, "two")
    expect_messages(page, 2)


def test_typing_on_without_a_pause(room: Room, server: Site) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    lines = [f"{n} ok" for n in range(30)]
    ann.keyboard.type("".join(f"{line}\n" for line in lines), delay=20)
    for page in (ann, bob):
        expect_messages(page, 30)
        assert texts(page) == lines
        expect_shows_all(page, server, room.slug)
    expect(ann.locator(".send:has(.resend)")).to_have_count(0)
    expect(field(ann)).to_have_value("")


def test_what_is_typed_before_the_next_field_is_there_leads_the_next_message(room: Room) -> None:
    page = room.tab()
    held: list[Route] = []
    page.route("**/field/?*", lambda route: held.append(route), times=1)
    page.keyboard.type("one")
    page.keyboard.press("Enter")
    wait_until(page, lambda: bool(held))
    page.keyboard.type("<b> two")
    held.pop().continue_()
    expect(page.locator(".lead")).to_have_text("<b> two")
    expect(field(page)).to_be_focused()
    expect(field(page)).to_have_value("")
    say(page, " three")
    expect_messages(page, 2)
    assert texts(page) == ["one", "<b> two three"]
    expect(page.locator(".lead")).to_have_count(0)


def test_what_is_sent_before_the_next_field_is_there_is_a_message(room: Room) -> None:
    page = room.tab()
    held: list[Route] = []
    page.route("**/field/?*", lambda route: held.append(route), times=1)
    for text in ("one", " two", " three"):
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    expect_messages(page, 3)
    wait_until(page, lambda: bool(held))
    held.pop().continue_()
    expect(field(page)).to_have_value("")
    say(page, "four")
    expect_messages(page, 4)
    assert texts(page) == ["one", "two", "three", "four"]


def test_the_send_button(room: Room) -> None:
    page = room.tab()
    for count, text in enumerate(["one", "two"], start=1):
        page.keyboard.type(text)
        page.get_by_role("button", name="Send").click()
        expect_messages(page, count)
        expect(field(page)).to_be_focused()
        expect(field(page)).to_have_value("")
    assert texts(page) == ["one", "two"]


def test_a_message_that_is_too_long_comes_back_and_can_be_shortened(room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    too_long = "so " * 1666 + "on"
    field(ann).fill(too_long)
    send(ann)
    expect(refused(ann).get_by_role("alert")).to_contain_text(
        "It is 5,000 characters long; 4,000 is the most."
    )
    expect(refused(ann).get_by_label("Message")).to_have_value(too_long)

    expect(field(ann)).to_be_focused()
    say(ann, "meanwhile")
    expect_messages(bob, 1)
    expect(refused(ann).get_by_label("Message")).to_have_value(too_long)

    refused(ann).get_by_label("Message").fill("in short")
    refused(ann).get_by_role("button", name="Send").click()
    expect_messages(bob, 2)
    assert texts(bob) == ["meanwhile", "in short"]
    expect(refused(ann)).to_have_count(0)
    expect(ann.locator(".field:visible")).to_have_count(1)
    expect_messages(ann, 2)


def test_a_message_that_is_too_long_can_be_discarded(room: Room) -> None:
    page = room.tab()
    field(page).fill("x" * 4001)
    send(page)
    expect(refused(page)).to_be_visible()
    page.keyboard.type("half a")
    refused(page).get_by_role("button", name="Discard").click()
    expect(refused(page)).to_have_count(0)
    expect(field(page)).to_have_value("half a")
    field(page).focus()
    page.keyboard.press("End")
    say(page, " sentence")
    expect_messages(page, 1)
    assert texts(page) == ["half a sentence"]


def test_still_too_long_is_refused_again(room: Room) -> None:
    page = room.tab()
    field(page).fill("x" * 5000)
    send(page)
    expect(refused(page).get_by_role("alert")).to_contain_text("5,000")
    refused(page).get_by_label("Message").fill("x" * 4001)
    refused(page).get_by_label("Message").press("Enter")
    expect(refused(page).get_by_role("alert")).to_contain_text("4,001")
    expect(refused(page).get_by_role("alert")).to_have_count(1)
    refused(page).get_by_label("Message").fill("x" * 4000)
    refused(page).get_by_label("Message").press("Enter")
    expect_messages(page, 1)
    assert texts(page) == ["x" * 4000]
    expect(refused(page)).to_have_count(0)


def test_the_field_in_use_stays_in_sight(room: Room) -> None:
    page = room.tab(viewport={"width": 390, "height": 500})
    for count in range(1, 5):
        field(page).fill("x" * 5000)
        send(page)
        expect(refused(page)).to_have_count(count)
        expect(field(page)).to_be_focused()
        page.locator("#composer").evaluate("composer => { composer.scrollTop = 0 }")
        expect(field(page)).to_be_in_viewport(ratio=1)
    for form in refused(page).all():
        discard = form.get_by_role("button", name="Discard")
        discard.focus()
        button, below = box(discard), box(field(page))
        assert button["y"] + button["height"] <= below["y"]


def test_nothing_but_space_is_refused(room: Room) -> None:
    page = room.tab()
    page.keyboard.press("Enter")  # the browser itself asks for something
    say(page, "   ")
    expect(refused(page).get_by_role("alert")).to_contain_text("There is nothing in it.")
    say(page, "something")
    expect_messages(page, 1)
    assert texts(page) == ["something"]


def test_two_tabs_of_one_person(room: Room) -> None:
    one = room.tab()
    two = one.context.new_page()
    with until_live(two):
        two.goto(room.path)
    two.keyboard.type("half a")
    say(one, "from one")
    expect_messages(two, 1)
    say(two, " sentence")
    for page in (one, two):
        expect_messages(page, 2)
        assert texts(page) == ["from one", "half a sentence"]


# Rooms ---------------------------------------------------------------------------------


def test_the_sidebar_leads_to_another_room(room: Room, tab: Callable[..., Page]) -> None:
    other = Room(tab)
    bob = other.tab("bob")
    say(bob, "over here")
    ann = join(other.tab("ann"), room.name)
    say(ann, "over there")
    expect_messages(ann, 1)
    with until_live(ann):
        ann.get_by_role("navigation").get_by_role("link", name=other.name, exact=True).click()
    expect(ann.get_by_role("heading", level=1)).to_have_text(other.name)
    say(ann, "here I am")
    for page in (ann, bob):
        expect_messages(page, 2)
        assert texts(page) == ["over here", "here I am"]


# Scrolling -----------------------------------------------------------------------------


def test_older_messages_come_as_one_scrolls_up_and_nothing_jumps(room: Room, server: Site) -> None:
    room.tab("bob")
    lines = say_lines(server, room, 180)
    page = room.tab("ann")
    expect(page.locator(".message").last).to_be_in_viewport()
    assert texts(page) == lines[-50:]
    held: list[Route] = []
    page.route("**/messages/?before=*", lambda route: held.append(route))
    for count in (100, 150, 180):
        scroll_up(page, far=True)
        wait_until(page, lambda: bool(held))
        top = page.locator(".message").first
        first = page.locator(f"#{top.get_attribute('id')} .text")
        expect(first).to_be_in_viewport()
        before = box(first)
        held.pop().continue_()
        expect_messages(page, count)
        assert box(first)["y"] == pytest.approx(before["y"], abs=1)
        assert texts(page) == lines[-count:]
    expect(page.locator("#messages > li").first).to_have_text(f"This is where {room.name} begins.")
    scroll_up(page, far=True)
    expect(page.locator(".beginning")).to_be_in_viewport()
    expect(page.locator(".older")).to_have_count(0)


def test_what_one_reads_stays_when_more_comes(room: Room, server: Site) -> None:
    bob = room.tab("bob")
    say_lines(server, room, 60)
    ann = room.tab("ann")
    expect(ann.locator("#below")).to_be_hidden()
    scroll_up(ann)
    below = ann.get_by_role("link", name="Newest messages")
    expect(below).to_be_visible()
    expect(ann.locator("#mark")).to_have_count(1)
    read = ann.locator("#message-40")
    expect(read).to_be_in_viewport()
    before = box(read)
    for n in range(1, 4):
        say(bob, f"news {n}")
        expect(ann.locator(".message").last).to_contain_text(f"news {n}")
        assert box(read)["y"] == pytest.approx(before["y"], abs=1)
    expect(below).to_be_hidden()
    ann.get_by_role("link", name="New messages").click()
    expect(ann.locator(".message").last).to_be_in_viewport()
    expect(ann.locator("#below")).to_be_hidden()
    mark = ann.get_by_text("New", exact=True)
    expect(mark).to_be_in_viewport()
    assert box(ann.locator("#message-60"))["y"] < box(mark)["y"] < box(ann.locator("#message-61"))["y"]


def test_back_at_the_newest_nothing_is_new(room: Room, server: Site) -> None:
    bob = room.tab("bob")
    say_lines(server, room, 60)
    ann = room.tab("ann")
    scroll_up(ann)
    expect(ann.locator("#mark")).to_have_count(1)
    ann.get_by_role("link", name="Newest messages").click()
    expect(ann.locator("#below")).to_be_hidden()
    expect(ann.locator("#mark")).to_have_count(0)
    say(bob, "hello")
    expect(ann.locator(".message").last).to_be_in_viewport()
    expect(ann.locator(".message").last).to_contain_text("hello")
    expect(ann.locator("#below")).to_be_hidden()


def test_who_writes_while_scrolled_up_comes_to_the_newest(room: Room, server: Site) -> None:
    room.tab("bob")
    say_lines(server, room, 60)
    ann = room.tab("ann")
    scroll_up(ann)
    expect(ann.locator("#below")).to_be_visible()
    say(ann, "mine")
    expect(ann.locator(".message").last).to_contain_text("mine")
    expect(ann.locator(".message").last).to_be_in_viewport()
    expect(ann.locator("#below")).to_be_hidden()
