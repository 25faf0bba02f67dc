"""A room's page without a browser: what it shows, and what a frame makes of that, as htmx swaps it in."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape

from faults.html import Element, element_at, elements

DELETED = "This message was deleted."
MESSAGE = re.compile(r"#message-(\d+)")
SENT = re.compile(r"#send-([\w-]+)")
FORM = re.compile(r'<form class="send" id="send-([\w-]+)"')
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
REACTION = re.compile(r'<a class="reaction"[^>]*>(\S+) <span>(\d+)</span></a>')


@dataclass(frozen=True, slots=True)
class Row:
    """A message as it is shown."""

    seq: int
    author: int
    html: str  # its text; empty, if it was deleted
    is_deleted: bool = False
    is_edited: bool = False
    reactions: tuple[tuple[str, int], ...] = ()


@dataclass(slots=True)
class Taken:
    """What a frame brought, beside what it changed."""

    accepted: list[str] = field(default_factory=list)  # keys
    refused: list[str] = field(default_factory=list)
    shown: list[Row] = field(default_factory=list)  # messages that are new or were replaced
    has_cursor: bool = False
    is_farewell: bool = False


class Page:
    """The list of messages, the cursor, and the forms that wait to be written in."""

    def __init__(self, html: str) -> None:
        listed = element_at(html, '<ol id="messages"')
        cursor = element_at(html, '<input type="hidden" id="cursor"')
        token = TOKEN.search(html)
        if listed is None or cursor is None or token is None:
            raise ValueError(f"that is no page of a room: {html[:200]}")
        self.items = list(elements(listed.inner))
        self.cursor = cursor.get("value")
        self.token = token[1]
        self.forms = FORM.findall(html)  # the keys that are free

    def take(self, frame: str) -> Taken:
        """Do with `frame` what htmx does."""
        taken = Taken()
        for element in elements(frame):
            if element.name == "hx-upsert":
                for item in elements(element.inner):
                    self._upsert(item)
                    taken.shown.append(row(item))
            elif element.name == "hx-partial":
                self._take_partial(element, taken)
            elif element.get("id") == "cursor":
                self.cursor, taken.has_cursor = element.get("value"), True
        return taken

    def _take_partial(self, element: Element, taken: Taken) -> None:
        target, swap = element.get("hx-target"), element.get("hx-swap")
        if target == "#messages" and swap == "innerHTML":
            self.items = list(elements(element.inner))
            taken.shown += rows(self.items)
        elif target == "#room":
            taken.is_farewell = True
        elif target == "#spares":
            self.forms += FORM.findall(element.inner)
        elif found := MESSAGE.findall(target):
            places = {f"message-{seq}" for seq in found}
            new = list(elements(element.inner)) if swap == "outerHTML" else []
            for place, item in enumerate(self.items):
                if item.get("id") in places and new:
                    self.items[place : place + 1] = new
                    taken.shown += rows(new)
                    break
            if swap == "delete":
                self.items = [item for item in self.items if item.get("id") not in places]
        elif key := SENT.fullmatch(target):
            if swap == "delete":
                taken.accepted.append(key[1])
        elif (key := SENT.match(target)) and ".problem" in target:
            taken.refused.append(key[1])

    def _upsert(self, new: Element) -> None:
        for place, item in enumerate(self.items):
            if item.get("id") and item.get("id") == new.get("id"):
                self.items[place] = new
                return
        for place, item in enumerate(self.items):
            if item.get("data-seq") and int(new.get("data-seq")) < int(item.get("data-seq")):
                self.items.insert(place, new)
                return
        self.items.append(new)

    @property
    def rows(self) -> list[Row]:
        """The messages, from top to bottom."""
        return rows(self.items)

    @property
    def raw(self) -> list[tuple[int, str]]:
        """The same as they were written, each with its seq."""
        return [(int(item.get("data-seq")), item.outer) for item in self.items if "message" in item.classes]


def rows(items: Iterable[Element]) -> list[Row]:
    return [row(item) for item in items if "message" in item.classes]


def row(item: Element) -> Row:
    """The message that a list item shows."""
    text = element_at(item.inner, '<div class="text"')
    is_deleted = text is None
    return Row(
        seq=int(item.get("data-seq")),
        author=int(item.get("data-author")),
        html=text.inner if text else "",
        is_deleted=is_deleted,
        is_edited='<span class="edited">' in item.inner.partition('class="text"')[0],
        reactions=tuple(
            (unescape(emoji), int(count)) for emoji, count in REACTION.findall(_below_text(item, text))
        ),
    )


def _below_text(item: Element, text: Element | None) -> str:
    return item.inner.partition(text.outer)[2] if text else ""
