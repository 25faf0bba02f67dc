"""Tabs in a real Chromium, beside those without a browser, in the same rooms."""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from random import Random

from playwright.sync_api import Browser, Error, Page, sync_playwright

from e2e.chromium import launch
from e2e.pages import join
from e2e.site import bare, shown, text_in
from faults import checker
from faults.checker import View
from faults.page import DELETED, Row
from faults.stored import Room

SHORTEST, LONGEST = 0.5, 2.5  # seconds between two messages of one tab
FIND_MS = 5_000  # for a field to write in
JOIN_SECONDS = 60.0

Asked = tuple[Callable[[], object], Future[object]]  # what to do, and whom to tell what came of it


@dataclass(frozen=True, slots=True)
class Seen:
    """What one tab shows, and how much it still waits for."""

    view: View
    unconfirmed: int


class Browsers:
    """They are driven by a thread of their own, for Playwright waits as it works."""

    def __init__(self, url: str, rooms: Sequence[str], count: int, seed: int) -> None:
        """`rooms` are their names, over which the tabs go in turn."""
        self.said: dict[str, str] = {}  # what was sent off, and in which room
        self._url, self._rooms, self._count, self._seed = url, rooms, count, seed
        self._pages: list[tuple[str, Page]] = []
        self._asked: queue.SimpleQueue[tuple[Callable[[], object], Future[object]] | None] = (
            queue.SimpleQueue()
        )
        self._writes = threading.Event()
        self._joined: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="browsers", daemon=True)

    def start(self) -> None:
        """Returns once every tab is live."""
        self._thread.start()
        self._joined.result(JOIN_SECONDS)

    def write(self, *, is_on: bool) -> None:
        (self._writes.set if is_on else self._writes.clear)()

    def seen(self) -> list[Seen]:
        """What every tab shows."""
        answer: Future[object] = Future()
        self._asked.put((self._look, answer))
        found = answer.result(JOIN_SECONDS)
        assert isinstance(found, list)
        return found

    def stop(self) -> None:
        self._asked.put(None)
        self._thread.join()

    def _run(self) -> None:
        with sync_playwright() as playwright:
            browser = launch(playwright.chromium)
            try:
                self._open(browser)
                self._joined.set_result(None)
            except Exception as error:  # noqa: BLE001 — whoever waits is told
                self._joined.set_exception(error)
                return
            self._serve(Random(f"{self._seed} browsers"))
            browser.close()

    def _open(self, browser: Browser) -> None:
        for number in range(self._count):
            room = self._rooms[number % len(self._rooms)]
            page = browser.new_context(base_url=self._url).new_page()
            join(page, room, f"c{number} of {self._seed}")
            page.set_default_timeout(FIND_MS)
            self._pages.append((room.lower(), page))

    def _serve(self, random: Random) -> None:
        count, at = 0, time.monotonic()
        while True:
            try:
                asked = self._asked.get(timeout=max(0.0, at - time.monotonic()))
            except queue.Empty:
                at = time.monotonic() + random.uniform(SHORTEST, LONGEST) / len(self._pages)
                if self._writes.is_set():
                    count += 1
                    self._say(*random.choice(self._pages), f"c{self._seed}n{count} said in a browser")
                continue
            if asked is None:
                return
            asked[1].set_result(asked[0]())

    def _say(self, room: str, page: Page, text: str) -> None:
        try:
            field = page.locator(".send:not(:has(.resend)) [name=body]:enabled").first
            if field.input_value():
                return  # it was sent off in this moment, and the next field is not there yet
            field.fill(text)
            field.press("Enter")
        except Error:
            return
        self.said[text] = room

    def _look(self) -> list[Seen]:
        return [self._seen(number, room, page) for number, (room, page) in enumerate(self._pages)]

    def _seen(self, number: int, room: str, page: Page) -> Seen:
        rows = [Row(seq, 0, bare(text)) for seq, _, text in shown(page)]
        fields = page.locator(".send [name=body]")
        written = fields.evaluate_all("fields => fields.filter(field => field.value).length")
        return Seen(View(f"c{number}", room, rows), written)


def wrong(seen: Sequence[Seen], rooms: Mapping[str, Room]) -> list[str]:
    """What the tabs still wait for, and how what they show differs from what the database holds."""
    found = []
    for one in seen:
        if one.unconfirmed:
            found.append(f"{one.view.name}: {one.unconfirmed} messages are not confirmed")
        found += checker.shown_wrong(one.view, _as_text(rooms[one.view.room]))
    return found


def lost(said: dict[str, str], rooms: Mapping[str, Room]) -> list[str]:
    """What was sent off, is waited for no longer, and is not there exactly once."""
    bodies = {slug: [message.body for message in room.messages] for slug, room in rooms.items()}
    return [
        f"{slug}: {text!r}, said in a browser, is there {count} times"
        for text, slug in said.items()
        if (count := bodies[slug].count(text)) != 1
    ]


def _as_text(room: Room) -> Room:
    """The room as far as a browser can be asked what it shows: it writes HTML in its own way."""
    messages = [
        replace(
            message,
            author=0,
            html=bare(DELETED if message.is_deleted else text_in(message.html)),
            is_deleted=False,
            is_edited=False,
            reactions=(),
        )
        for message in room.messages
    ]
    return replace(room, messages=messages)
