"""What a page does with the frames it gets: the same rules as htmx, without a browser."""

import re
from html import unescape

from rooms.view import View

UPSERT = re.compile(r"<hx-upsert[^>]*>(.*?)</hx-upsert>", re.DOTALL)
START_OVER = re.compile(
    r'<hx-partial hx-target="#messages" hx-swap="innerHTML">(.*?)</hx-partial>', re.DOTALL
)
REPLACE = re.compile(
    r'<hx-partial hx-target="#message-\d+" hx-swap="outerHTML">(.*?)</hx-partial>', re.DOTALL
)
MESSAGE = re.compile(r'<li class="message[^"]*" id="message-(\d+)".*?</li>', re.DOTALL)
TEXT = re.compile(r'<(div|p) class="text"[^>]*>(.*?)</\1>', re.DOTALL)
CURSOR = re.compile(r'<input type="hidden" id="cursor" name="cursor" value="(\d+)"')
TOKEN = re.compile(
    "|".join(f"(?:{pattern.pattern})" for pattern in (UPSERT, START_OVER, REPLACE, CURSOR)), re.DOTALL
)


class Page:
    """A tab for the hub, and what it shows. `resumed` says that its cursor is kept."""

    def __init__(self, cursor: int = 0) -> None:
        self.person_id = self.room_id = 0
        self.view = View()
        self.session = self.session_key = ""
        self.is_seen = False
        self.active_at = 0.0
        self.resumed = True
        self.told_why = ""  # it was closed
        self.cursor = cursor
        self.frames: list[str] = []
        self.shown: dict[int, str] = {}  # html by seq
        self.times_given: dict[int, int] = {}

    def give(self, frame: str) -> None:
        self.frames.append(frame)
        for token in TOKEN.finditer(frame):
            html = token[0]
            if START_OVER.fullmatch(html):
                self.shown.clear()
            for message in MESSAGE.finditer(html):
                seq = int(message[1])
                if REPLACE.fullmatch(html) and seq not in self.shown:
                    continue
                self.shown[seq] = message[0]
                self.times_given[seq] = self.times_given.get(seq, 0) + 1
            if cursor := CURSOR.match(html):
                self.cursor = int(cursor[1])

    def expel(self, why: str) -> None:
        self.told_why = why

    def room_renamed(self, name: str) -> None:
        pass

    @property
    def texts(self) -> list[str]:
        """What is said on the page, from top to bottom."""
        return [_text(html) for _, html in sorted(self.shown.items())]

    @property
    def anew(self) -> bool:
        """Whether the whole list was replaced."""
        return any(START_OVER.search(frame) for frame in self.frames)


def _text(html: str) -> str:
    found = TEXT.search(html)
    assert found, html
    return unescape(re.sub(r"<[^>]+>", "", found[2]))
