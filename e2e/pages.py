"""Pages of a browser, and what goes wrong in them."""

import itertools
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    WebError,
    WebSocket,
)

SECONDS = 30.0
PAUSE_MS = 20  # between two looks: to look without a pause would take a core from what is waited for

# What the browser and htmx say of a network that fails.
OUTAGE = [
    "WebSocket connection to",
    "net::ERR_",
    "Failed to load resource",
    "Failed to fetch",
    "htmx:ws:error",
    "htmx:ws:error: [object Event]",  # a connection that could not be made
]


class PageErrors:
    """What the pages of one test wrote to their consoles as errors and warnings, what their
    scripts threw, what the Content-Security-Policy refused (which the console tells too), and
    which pages had no such policy."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._allowed: list[str] = []

    def allow(self, *texts: str) -> None:
        """Errors that hold one of `texts` are what the test expects, before and after this call."""
        self._allowed += texts

    def allow_outage(self) -> None:
        """The server, or the network, is away for a while."""
        self.allow(*OUTAGE)

    @property
    def unexpected(self) -> list[str]:
        return [error for error in self.all if not any(text in error for text in self._allowed)]

    def watch(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._thrown)
        context.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.all.append(f"{message.type}: {message.text} ({message.location.get('url')})")

    def _thrown(self, error: WebError) -> None:
        self.all.append(f"thrown: {error.error}")

    def _answered(self, response: Response) -> None:
        policy = response.headers.get("content-security-policy", "")
        is_html = response.headers.get("content-type", "").startswith("text/html")
        if is_html and "script-src 'self'" not in policy.split("; "):
            self.all.append(f"no strict policy: {policy!r} ({response.url})")


class Pages:
    """Makes pages: each in a context, and so a person, of its own."""

    def __init__(self, browser: Browser, url: str, errors: PageErrors) -> None:
        self._browser, self._url, self._errors = browser, url, errors
        self._contexts: list[BrowserContext] = []

    def new(self, **context_options: Any) -> Page:
        """An empty page; the options are those of Playwright's `new_context`."""
        context = self._browser.new_context(**{"base_url": self._url} | context_options)
        self._contexts.append(context)
        self._errors.watch(context)
        return context.new_page()

    def close(self) -> None:
        for context in self._contexts:
            context.close()


class Room:
    """A room for one test on the server that tests share; `tab` is the fixture."""

    _numbers = itertools.count(1)

    def __init__(self, tab: Callable[..., Page]) -> None:
        self._tab = tab
        self._number = next(self._numbers)
        self.name = f"Study {self._number}"
        self.slug = f"study-{self._number}"
        self.path = f"/rooms/{self.slug}/"

    def called(self, name: str) -> str:
        """What the person whom the test calls `name` is called on the server: nobody else is."""
        return f"{name} {self._number}"

    def tab(self, name: str = "ann", **options: Any) -> Page:
        """A new page whose new person is in the room, live; the options are those of a context."""
        return self._tab(self.called(name), self.name, **options)


def join(page: Page, room: str = "Lounge", name: str = "ann") -> Page:
    """Go through the lobby into `room`, as `name` unless the page's person has a name already,
    and wait until the room is live. Returns `page`."""
    is_live = on_live(page)
    page.goto("/")
    page.locator("[name=room_name]").fill(room)
    if page.locator("[name=username]").count():
        page.locator("[name=username]").fill(name)
    page.locator("form.join button").click()
    page.wait_for_url("**/rooms/*/")
    wait_until(page, is_live)
    return page


def bring(page: Page, room: str, name: str) -> Page:
    """Have a new person called `name` in `room`, live. They come in by the lobby's form; the lobby itself,
    which costs as much as the room, is not shown. Returns `page`."""
    browser = page.context.request
    lobby = browser.get("/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', lobby.text())
    assert token
    form: dict[str, str | float | bool] = {"room_name": room, "username": name}
    form["csrfmiddlewaretoken"] = token[1]
    answer = browser.post("/", form=form, headers={"Referer": lobby.url}, max_redirects=0)
    assert answer.status == 302, answer.text()
    with until_live(page):
        page.goto(answer.headers["location"])
    return page


@contextmanager
def until_live(page: Page) -> Iterator[None]:
    """What is done within leads `page` into a room; go on when the room is live there."""
    is_live = on_live(page)
    yield
    wait_until(page, is_live)


def follow(link: Locator) -> None:
    """Click `link`, and go on when all of the page that it leads to is there: a long one comes in pieces."""
    with link.page.expect_navigation():
        link.click()


def on_live(page: Page) -> Callable[[], bool]:
    """Returns what tells whether a socket opened from now on has brought its page up to date."""
    frames: list[str | bytes] = []

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: frames.append(frame))

    page.on("websocket", opened)
    return lambda: bool(frames)


def wait_until(page: Page, condition: Callable[[], bool], seconds: float = SECONDS) -> None:
    """Wait for `condition`, which what happens to `page` makes true."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s at {page.url}"
        page.wait_for_timeout(PAUSE_MS)  # and hear of what has happened meanwhile


def entry(page: Page, room: Room) -> Locator:
    """The room in the page's sidebar."""
    return page.locator("#rooms li", has=page.get_by_text(room.name, exact=True))
