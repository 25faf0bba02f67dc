"""Nothing lost, doubled or reordered, whatever dies in between."""

import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Route, expect

from e2e.conftest import Site
from e2e.pages import PageErrors, Room, wait_until
from e2e.proxy import Proxy, proxy_to
from e2e.site import expect_shows_all, manage, say, shown, stored

SLOW = 30_000  # ms; for what comes back by itself after an outage


@pytest.fixture
def room(tab: Callable[..., Page]) -> Room:
    return Room(tab)


def bodies(server: Site, room: Room) -> list[str]:
    return [row["body"] for row in stored(server, room.slug)]


def pending(page: Page) -> list[str]:
    """The texts of messages on their way, oldest first."""
    return page.locator(".send:has(.resend) [name=body]").evaluate_all("fields => fields.map(f => f.value)")


def expect_nothing_pending(page: Page) -> None:
    expect(page.locator(".send:has(.resend)")).to_have_count(0, timeout=SLOW)


def test_three_tabs_through_a_server_kill_and_a_redis_restart(
    own_server: Site, tab: Callable[..., Page], page_errors: PageErrors
) -> None:
    page_errors.allow_outage()
    tabs = [tab("ann"), tab("bob"), tab("cleo")]
    for n, page in enumerate(tabs):
        say(page, f"before {n}")
    for page in tabs:
        expect(page.locator(".message")).to_have_count(3)

    own_server.kill()
    for n, page in enumerate(tabs):
        expect(page.locator("#connection .offline")).to_be_visible(timeout=SLOW)
        say(page, f"while the server is gone {n}")
    own_server.start()
    for page in tabs:
        expect_nothing_pending(page)
        expect(page.locator(".message")).to_have_count(6, timeout=SLOW)

    own_server.redis.stop()
    for n, page in enumerate(tabs):
        say(page, f"while Redis is gone {n}")
    for page in tabs:
        expect(page.locator(".message")).to_have_count(9, timeout=SLOW)
    own_server.redis.start()
    for n, page in enumerate(tabs):
        say(page, f"after {n}")
    for page in tabs:
        expect(page.locator(".message")).to_have_count(12, timeout=SLOW)
        expect_nothing_pending(page)
        expect_shows_all(page, own_server, "lounge")
    rows = stored(own_server, "lounge")
    assert len({row["body"] for row in rows}) == 12
    assert [row["version"] for row in rows] == list(range(1, 13))


def test_a_server_that_stops_as_asked_and_starts_again(
    own_server: Site, tab: Callable[..., Page], page_errors: PageErrors
) -> None:
    page_errors.allow_outage()
    page = tab()
    say(page, "before")
    expect(page.locator(".message")).to_have_count(1)
    assert own_server.stop() == 0
    say(page, "meanwhile")
    own_server.start()
    expect(page.locator(".message")).to_have_count(2, timeout=SLOW)
    expect(page.locator("#connection .online")).to_have_count(1)
    expect_shows_all(page, own_server, "lounge")


@pytest.fixture
def network(server: Site) -> Iterator[Proxy]:
    with proxy_to(server.port) as proxy:
        yield proxy


@pytest.fixture
def through(network: Proxy, room: Room, page_errors: PageErrors) -> Callable[..., Page]:
    """through(name): a tab whose connection goes through `network`."""
    page_errors.allow_outage()
    return lambda name: room.tab(name, base_url=network.url)


def test_offline_and_back(server: Site, network: Proxy, through: Callable[..., Page], room: Room) -> None:
    ann, bob = through("ann"), room.tab("bob")
    say(ann, "before")
    expect(bob.locator(".message")).to_have_count(1)
    expect_nothing_pending(ann)

    network.cut()
    expect(ann.locator("#connection .offline")).to_be_visible()
    for n in range(5):
        say(ann, f"ann, offline {n}")
    for n in range(5):
        say(bob, f"bob, online {n}")
    expect(bob.locator(".message")).to_have_count(6)
    assert pending(ann) == [f"ann, offline {n}" for n in range(5)]
    ann.keyboard.type("half a sent")

    network.mend()
    expect(ann.locator("#connection .offline")).to_have_count(0, timeout=SLOW)
    expect_nothing_pending(ann)
    for page in (ann, bob):
        expect(page.locator(".message")).to_have_count(11, timeout=SLOW)
        expect_shows_all(page, server, room.slug)
    said = bodies(server, room)
    assert [body for body in said if body.startswith("ann")] == [f"ann, offline {n}" for n in range(5)]
    say(ann, "ence")
    expect(bob.locator(".message").last).to_contain_text("half a sentence")


def test_what_was_sent_into_a_dead_connection_is_sent_again_in_order(
    server: Site, network: Proxy, through: Callable[..., Page], room: Room
) -> None:
    ann = through("ann")
    say(ann, "before")
    expect(ann.locator(".message")).to_have_count(1)
    expect_nothing_pending(ann)
    network.swallows = True
    for n in range(3):
        say(ann, f"into the void {n}")
    expect(ann.locator(".send:has(.resend)")).to_have_count(3)
    network.cut()
    say(ann, "and on")
    network.mend()
    expect_nothing_pending(ann)
    expect(ann.locator(".message")).to_have_count(5, timeout=SLOW)
    assert bodies(server, room) == ["before", *(f"into the void {n}" for n in range(3)), "and on"]
    expect_shows_all(ann, server, room.slug)


def test_what_arrived_but_was_not_confirmed_is_not_said_twice(
    server: Site, network: Proxy, through: Callable[..., Page], room: Room
) -> None:
    ann, bob = through("ann"), room.tab("bob")
    assert server.process
    server.process.send_signal(signal.SIGSTOP)  # the frame arrives, its answer does not come
    try:
        say(ann, "once")
        expect(ann.locator(".send:has(.resend)")).to_have_count(1)
        network.cut()
    finally:
        server.process.send_signal(signal.SIGCONT)
    network.mend()
    expect_nothing_pending(ann)
    expect(bob.locator(".message")).to_have_count(1, timeout=SLOW)
    assert bodies(server, room) == ["once"]


def test_far_too_much_was_missed(
    server: Site, network: Proxy, through: Callable[..., Page], room: Room
) -> None:
    ann = through("ann")
    say(ann, "before")
    expect(ann.locator(".message")).to_have_count(1)
    network.cut()
    manage(
        server, "say", room.slug, "--as", room.called("bob"), text="".join(f"line {n}\n" for n in range(300))
    )
    network.mend()
    expect(ann.locator(".message").last).to_contain_text("line 299", timeout=SLOW)
    expect_shows_all(ann, server, room.slug)
    assert len(shown(ann)) == 50


def test_two_tabs_of_one_person_and_a_reload(server: Site, room: Room) -> None:
    one = room.tab("ann")
    two = one.context.new_page()
    two.goto(one.url)
    say(one, "from one")
    expect(two.locator(".message")).to_have_count(1)
    two.reload()
    expect(two.locator(".message")).to_have_count(1)
    two.locator("[name=body]").focus()
    say(two, "from two")
    for page in (one, two):
        expect(page.locator(".message")).to_have_count(2)
        expect_shows_all(page, server, room.slug)


def test_back_from_another_page_the_room_is_live(server: Site, room: Room) -> None:
    ann, bob = room.tab("ann"), room.tab("bob")
    ann.goto("/")
    say(bob, "while ann was elsewhere")
    expect(bob.locator(".message")).to_have_count(1)
    ann.go_back()
    expect(ann.locator(".message")).to_have_count(1)
    say(bob, "and now")
    expect(ann.locator(".message")).to_have_count(2)
    expect_shows_all(ann, server, room.slug)


def test_a_script_that_comes_late(room: Room, new_page: Callable[..., Page]) -> None:
    """htmx starts when its page is read; a part of it that came after that would never work."""
    page = new_page()
    late: list[Route] = []
    page.route("**/hx-ws*.js", lambda route: late.append(route))
    page.goto("/")
    page.locator("[name=room_name]").fill(room.name)
    page.locator("[name=username]").fill(room.called("ann"))
    page.locator("form.join button").click(no_wait_after=True)
    wait_until(page, lambda: bool(late))
    # A second of a busy browser: timers and tasks of the page run, the script is not there.
    page.evaluate("new Promise(done => setTimeout(done, 300))")
    late[0].continue_()
    page.wait_for_load_state()
    page.locator("[name=body]").focus()
    say(page, "hello")
    expect(page.locator(".message")).to_have_count(1)
    expect_nothing_pending(page)
